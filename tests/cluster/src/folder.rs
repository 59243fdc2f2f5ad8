//! The folder in which everything that is written is found, and its end.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{
    error::{At as _, Error, Result},
    shell::{self, Part},
};

/// Everything that is ever written there.
const FILES: [&str; 13] = [
    "env",
    "env.new",
    "kubeconfig",
    "data",
    "tmp",
    "controller.log",
    "controller.pid",
    "controller.pid.new",
    "start-controller",
    "webhook.log",
    "webhook.pid",
    "webhook.pid.new",
    "start-webhook",
];
/// The background programs.
const PARTS: &str = "controller webhook";

/// The folder. Whichever way this process ends, the background programs end and what was written is removed.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    cleaner: Child,
}

impl Folder {
    /// Takes a folder, or makes a temporary one.
    pub(crate) fn take(path: Option<PathBuf>) -> Result<Self> {
        let (path, made) = if let Some(path) = path {
            let made = !path.exists();
            fs::create_dir_all(&path).at(&path)?;
            (path, made)
        } else {
            let folder = tempfile::Builder::new().prefix("oci-cluster-").tempdir();
            (folder.at(std::env::temp_dir())?.keep(), true)
        };
        // The scripts are run from anywhere.
        let path = path.canonicalize().at(&path)?;
        if path.join("env").exists() {
            return Err(Error::Taken(path));
        }
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &shell::cleaner(), "cleaner"]).arg(&path);
        command.arg(if made { "made" } else { "" }).arg(PARTS).args(FILES);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        own_group(&mut command);
        let cleaner = command.spawn().at("/bin/sh")?;
        for name in ["data", "tmp"] {
            let folder = path.join(name);
            fs::create_dir_all(&folder).at(folder)?;
        }
        Ok(Self { path, cleaner })
    }

    /// A file or folder in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file that appears whole or not at all.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<()> {
        let (draft, path) = (self.join(&format!("{name}.new")), self.join(name));
        let mut file = fs::File::create(&draft).at(&draft)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).at(&draft)?;
        fs::rename(draft, &path).at(path)
    }

    /// Writes a file that is nobody else's business.
    pub(crate) fn write_private(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.join(name);
        fs::write(&path, "").at(&path)?;
        permit(&path, 0o600)?;
        fs::write(&path, bytes).at(path)
    }

    /// Writes the script of a program and runs it. Returns the script.
    pub(crate) fn start(&self, part: &Part<'_>) -> Result<PathBuf> {
        let script = self.join(&format!("start-{}", part.name));
        fs::write(&script, part.script(&self.path)).at(&script)?;
        permit(&script, 0o755)?;
        let mut command = Command::new(&script);
        own_group(&mut command);
        let status = command.status().at(&script)?;
        if status.success() {
            return Ok(script);
        }
        Err(Error::File { path: script, source: std::io::Error::other(status.to_string()) })
    }

    /// The end of a program's log.
    pub(crate) fn said(&self, name: &str) -> String {
        let text = fs::read(self.join(&format!("{name}.log"))).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
    }

    /// The process of a program, if it runs.
    pub(crate) fn process(&self, name: &str) -> Option<u32> {
        let process = fs::read_to_string(self.join(&format!("{name}.pid"))).ok()?.trim().parse().ok()?;
        let line = fs::read(format!("/proc/{process}/cmdline")).or_else(|_| {
            let ps = Command::new("ps").args(["-o", "command=", "-p"]).arg(format!("{process}")).output();
            ps.map(|output| output.stdout)
        });
        String::from_utf8_lossy(&line.ok()?).contains(&format!("-{name}")).then_some(process)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.cleaner.stdin.take());
        let _ = self.cleaner.wait();
    }
}

/// Out of the reach of a Ctrl-C that is for us: everything ends in its order.
fn own_group(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

fn permit(path: &Path, mode: u32) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).at(path)?;
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
    Ok(())
}
