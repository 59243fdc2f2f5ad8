//! Somebody who follows a document word by word: a folder, a shell, kubectl with our plugin, and registries of this computer
//! in the place of those that the document names.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use oci_testkit::{
    control_plane::{ControlPlane, Ran},
    documents::{Code, Step, differs},
    planted, tools,
};
use tempfile::TempDir;

/// How long a script may take, all waits of the plugin in it; usually it takes seconds.
const PATIENCE: Duration = Duration::from_mins(3);

/// A person's folder, and what is in it.
pub(super) struct Desk {
    folder: TempDir,
    kubeconfig: PathBuf,
    /// Names of the document, and what is in their place.
    names: Vec<(String, String)>,
    variables: Vec<(String, String)>,
}

impl Desk {
    pub(super) fn new(plane: &ControlPlane, names: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new().prefix("desk-").tempdir().unwrap();
        for name in ["bin", "me", "here"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let programs = [("kubectl", tools::path("kubectl")), ("kubectl-oci", tools::program("kubectl-oci"))];
        for (name, program) in programs {
            let program = program.unwrap_or_else(|error| panic!("{error}"));
            std::os::unix::fs::symlink(program, folder.path().join("bin").join(name)).unwrap();
        }
        let names = names.iter().map(|(theirs, ours)| ((*theirs).to_owned(), (*ours).to_owned())).collect();
        let mut desk = Self { folder, kubeconfig: plane.kubeconfig(), names, variables: Vec::new() };
        desk.export("COSIGN_PASSWORD", planted::KEY_PASSWORD);
        desk
    }

    /// Sets a variable for all that follows.
    pub(super) fn export(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Calls the home of whoever sits here by the name that a document has for it.
    pub(super) fn call_home(&mut self, name: &str) {
        let home = self.folder.path().join("me").display().to_string();
        self.names.push((name.to_owned(), home));
    }

    /// A text of a document with the names of this computer.
    pub(super) fn here(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
    }

    /// The reverse.
    fn there(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(ours, theirs))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("here").join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, self.here(text)).unwrap();
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// What a script prints, in the order in which a terminal shows it; it ends with the first command that fails.
    pub(super) async fn run(&self, script: &str) -> Ran {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-euc", &format!("exec 2>&1\n{}", self.here(script))]).current_dir(self.path(""));
        let path = format!("{}/bin:/usr/bin:/bin", self.folder.path().display());
        shell.env_clear().env("PATH", path).env("HOME", self.folder.path().join("me"));
        shell.env("KUBECONFIG", &self.kubeconfig).env("GIT_CONFIG_NOSYSTEM", "1");
        shell.envs(self.variables.iter().map(|(name, value)| (name, value)));
        tokio::time::timeout(PATIENCE, Ran::of(shell)).await.unwrap_or_else(|_| panic!("no end: {script}"))
    }

    /// Runs what has to succeed.
    pub(super) async fn ok(&self, script: &str) -> String {
        self.run(script).await.succeeded()
    }

    /// Does what a step says, and compares the screen with what it shows.
    pub(super) async fn step(&self, step: &Step) {
        let ran = self.run(&step.command).await;
        assert_eq!(ran.code, step.code, "{}: {ran}", step.place);
        if let Some(difference) = differs(&step.shown, &self.there(&ran.stdout)) {
            panic!("{}: {difference}", step.place);
        }
    }

    /// Does what a block of code says: a file is written, a script is run, steps are done and compared.
    pub(super) async fn follow(&self, code: &Code) {
        match (code.language.as_str(), code.file()) {
            ("yaml", Some((name, text))) => self.write(name, text),
            ("console", _) => {
                for step in code.steps() {
                    self.step(&step).await;
                }
            }
            ("sh", _) => {
                let ran = self.run(&code.text).await;
                assert_eq!(ran.code, 0, "{}: {ran}", code.place);
            }
            (other, _) => panic!("{}: nobody knows how to follow `{other}`", code.place),
        }
    }
}
