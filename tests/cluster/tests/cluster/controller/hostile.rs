//! Registries, layers and disks that mean no good.

use std::io::Write as _;

use oci_testkit::{
    registry::{Act, Class, Fault, Match},
    samples::Seeded,
};
use serde_json::json;

use super::{
    push::{FLUX, Image, compressed},
    tenant::{Tenant, condition, is},
    world::{shard, started, was_well},
};

/// A tar with one member of any name.
fn member(name: &str, kind: tar::EntryType, link: &str) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_size(0);
    header.set_mode(0o644);
    header.set_cksum();
    let mut builder = tar::Builder::new(Vec::new());
    builder.append(&header, std::io::empty()).unwrap();
    compressed(&builder.into_inner().unwrap())
}

#[tokio::test]
async fn controller_refuses_layers_that_reach_out_or_explode() {
    let tenant = Tenant::new().await;
    let regular = tar::EntryType::Regular;
    let bomb = {
        let mut tar = tar::Builder::new(Vec::new());
        let zeros = vec![0; 64 << 20];
        let mut header = tar::Header::new_ustar();
        header.set_size(zeros.len() as u64);
        header.set_cksum();
        tar.append_data(&mut header, "zeros", zeros.as_slice()).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&tar.into_inner().unwrap()).unwrap();
        encoder.finish().unwrap()
    };
    let cases: [(&str, Vec<u8>); 5] = [
        ("upwards", member("../evil", regular, "")),
        ("absolute", member("/tmp/evil", regular, "")),
        ("hard-link", member("link", tar::EntryType::Link, "/etc/passwd")),
        ("bomb", bomb),
        ("no-archive", compressed(b"this is no tar")),
    ];
    for (name, layer) in &cases {
        Image::default().layer(FLUX, layer).push(&tenant.registry, "org/app", name);
        tenant.apply(name, &json!({ "ref": { "tag": name } })).await;
    }
    for (name, _) in &cases {
        tenant.failed(name, "FetchFailed", "OCIArtifactLayerOperationFailed").await;
        assert!(tenant.get(name).await["status"]["artifact"].is_null());
    }
    // What can never be used is not fetched again and again.
    let blobs = tenant.registry.count(|request| request.class == Class::Blob);
    assert_eq!(blobs, cases.len());
    let mended = Image::saying("good").push(&tenant.registry, "org/app", "upwards");
    tenant.run("upwards", "now").await;
    tenant.ready_at("upwards", &format!("upwards@{mended}")).await;
}

#[tokio::test]
async fn controller_stores_nothing_that_is_not_what_the_digest_says() {
    let tenant = Tenant::new().await;
    let image = Image::saying("one");
    let digest = image.push(&tenant.registry, "org/app", "v1");
    let acts = [
        ("flipped", Act::Corrupt(30)),
        ("longer", Act::ExtraBytes(10)),
        ("endless", Act::Endless),
        ("shorter", Act::Truncate(0)),
        ("silent", Act::StallBody(0)),
    ];
    for (name, act) in acts {
        tenant.registry.fault(Fault::always(Match::class(Class::Blob), act));
        tenant.apply(name, &json!({ "ref": { "tag": "v1" }, "timeout": "1s" })).await;
        tenant.failed(name, "FetchFailed", "OCIArtifactLayerOperationFailed").await;
        assert!(tenant.get(name).await["status"]["artifact"].is_null());
        tenant.registry.clear_faults();
        tenant.run(name, "now").await;
        tenant.ready_at(name, &format!("v1@{digest}")).await;
    }
    // A manifest that is another one than its digest says.
    tenant.registry.put_manifest("org/app", &digest.to_string(), super::push::MANIFEST, b"{}");
    tenant.apply("manifest", &json!({ "ref": { "digest": digest.to_string() } })).await;
    tenant.failed("manifest", "FetchFailed", "OCIArtifactPullFailed").await;
}

/// A program that starts the controller with a small disk of its own as its storage.
#[cfg(target_os = "linux")]
fn on_a_small_disk(folder: &std::path::Path) -> std::path::PathBuf {
    let script = folder.join("oci-controller");
    let program = oci_testkit::tools::program("oci-controller").unwrap();
    let text = format!(
        "#!/bin/sh\nexec unshare --map-root-user --mount sh -c 'for word; do case $word in --storage-path=*) \
         mount -t tmpfs -o size=1m none \"${{word#*=}}\" ;; esac; done; exec {} \"$@\"' sh \"$@\"\n",
        program.display()
    );
    std::fs::write(&script, text).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    script
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn controller_serves_on_when_the_disk_is_full() {
    let name = "full-disk";
    let tenant = Tenant::of_shard(name).await;
    let folder = tempfile::tempdir().unwrap();
    let mut options = shard(name).await;
    options.program = Some(on_a_small_disk(folder.path()));
    let controller = started(options);
    Image::saying("small").push(&tenant.registry, "org/app", "v1");
    tenant.apply("app", &json!({ "ref": { "tag": "v1" } })).await;
    let good = tenant.ready("app").await;
    let large: String =
        Seeded::new(1).bytes(3 << 20).iter().map(|byte| char::from(b' ' + byte % 90)).collect();
    Image::saying(&large).push(&tenant.registry, "org/app", "v1");
    tenant.run("app", "now").await;
    let full =
        tenant.until("app", "the full disk", |object| is(object, "StorageOperationFailed", "True")).await;
    let message = condition(&full, "StorageOperationFailed")["message"].as_str().unwrap().to_owned();
    assert!(message.contains("space"), "{message}");
    assert_eq!(tenant.files(&full).await["app.yaml"], "small");
    assert_eq!(full["status"]["artifact"], good["status"]["artifact"]);
    let small = Image::saying("small again").push(&tenant.registry, "org/app", "v1");
    let mended = tenant.ready_at("app", &format!("v1@{small}")).await;
    assert_eq!(tenant.files(&mended).await["app.yaml"], "small again");
    was_well(&controller);
}
