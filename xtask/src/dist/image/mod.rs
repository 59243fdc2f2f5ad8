//! The image of controller and webhook without a container engine: an OCI layout in `image/`, made by our own library.
//!
//! One image for both: they are installed together, and a node pulls it once. It starts the controller; the webhook's
//! Deployment names the other program.

mod layout;
mod provenance;
mod root;

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::Path,
    process::Command,
};

use oci_artifact::{
    archive::{Control, Input, PackOptions, Packed, pack, unpack_into},
    manifest::{Descriptor, Index, Manifest, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, Platform},
};
use oci_testkit::tools::workspace;
use serde_json::json;

pub(super) use root::PROGRAMS;

use self::layout::Layout;
use super::{HOMEPAGE, VERSION, archive, bounded, platform, sbom};
use crate::{
    error::{At as _, Error, Result},
    measure::quiet,
    printer,
};

/// The folder of the layout.
const FOLDER: &str = "image";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// The largest image that is released, as it is pulled.
const IMAGE_MAX: u64 = 40 << 20;

/// Builds the image of one target from the programs in `programs` and lists it in the layout. `released` says that they
/// are what a release has, so that its bounds count.
pub(super) fn build(
    target: &str,
    platform: platform::Platform,
    programs: &Path,
    out: &Path,
    released: bool,
) -> Result<()> {
    let here = target == super::host()?;
    if platform.os != "linux" || (target.ends_with("-gnu") && !here) {
        return Err(Error::Wrong(format!(
            "no image can be made for `{target}` here: what it links is known of this computer's programs and of static \
             ones (`…-linux-musl`)"
        )));
    }
    let layout = Layout::create(&out.join(FOLDER))?;
    let tree = tempfile::tempdir_in(out).at(out)?;
    let files = tree.path().join("root");
    fs::create_dir(&files).at(&files)?;
    root::lay_out(&files, programs, &workspace().join("LICENSE"), Path::new("/"))?;
    let draft = tree.path().join("layer");
    let file = File::create(&draft).at(&draft)?;
    let packed = pack(Input::Path(&files), &PackOptions::default(), &Control::new(), &file)
        .map_err(|error| Error::Wrong(format!("packing the image: {error}")))?;
    if here {
        starts(&draft, packed.size, &tree.path().join("unpacked"))?;
    }
    fs::rename(&draft, layout.blob(&packed.digest)).at(&draft)?;
    let config = layout.put_document(OCI_CONFIG, &config(platform, &packed))?;
    let size = packed.size + config.size;
    let layer = Descriptor::new(LAYER, packed.digest, packed.size);
    let manifest = Manifest::new(config, vec![layer], annotations());
    let mut entry = layout.put_document(OCI_MANIFEST, &manifest)?;
    let [parts, provenance] = about(platform).map(|name| out.join(name));
    archive::write_text(&parts, sbom::document(&PROGRAMS, target)?.as_bytes())?;
    archive::write_text(&provenance, provenance::statement(&entry, target)?.as_bytes())?;
    let (os, arch) = (platform.os.to_owned(), platform.arch.to_owned());
    entry.platform = Some(Platform { os, architecture: arch, variant: None });
    layout.list(&entry, &format!("v{VERSION}-linux-{}", platform.arch))?;
    printer::line(&format!("image for linux/{}: {} KiB", platform.arch, size / 1024));
    if released { bounded("the image", size, IMAGE_MAX) } else { Ok(()) }
}

/// The files about an image: the list of its parts, and how it came to be.
pub(super) fn about(platform: platform::Platform) -> [String; 2] {
    let name = format!("kubectl-oci_v{VERSION}_image_linux_{}", platform.arch);
    [format!("{name}.cdx.json"), format!("{name}.provenance.json")]
}

/// One name for the images of all platforms that are in the layout; nothing if there is no layout. Returns the digest.
pub(super) fn collect(out: &Path) -> Result<Option<String>> {
    let folder = out.join(FOLDER);
    if !folder.is_dir() {
        return Ok(None);
    }
    let layout = Layout::create(&folder)?;
    let children = layout.tagged(&format!("v{VERSION}-linux-"))?;
    if children.is_empty() {
        return Ok(None);
    }
    let mut index = Index::new(children);
    index.annotations = annotations();
    let entry = layout.put_document(OCI_INDEX, &index)?;
    layout.list(&entry, &format!("v{VERSION}"))?;
    Ok(Some(entry.digest.to_string()))
}

fn config(platform: platform::Platform, packed: &Packed) -> serde_json::Value {
    json!({
        // The specification wants a time where there is a history; the same one makes the same image.
        "created": "1970-01-01T00:00:00Z",
        "architecture": platform.arch,
        "os": platform.os,
        "config": {
            "User": format!("{user}:{user}", user = root::USER),
            "Entrypoint": [format!("/{}", PROGRAMS[0])],
            "Env": ["PATH=/", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"],
            "WorkingDir": "/",
            "Labels": annotations(),
        },
        "rootfs": { "type": "layers", "diff_ids": [packed.content_digest] },
        "history": [{ "created": "1970-01-01T00:00:00Z", "created_by": "cargo xtask dist" }],
    })
}

fn annotations() -> BTreeMap<String, String> {
    [
        ("title", "kubectl-oci: controller and webhook"),
        ("version", VERSION),
        ("source", HOMEPAGE),
        ("licenses", "Apache-2.0"),
    ]
    .map(|(name, value)| (format!("org.opencontainers.image.{name}"), value.to_owned()))
    .into()
}

/// Unpacks the layer and starts each program with nothing but what is in it.
fn starts(layer: &Path, size: u64, to: &Path) -> Result<()> {
    let file = File::open(layer).at(layer)?;
    unpack_into(file, size, to, &Control::new())
        .map_err(|error| Error::Wrong(format!("unpacking the image: {error}")))?;
    for program in PROGRAMS {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "chroot"]).arg(to).arg(format!("/{program}")).arg("--version");
        quiet(&mut command)?;
    }
    Ok(())
}
