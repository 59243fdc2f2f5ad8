//! `install` where no cluster is needed: what it prints, and what it refuses.

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, shows};

/// What `install --export` prints.
fn exported(flags: &[&str]) -> Vec<Value> {
    let sandbox = Sandbox::new();
    let screen = sandbox.ok(&[&["install", "--export"], flags].concat());
    assert_eq!(screen.stderr, "", "{}", screen.show());
    serde_saphyr::from_multiple(&screen.stdout).unwrap()
}

fn one<'o>(objects: &'o [Value], kind: &str, name: &str) -> &'o Value {
    let mut found = objects.iter().filter(|one| one["kind"] == kind && one["metadata"]["name"] == name);
    let one = found.next().unwrap_or_else(|| panic!("{kind} {name}"));
    assert_eq!(found.next(), None, "{kind} {name}");
    one
}

#[test]
fn install_puts_bucket_and_registry_where_the_pods_look() {
    let bucket =
        ["--bucket=s3://artifacts/one", "--bucket-endpoint=http://minio:9000", "--bucket-region=eu-1"];
    let flags = [&["--overlay=ha", "--registry=mirror.example/oci/"], &bucket[..]].concat();
    let objects = exported(&flags);
    let map = one(&objects, "ConfigMap", "oci-storage");
    let data = json!({ "bucket": "s3://artifacts/one", "endpoint": "http://minio:9000", "region": "eu-1" });
    assert_eq!(map["data"], data);
    assert_eq!(
        map["metadata"]["labels"]["app.kubernetes.io/part-of"], "kubectl-oci",
        "it is uninstalled too"
    );

    let controller = one(&objects, "Deployment", "oci-controller");
    assert_eq!(map["metadata"]["namespace"], controller["metadata"]["namespace"]);
    let container = &controller["spec"]["template"]["spec"]["containers"][0];
    let references =
        container["env"].as_array().unwrap().iter().map(|one| &one["valueFrom"]["configMapKeyRef"]);
    let references: Vec<&Value> = references.filter(|one| !one.is_null()).collect();
    assert_eq!(references.len(), 3, "{container:#}");
    for reference in references {
        assert_eq!(reference["name"], "oci-storage");
        assert!(data[reference["key"].as_str().unwrap()].is_string(), "{reference}");
    }
    for deployment in objects.iter().filter(|one| one["kind"] == "Deployment") {
        let image = deployment["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap();
        assert!(image.starts_with("mirror.example/oci/kubectl-oci:v"), "{image}");
    }
}

#[test]
fn install_refuses_flags_that_say_nothing_or_contradict() {
    let sandbox = Sandbox::new();
    shows(
        &sandbox.fails(&["install", "--namespace", "flux-system"]),
        "exit 2
         err: ✗ everything is installed into the namespace oci-system: leave --namespace out
         err:   hint: the Helm chart takes any namespace",
    );
    shows(
        &sandbox.fails(&["install", "--bucket", "s3://artifacts"]),
        "exit 2\nerr: ✗ --bucket is for --overlay ha",
    );
    for flags in [["--export", "--dry-run"], ["--bucket-region=eu-1", "--export"]] {
        sandbox.fails(&[&["install"], &flags[..]].concat());
    }
    assert_eq!(one(&exported(&["--namespace=oci-system"]), "Namespace", "oci-system")["apiVersion"], "v1");
}
