//! What a newcomer is told.

use std::path::Path;

use oci_testkit::tools::workspace;

use crate::shell::word;

/// What to export, and a first example.
pub(crate) fn text(env: &Path, programs: &Path) -> String {
    let env = word(&env.to_string_lossy());
    let programs = word(&programs.to_string_lossy());
    let sample = word(&workspace().join("deploy/samples/podinfo-lite").to_string_lossy());
    format!(
        r"
The cluster is ready. In another terminal:

  set -a; . {env}; set +a
  PATH={programs}:$PATH

Push a folder, and let the cluster have it:

  kubectl-oci push artifact oci://$REGISTRY/demo/app:v1 --path {sample} \
    --source=https://example.com/app --revision=v1

  $KUBECTL apply -f - <<END
  apiVersion: source.toolkit.fluxcd.io/v1
  kind: OCIRepository
  metadata:
    name: app
  spec:
    url: oci://$REGISTRY/demo/app
    ref:
      tag: v1
    interval: 1m
    insecure: true
  END

  $KUBECTL wait --for=condition=Ready ocirepository/app --timeout=1m
  $KUBECTL get ocirepositories
  curl -fsS $ARTIFACTS/ocirepository/default/app/latest.tar.gz | tar -tz

Ctrl-C ends all of it and leaves nothing behind."
    )
}
