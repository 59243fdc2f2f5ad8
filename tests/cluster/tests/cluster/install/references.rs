//! What one manifest says of another holds: names, ports, labels and certificates, as the programs themselves read them.

use std::{collections::BTreeMap, fs, os::unix::fs::symlink, time::Duration};

use clap::Parser as _;
use oci_testkit::tools::workspace;
use serde_json::{Value, json};

use super::{OVERLAYS, kustomized, overlay};

type Objects = BTreeMap<String, Value>;

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The Deployment whose pods a Service has, and the port of the container that the Service's port leads to.
fn behind<'o>(objects: &'o Objects, service: &str, port: u64) -> (&'o Value, u64) {
    let service = &objects[&format!("Service oci-system/{service}")]["spec"];
    let ports = service["ports"].as_array().unwrap();
    let target = &ports.iter().find(|one| one["port"] == port).unwrap()["targetPort"];
    let selector = service["selector"].as_object().unwrap();
    let mut found = objects.values().filter(|object| {
        let labels = &object["spec"]["template"]["metadata"]["labels"];
        object["kind"] == "Deployment" && selector.iter().all(|(name, value)| &labels[name] == value)
    });
    let deployment = found.next().unwrap();
    assert!(found.next().is_none(), "the pods are of one Deployment: {selector:?}");
    let ports = deployment.pointer("/spec/template/spec/containers/0/ports").unwrap().as_array().unwrap();
    let fits = |one: &&Value| &one["name"] == target || &one["containerPort"] == target;
    (deployment, ports.iter().find(fits).unwrap()["containerPort"].as_u64().unwrap())
}

/// The program's name and the arguments, variables filled in.
fn command_line(deployment: &Value) -> Vec<String> {
    let arguments = deployment.pointer("/spec/template/spec/containers/0/args").unwrap().as_array().unwrap();
    let filled = |argument: &Value| argument.as_str().unwrap().replace("$(RUNTIME_NAMESPACE)", "oci-system");
    std::iter::once("program".to_owned()).chain(arguments.iter().map(filled)).collect()
}

/// The port that a container has under this name.
fn container_port(deployment: &Value, name: &str) -> u64 {
    let ports = deployment.pointer("/spec/template/spec/containers/0/ports").unwrap().as_array().unwrap();
    ports.iter().find(|port| port["name"] == name).unwrap()["containerPort"].as_u64().unwrap()
}

/// It ends by itself, after this long at most, before the kubelet kills it.
fn check_grace(deployment: &Value, longest: Duration, name: &str) {
    let grace = deployment.pointer("/spec/template/spec/terminationGracePeriodSeconds").unwrap();
    let grace = Duration::from_secs(grace.as_u64().unwrap());
    assert!(longest < grace, "{name}: {longest:?} of {grace:?}");
}

fn check_webhook(objects: &Objects, name: &str) {
    let Some(configuration) = objects.get("ValidatingWebhookConfiguration /oci-webhook") else { return };
    let crd = objects.get("CustomResourceDefinition /ocirepositories.source.toolkit.fluxcd.io");
    let conversion = crd.map(|crd| crd.pointer("/spec/conversion/webhook/clientConfig/service").unwrap());
    let admission = configuration.pointer("/webhooks/0/clientConfig/service").unwrap();
    for (client, path) in [(Some(admission), "/validate"), (conversion, "/convert")] {
        let Some(client) = client else { continue };
        assert_eq!((text(client, "/namespace"), text(client, "/path")), ("oci-system", path), "{name}");
        let service = text(client, "/name");
        let (deployment, port) = behind(objects, service, client["port"].as_u64().unwrap_or(443));
        let args = oci_webhook::args::Args::try_parse_from(command_line(deployment)).unwrap();
        assert_eq!(u64::from(args.listen.port()), port, "{name}: where it listens");
        check_grace(deployment, args.drain + args.shutdown_timeout, name);
        assert_eq!(u64::from(args.operations.port()), container_port(deployment, "metrics"), "{name}");
        // The API server takes a certificate for this name only.
        let called = format!("{service}.oci-system.svc");
        let names = match objects.get("Certificate oci-system/oci-webhook") {
            Some(certificate) => serde_json::from_value(certificate["spec"]["dnsNames"].clone()).unwrap(),
            None => args.issue.names("oci-system"),
        };
        assert!(names.contains(&called), "{name}: {called} is not among {names:?}");
        // A single one would refuse what is applied together with it.
        let policy = if deployment["spec"]["replicas"] == 1 { "Ignore" } else { "Fail" };
        assert_eq!(text(configuration, "/webhooks/0/failurePolicy"), policy, "{name}");
    }
}

