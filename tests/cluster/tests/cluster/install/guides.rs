//! The guides, followed word by word: every block of code of those that are named here, in its order.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use oci_testkit::{
    cases::yaml,
    control_plane::ControlPlane,
    documents::{Code, Document},
    planted,
    real::{self, Distribution, Mode},
    token_server::{Rights, TokenServer},
};
use serde_json::{Value, json};

use super::{
    cluster,
    desk::Desk,
    installed,
    running::{WEBHOOK, ended, pod, started, wire},
};
use crate::flux::{self, Release};

/// Two versions of a folder.
const HELLO: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: greeting\ndata:\n  text: Hello\n";
const HI: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: greeting\ndata:\n  text: Hi\n";

fn codes(guide: &str) -> Vec<Code> {
    Document::read(&format!("docs/guide/{guide}.md")).codes()
}

/// The blocks of a guide, as many as the test knows: one more has to be followed too.
fn blocks<const N: usize>(guide: &str) -> [Code; N] {
    codes(guide).try_into().unwrap_or_else(|all: Vec<Code>| panic!("{guide} has {} blocks", all.len()))
}

fn registry() -> Distribution {
    Distribution::start(Mode::Plain).unwrap()
}

/// The namespace of the guides, new.
async fn namespace(plane: &ControlPlane) {
    let yaml = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "flux-system" } });
    plane.apply(&yaml.to_string()).await;
}

/// The next test has its own.
async fn without_namespace(plane: &ControlPlane) {
    plane.run(&["delete", "namespace", "flux-system", "--timeout=60s"]).await.succeeded();
}

/// The message of Ready of the guides' object.
async fn told(plane: &ControlPlane) -> String {
    let path = "jsonpath={.status.artifact.revision}";
    plane.run(&["get", "ocirepository", "app", "-n", "flux-system", "-o", path]).await.succeeded()
}

#[tokio::test]
async fn guide_to_the_commands_is_true() {
    let plane = cluster().await;
    let pods = started(&plane, "single", &["oci-controller"]).await;
    namespace(&plane).await;
    let registry = registry();
    let desk = Desk::new(&plane, &[("ghcr.io", &registry.host())]);
    desk.write("app/greeting.yaml", HELLO);
    let tags = ["1.0.0", "1.1.0", "1.2.0", "1.3.1", "1.3.2", "1.4.0", "2.0.0", "2.1.0", "latest"];
    desk.ok(&format!("kubectl oci push artifact oci://ghcr.io/org/app -f app --tag {}", tags.join(",")))
        .await;
    for code in codes("commands") {
        desk.follow(&code).await;
    }
    desk.ok("kubectl delete ocirepository app -n flux-system").await;
    without_namespace(&plane).await;
    ended(&plane, pods).await;
}

#[tokio::test]
async fn guide_to_promotion_is_true() {
    let plane = cluster().await;
    let pods = started(&plane, "single", &["oci-controller"]).await;
    namespace(&plane).await;
    let (registry, production) = (registry(), registry());
    let names = [("ghcr.io", &*registry.host()), ("registry.prod.example", &*production.host())];
    let desk = Desk::new(&plane, &names);
    let [push, staging, production, difference, pin, copy] = blocks("promotion");
    desk.ok("kubectl oci generate key-pair").await;
    desk.write("deploy/greeting.yaml", HELLO);
    desk.follow(&push).await;
    desk.follow(&staging).await;
    let first = told(&plane).await;
    assert!(first.starts_with("v1.4.0@"), "{first}");
    desk.follow(&production).await;
    assert_eq!(told(&plane).await.replace("production@", "v1.4.0@"), first);

    desk.write("deploy/greeting.yaml", HI);
    desk.ok("kubectl oci push artifact oci://ghcr.io/org/app:v1.5.0 -f deploy").await;
    desk.follow(&difference).await;
    desk.ok("kubectl oci tag artifact oci://ghcr.io/org/app:v1.5.0 --tag production").await;
    desk.ok("kubectl oci reconcile app -n flux-system").await;
    assert_ne!(told(&plane).await.replace("production@", "v1.4.0@"), first);
    desk.follow(&pin).await;
    assert_eq!(format!("v1.4.0@{}", told(&plane).await), first, "the older version");

    desk.follow(&copy).await;
    desk.ok("kubectl oci verify artifact oci://registry.prod.example/app:v1.4.0 --key cosign.pub").await;
    let unsigned = copy.text.replace("v1.4.0", "v1.5.0");
    assert_eq!(desk.run(&unsigned).await.code, 1);
    troubleshooting(&desk).await;
    desk.ok("kubectl delete ocirepository app -n flux-system").await;
    without_namespace(&plane).await;
    ended(&plane, pods).await;
}

