//! `cargo xtask bench verify`: what judging a signature costs, alone and as a whole run beside cosign.

use std::{fs, path::PathBuf, process::Command};

use oci_testkit::{
    planted::KEY_PASSWORD,
    real::{Distribution, Mode},
    samples, tools,
};
use tempfile::TempDir;

use crate::{
    error::{At as _, Result},
    measure::{Subject, compare, quiet},
    printer, run,
};

/// `tests/bench` measures the verifier alone; the run beside cosign is here.
pub(crate) fn run(pairs: u32) -> Result<()> {
    let folder = run::programs(&["oci-bench", "kubectl-oci"], true)?;
    run::through(&mut Command::new(folder.join("verify-bench")))?;
    let plugin = folder.join(format!("kubectl-oci{}", std::env::consts::EXE_SUFFIX));
    run::interruptible(move |_| beside_cosign(plugin, pairs))
}

/// A registry with a signed artifact, and the two programs.
struct Desk {
    plugin: PathBuf,
    cosign: PathBuf,
    registry: Distribution,
    folder: TempDir,
}

impl Desk {
    fn start(plugin: PathBuf) -> Result<Self> {
        let place = std::env::temp_dir();
        let folder = tempfile::tempdir_in(&place).at(place)?;
        let desk = Self {
            plugin,
            cosign: tools::path("cosign")?,
            registry: Distribution::start(Mode::Plain)?,
            folder,
        };
        let app = desk.folder.path().join("app");
        fs::create_dir_all(&app).at(&app)?;
        samples::small(&app).at(&app)?;
        Ok(desk)
    }

    fn command(&self, program: &PathBuf, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).args(arguments);
        command.env("HOME", self.folder.path()).env("COSIGN_PASSWORD", KEY_PASSWORD);
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            command.env_remove(name);
        }
        command
    }

    fn ours(&self, arguments: &[&str]) -> Command {
        self.command(&self.plugin, arguments)
    }

    fn cosign(&self, arguments: &[&str]) -> Command {
        self.command(&self.cosign, arguments)
    }
}

fn beside_cosign(plugin: PathBuf, pairs: u32) -> Result<()> {
    let desk = Desk::start(plugin)?;
    quiet(&mut desk.cosign(&["generate-key-pair"]))?;
    let mut rows = vec![
        ["whole run, by a key", "ours", "cosign", "ratio", "ours, processor", "cosign, processor"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for (name, format) in [("bundle", &[][..]), ("legacy", &["--legacy"][..])] {
        let url = desk.registry.url(&format!("bench/{name}:v1"));
        let push = ["push", "artifact", &url, "--path=app", "--source=bench", "--revision=v1"];
        quiet(&mut desk.ours(&push))?;
        quiet(&mut desk.ours(&[&["sign", "artifact", &url, "--key=cosign.key"], format].concat()))?;
        let reference = url.trim_start_matches("oci://");
        let ours = Subject {
            name: "verify artifact",
            command: Box::new(|| desk.ours(&["verify", "artifact", &url, "--key=cosign.pub"])),
            cleanup: None,
        };
        let verify =
            ["verify", "--insecure-ignore-tlog=true", "--allow-http-registry", "--key=cosign.pub", reference];
        let theirs =
            Subject { name: "cosign verify", command: Box::new(|| desk.cosign(&verify)), cleanup: None };
        let found = compare(&ours, &theirs, pairs)?;
        let milliseconds = |time: std::time::Duration| format!("{:.0} ms", time.as_secs_f64() * 1e3);
        rows.push(vec![
            name.to_owned(),
            milliseconds(found.ours),
            milliseconds(found.theirs),
            format!("{:.2}", found.ratio),
            milliseconds(found.our_processor),
            milliseconds(found.their_processor),
        ]);
    }
    printer::step(&format!("{pairs} interleaved pairs each, medians; processor time as a mean"));
    printer::table(&rows);
    Ok(())
}