fn check_controller(objects: &Objects, deployment: &Value, name: &str) {
    let args = oci_controller::args::Args::read(command_line(deployment), |_| None).unwrap();
    let port = |listen: &oci_controller::args::Listen| u64::from(listen.socket().port());
    let advertised = args.advertised("nobody");
    let host = advertised.strip_prefix("http://").unwrap();
    let service = host.strip_suffix(".oci-system.svc.cluster.local.").unwrap();
    // Consumers add no port: 80.
    let (serving, serves) = behind(objects, service, 80);
    assert_eq!(
        text(serving, "/metadata/name"),
        text(deployment, "/metadata/name"),
        "{name}: artifacts are its own"
    );
    assert_eq!(port(&args.storage.storage_addr), serves, "{name}: where artifacts are served");
    check_grace(deployment, args.shutdown_timeout, name);
    assert_eq!(port(args.health_addr.as_ref().unwrap()), container_port(deployment, "healthz"), "{name}");
    assert_eq!(port(args.metrics_addr.as_ref().unwrap()), container_port(deployment, "metrics"), "{name}");
    let mounts =
        deployment.pointer("/spec/template/spec/containers/0/volumeMounts").unwrap().as_array().unwrap();
    for folder in [args.storage.storage_path.to_str().unwrap(), "/tmp"] {
        assert!(mounts.iter().any(|mount| mount["mountPath"] == folder), "{name}: {folder} is read-only");
    }
    // Two with a volume each would both wait for one Lease; with a bucket there is always one that serves.
    let strategy = if deployment["spec"]["replicas"] == 1 { "Recreate" } else { "RollingUpdate" };
    assert_eq!(text(deployment, "/spec/strategy/type"), strategy, "{name}");
}

/// Who reaches a port of a container, as a rule of a `NetworkPolicy` says it; nothing for everybody.
fn reached_by(port: &str) -> Value {
    let namespace =
        |name: &str, value: &str| json!({ "namespaceSelector": { "matchLabels": { name: value } } });
    match port {
        "https" => Value::Null,
        "http" => json!([{ "podSelector": {} }, namespace("kubernetes.io/metadata.name", "flux-system")]),
        "metrics" => json!([namespace("metrics", "enabled")]),
        other => panic!("nobody reaches {other}"),
    }
}

/// Every Deployment has a policy about who reaches it, a budget, and probes where health is told.
fn check_guards(objects: &Objects, deployment: &Value, name: &str) {
    let labels = deployment.pointer("/spec/template/metadata/labels").unwrap();
    let guard = |kind: &str, pointer: &str| {
        let selects = |object: &&Value| {
            let selector = object.pointer(pointer).and_then(Value::as_object);
            selector.is_some_and(|selector| selector.iter().all(|(key, value)| &labels[key] == value))
        };
        let found: Vec<&Value> =
            objects.values().filter(|object| object["kind"] == kind).filter(selects).collect();
        assert_eq!(found.len(), 1, "{name}: {kind} of {labels}");
        &found[0]["spec"]
    };
    assert_eq!(guard("PodDisruptionBudget", "/spec/selector/matchLabels")["maxUnavailable"], 1, "{name}");
    let policy = guard("NetworkPolicy", "/spec/podSelector/matchLabels");
    assert_eq!(policy["policyTypes"], json!(["Ingress"]), "{name}");
    let mut open = Vec::new();
    for rule in policy["ingress"].as_array().unwrap() {
        for port in rule["ports"].as_array().unwrap().iter().map(|port| port["port"].as_str().unwrap()) {
            assert_eq!(rule["from"], reached_by(port), "{name}: {port} of {labels}");
            container_port(deployment, port);
            open.push(port);
        }
    }
    let container = deployment.pointer("/spec/template/spec/containers/0").unwrap();
    let ports = container["ports"].as_array().unwrap();
    let health = ports.iter().map(|port| port["name"].as_str().unwrap()).find(|name| *name == "healthz");
    for (probe, path) in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        // The webhook tells it where its figures are.
        let wanted = json!({ "path": path, "port": health.unwrap_or("metrics") });
        assert_eq!(container[probe]["httpGet"], wanted, "{name}: {probe} of {labels}");
    }
    // Probes come from the node.
    let wanted = ports.iter().map(|port| port["name"].as_str().unwrap()).filter(|name| *name != "healthz");
    assert_eq!(open, wanted.collect::<Vec<_>>(), "{name}: {labels}");
}