/// Where there is an object `app`, and its manifest.
async fn troubleshooting(desk: &Desk) {
    let [look] = blocks("troubleshooting");
    desk.ok("kubectl oci export app -n flux-system > app.yaml").await;
    desk.follow(&look).await;
    let spans = Document::read("docs/guide/troubleshooting.md").spans();
    let (_, alone) = spans.into_iter().find(|(_, span)| span.starts_with("kubectl patch crd ")).unwrap();
    desk.ok(&alone).await;
    desk.ok("kubectl get ocirepositories.v1beta2.source.toolkit.fluxcd.io app -n flux-system").await;
}

#[tokio::test]
async fn guide_to_life_without_the_internet_is_true() {
    let plane = cluster().await;
    let (outside, inside) = (registry(), registry());
    let names = [("ghcr.io", &*outside.host()), ("registry.inside.example", &*inside.host())];
    let desk = Desk::new(&plane, &names);
    desk.write("app/greeting.yaml", HELLO);
    desk.ok(
        "kubectl oci generate key-pair
         kubectl oci push artifact oci://ghcr.io/org/app:v1.4.0 -f app --sign --key cosign.key
         kubectl oci push artifact oci://ghcr.io/kubectl-oci/kubectl-oci:$(kubectl oci version -o name) -f app",
    )
    .await;
    let [carried, brought, carried_program, brought_program] = blocks("air-gap");
    desk.follow(&carried).await;
    desk.follow(&carried_program).await;
    drop(outside);
    desk.follow(&brought).await;
    desk.ok("kubectl oci verify artifact oci://registry.inside.example/app:v1.4.0 --key cosign.pub").await;
    desk.follow(&brought_program).await;
    // The manifests name what was brought.
    let manifests = desk.read("install.yaml");
    let images: Vec<&str> =
        manifests.lines().filter_map(|line| line.trim().strip_prefix("image: ")).collect();
    assert_eq!(images.len(), 2, "{images:?}");
    for image in images {
        desk.ok(&format!("kubectl oci inspect artifact oci://{image}")).await;
    }
}

/// Docker's file with one login.
fn login(desk: &Desk, host: &str, user: &str, password: &str) {
    let auth = BASE64_STANDARD.encode(format!("{user}:{password}"));
    let config = json!({ "auths": { host: { "auth": auth } } });
    desk.write("../me/.docker/config.json", &config.to_string());
}

