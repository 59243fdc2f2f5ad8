//! What the plugin installs.

use std::{path::PathBuf, process::Command};

use oci_testkit::tools::{Tool, workspace};
use serde_json::Value;

use super::{Generated, NOTICE, broken, yaml};
use crate::{error::Result, run::output};

/// The overlays that the plugin installs.
const OVERLAYS: [&str; 6] = ["beside-flux", "cert-manager", "ha", "policy", "sharded", "single"];

/// The overlays as kustomize renders them, for the plugin. The versions of the CRD are left out: it has them already.
pub(super) fn files() -> Result<Vec<Generated>> {
    let kubectl = Tool::named("kubectl")?.find()?;
    let render = |overlay: &str| {
        let folder = workspace().join("deploy/overlays").join(overlay);
        let made = output(Command::new(&kubectl).arg("kustomize").arg(&folder))?;
        let what = format!("the overlay {overlay}");
        if !made.status.success() {
            return Err(broken(&what, &String::from_utf8_lossy(&made.stderr)));
        }
        let objects: Vec<Value> = serde_saphyr::from_multiple(&String::from_utf8_lossy(&made.stdout))
            .map_err(|error| broken(&what, &error))?;
        let mut text = format!("# {NOTICE}\n");
        for mut object in objects {
            let is_kind = object.get("kind").is_some_and(|kind| kind == "CustomResourceDefinition");
            if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut).filter(|_| is_kind) {
                spec.remove("versions");
            }
            text = format!("{text}---\n{}", yaml(&what, &object)?);
        }
        Ok((PathBuf::from(format!("deploy/install/{overlay}.yaml")), text))
    };
    OVERLAYS.into_iter().map(render).collect()
}