/// Whoever selects pods by labels selects some.
fn check_selectors(objects: &Objects, name: &str) {
    let labels = |object: &Value, pointer: &str| object.pointer(pointer).and_then(Value::as_object).cloned();
    let all: Vec<_> =
        objects.values().filter_map(|object| labels(object, "/spec/template/metadata/labels")).collect();
    for (object, value) in objects {
        let pointers = ["/spec/selector/matchLabels", "/spec/podSelector/matchLabels"];
        let Some(selector) = pointers.iter().find_map(|pointer| labels(value, pointer)) else { continue };
        let fits = all.iter().filter(|one| selector.iter().all(|(key, value)| one.get(key) == Some(value)));
        assert_eq!(fits.count(), 1, "{name}: {object} selects {selector:?}");
    }
}

#[tokio::test]
async fn manifests_mean_each_other_rightly() {
    for name in OVERLAYS {
        let objects = overlay(name).await;
        check_webhook(&objects, name);
        let deployments = objects.values().filter(|object| object["kind"] == "Deployment");
        for deployment in deployments.clone() {
            check_guards(&objects, deployment, name);
        }
        let is_controller = |object: &&Value| text(object, "/metadata/name").starts_with("oci-controller");
        let controllers: Vec<&Value> = deployments.filter(is_controller).collect();
        assert_eq!(controllers.len(), if name == "sharded" { 2 } else { 1 });
        for deployment in controllers {
            check_controller(&objects, deployment, name);
        }
        check_selectors(&objects, name);
    }
}

/// The volumes that a container has, by where it finds them.
fn mounts(container: &Value) -> BTreeMap<&str, &str> {
    let all = container["volumeMounts"].as_array().unwrap().iter();
    all.map(|mount| (text(mount, "/mountPath"), text(mount, "/name"))).collect()
}

#[tokio::test]
async fn kustomization_of_the_guide_serves_by_mutual_tls() {
    let guide = fs::read_to_string(workspace().join("docs/guide/serving.md")).unwrap();
    let block = |begin: &str| guide.split_once(begin).unwrap().1.split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    symlink(workspace().join("deploy/overlays"), folder.path().join("overlays")).unwrap();
    let own = folder.path().join("own");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("kustomization.yaml"), block("```yaml\n")).unwrap();
    let objects = kustomized(&own).await;
    let deployment = &objects["Deployment oci-system/oci-controller"];
    check_controller(&objects, deployment, "the guide");

    let args = oci_controller::args::Args::read(command_line(deployment), |_| None).unwrap();
    let files = args.clients.files().unwrap();
    let clients = files.clients.unwrap();
    assert_eq!(clients.ids.len(), 1);
    let pod = &deployment["spec"]["template"]["spec"];
    let (program, helper) = (mounts(&pod["containers"][0]), mounts(&pod["initContainers"][0]));
    let conf = block("```\n");
    for (path, setting) in [
        (files.certificate, "svid_file_name"),
        (files.key, "svid_key_file_name"),
        (clients.authorities, "svid_bundle_file_name"),
    ] {
        let (folder, name) = path.to_str().unwrap().rsplit_once('/').unwrap();
        assert!(conf.contains(&format!("\n{setting} = \"{name}\"\n")), "{setting}: {name}");
        assert!(conf.contains(&format!("\ncert_dir = \"{folder}\"\n")), "{folder}");
        assert_eq!((program.get(folder), helper.get(folder)), (Some(&"svid"), Some(&"svid")));
    }
    let volumes: Vec<_> = pod["volumes"].as_array().unwrap().iter().map(|one| text(one, "/name")).collect();
    for (path, name) in program.iter().chain(&helper) {
        assert!(volumes.contains(name), "{name} of {path}: {volumes:?}");
    }
    let socket = conf.split('"').nth(1).unwrap().rsplit_once('/').unwrap().0;
    assert_eq!(helper.get(socket), Some(&"workload-api"));
}