#[tokio::test]
async fn guide_to_logging_in_is_true_about_refusals() {
    let plane = cluster().await;
    let by_password = Distribution::start(Mode::Htpasswd).unwrap();
    let tokens = TokenServer::builder().user("robot", planted::OTHER_PASSWORD, Rights::Nothing).start();
    let by_token = Distribution::with_tokens(&tokens).unwrap();
    let realm = tokens.realm();
    let realm = realm.trim_start_matches("http://").split('/').next().unwrap();
    let names = [
        ("localhost:5000", &*by_password.host()),
        ("localhost:5001", &*by_token.host()),
        ("localhost:5002", realm),
    ];
    let mut desk = Desk::new(&plane, &names);
    desk.call_home("/me");
    let refusals = codes("authentication").into_iter().filter(|code| code.heading == "When it is refused");
    let [password, helper, account] = &refusals.collect::<Vec<_>>()[..] else { panic!("not three") };
    login(&desk, &by_password.host(), real::USER, planted::WRONG_PASSWORD);
    desk.follow(password).await;
    login(&desk, &by_token.host(), "robot", planted::OTHER_PASSWORD);
    desk.follow(account).await;
    desk.write("../me/.docker/config.json", r#"{ "credsStore": "secretservice" }"#);
    desk.follow(helper).await;
}

#[tokio::test]
async fn guide_to_signatures_is_true() {
    let plane = cluster().await;
    let registry = registry();
    let desk = Desk::new(&plane, &[("ghcr.io", &registry.host())]);
    desk.write("app/greeting.yaml", HELLO);
    desk.ok("kubectl oci push artifact oci://ghcr.io/org/app:v1 -f app
         kubectl oci generate key-pair --output-key-prefix other")
        .await;
    // `notation` has a test of its own, and what is YAML is a part of an object.
    let is_followed = |code: &Code| code.language == "console" && code.heading != "Notation";
    let followed: Vec<Code> = codes("verification").into_iter().filter(is_followed).collect();
    assert_eq!(followed.len(), 4);
    for code in &followed {
        desk.follow(code).await;
    }
}

/// The scripts of a pipeline.
fn scripts(code: &Code) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let pipeline = yaml(&code.text);
    if let Some(script) = pipeline.pointer("/push/script") {
        return script.as_array().unwrap().iter().map(text).collect();
    }
    let steps = pipeline.get("steps").unwrap_or(&pipeline).as_array().unwrap();
    steps.iter().filter_map(|step| step.get("run").map(text)).collect()
}

#[tokio::test]
async fn guide_to_pipelines_is_true() {
    let plane = cluster().await;
    let registry = Distribution::start(Mode::Htpasswd).unwrap();
    let mut desk = Desk::new(&plane, &[("ghcr.io", &registry.host())]);
    desk.ok("kubectl oci generate key-pair").await;
    for (name, value) in [
        ("GITHUB_TOKEN", planted::PASSWORD),
        ("GITHUB_ACTOR", real::USER),
        ("GITHUB_REPOSITORY", "org/repository"),
        ("COSIGN_PRIVATE_KEY", &desk.read("cosign.key")),
        ("CI_REGISTRY_IMAGE", &format!("{}/group/project", registry.host())),
        ("CI_REGISTRY_USER", real::USER),
        ("CI_REGISTRY_PASSWORD", planted::PASSWORD),
        ("CI_COMMIT_REF_SLUG", "feature"),
    ] {
        desk.export(name, value);
    }
    desk.write("deploy/greeting.yaml", HELLO);
    desk.write("clusters/app.yaml", "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata:\n  name: app\nspec:\n  url: oci://ghcr.io/org/app\n  ref:\n    tag: v1\n  interval: 5m\n");
    desk.ok(
        "git init -q . && git remote add origin https://github.com/org/repository && git add clusters deploy
         git -c user.name=a -c user.email=a@example.com commit -qm first",
    )
    .await;
    let [merged, asked, gitlab] = blocks("ci");
    // Releases are downloaded by nobody here; the plugin is in the PATH.
    let [install, login, push] = &scripts(&merged)[..] else { panic!("{}", merged.text) };
    assert!(install.starts_with("curl "), "{install}");
    desk.ok(login).await;
    let pushed = |told: &str| -> Value { serde_json::from_str(&told[told.find('{').unwrap()..]).unwrap() };
    let first = desk.ok(push).await;
    let again = desk.ok(push).await;
    assert!(!first.contains("nothing pushed") && again.contains("nothing pushed"), "{first}{again}");
    assert_eq!(pushed(&first), pushed(&again));
    let list = desk.ok("kubectl oci list artifacts oci://ghcr.io/org/repository/deploy").await;
    assert!(list.contains("https://github.com/org/repository") && list.contains("@sha1:"), "{list}");
    desk.ok("kubectl oci verify artifact oci://ghcr.io/org/repository/deploy:latest --key cosign.pub").await;

    desk.write("deploy/greeting.yaml", HI);
    for script in scripts(&asked) {
        let told = desk.ok(&script).await;
        assert!(script.contains(" lint ") || told.contains("+  text: Hi"), "{told}");
    }
    // By the flags, and by no login that is kept.
    desk.ok("kubectl oci logout ghcr.io").await;
    assert_ne!(desk.run(&scripts(&asked)[1]).await.code, 0, "a refusal is no difference");
    for script in scripts(&gitlab) {
        desk.ok(&script).await;
    }
}

#[tokio::test]
async fn guide_to_moving_from_flux_and_back_is_true() {
    let plane = cluster().await;
    flux::install(&plane, Release::V1_10).await;
    namespace(&plane).await;
    let registry = registry();
    let desk = Desk::new(&plane, &[("ghcr.io", &registry.host())]);
    let [patch, install, label, back] = blocks("migration");

    let source_controller = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: source-controller\n  namespace: flux-system\nspec:\n  template:\n    spec:\n      containers:\n      - name: manager\n        args: [--storage-path=/data]\n";
    desk.write("flux/controller.yaml", source_controller);
    desk.write("flux/kustomization.yaml", &format!("resources: [controller.yaml]\n{}", patch.text));
    let patched = yaml(&desk.ok("kubectl kustomize flux").await);
    let arguments = &patched["spec"]["template"]["spec"]["containers"][0]["args"];
    assert_eq!(arguments, &json!(["--storage-path=/data", "--watch-label-selector=!sharding.fluxcd.io/key"]));

    let pods = async {
        (
            pod(&plane, WEBHOOK, &["--tls-reload-interval=200ms"]).await,
            vec![pod(&plane, "oci-controller", &[]).await],
        )
    };
    let ((), pods) = tokio::join!(desk.follow(&install), pods);
    wire(&plane, pods.0.port("https")).await;
    desk.write("app/greeting.yaml", HELLO);
    desk.ok("kubectl oci push artifact oci://ghcr.io/org/app:v1 -f app
         kubectl oci create app -n flux-system --url oci://ghcr.io/org/app --tag v1 --no-wait")
        .await;
    desk.follow(&label).await;
    desk.ok("kubectl wait ocirepository app -n flux-system --for=condition=Ready --timeout=50s").await;
    assert!(told(&plane).await.starts_with("v1@sha256:"));
    // Flux's own objects are whose they were, and so is the CRD.
    for mut pod in pods.1.into_iter().chain([pods.0]) {
        pod.terminate().await;
    }
    desk.follow(&back).await;
    assert_eq!(installed(&plane).await, Vec::<String>::new());
    assert!(told(&plane).await.starts_with("v1@sha256:"), "what was ready stays");
    desk.ok("kubectl patch ocirepository app -n flux-system --type=merge -p '{\"metadata\":{\"finalizers\":null}}'").await;
    without_namespace(&plane).await;
}
