//! The release as krew sees it: packed and described by `cargo xtask dist`, validated by the tool of krew's index, installed
//! by the real krew, run by the real kubectl.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use oci_testkit::{
    planted,
    scripted::{Reply, Scripted},
    sigstore::{Kind, Owner},
    tools,
};

use crate::bench::{Bench, Seen, json};

/// A person's computer: a home, a search path with kubectl and krew, and the folder of a release.
struct Desk {
    bench: Bench,
}

impl Desk {
    /// Without a release yet; `program` is what was built.
    fn with_built(program: &Path) -> Self {
        let desk = Self { bench: Bench::new() };
        // An index as krew knows it, with nothing in it.
        for folder in ["bin", "built", "krew/index/default/.git", "krew/index/default/plugins"] {
            fs::create_dir_all(desk.bench.path(folder)).unwrap();
        }
        for (tool, name) in [("kubectl", "kubectl"), ("krew", "kubectl-krew")] {
            let path = tools::path(tool).unwrap_or_else(|error| panic!("{error}"));
            symlink(path, desk.bench.path("bin").join(name)).unwrap();
        }
        symlink(program, desk.bench.path("built/kubectl-oci")).unwrap();
        desk
    }

    /// With a release that holds `program`, for this computer; `more` are flags of `dist`.
    fn releasing(program: &Path, more: &[&str]) -> Self {
        let desk = Self::with_built(program);
        let seen = desk.pack(more);
        assert_eq!(seen.code, Some(0), "{seen:#?}");
        desk
    }

    /// `cargo xtask dist` with what was built.
    fn pack(&self, more: &[&str]) -> Seen {
        let built = self.bench.path("built");
        self.dist(&[&["--programs", built.to_str().unwrap()], more].concat())
    }

    /// With a small program that does nothing, for what is not about the plugin itself.
    fn with_nothing(more: &[&str]) -> Self {
        Self::releasing(Path::new("/usr/bin/true"), more)
    }

    /// `cargo xtask dist`.
    fn dist(&self, more: &[&str]) -> Seen {
        let mut command = Command::new(tools::program("xtask").unwrap_or_else(|error| panic!("{error}")));
        command.args(["dist", "--out"]).arg(self.release("")).args(more);
        seen(command.env("COSIGN_PASSWORD", planted::KEY_PASSWORD))
    }

    /// A file of the release.
    fn release(&self, name: &str) -> PathBuf {
        self.bench.path("dist").join(name)
    }

    /// The only archive: that of this computer.
    fn archive(&self) -> PathBuf {
        let names = fs::read_dir(self.release("")).unwrap().map(|entry| entry.unwrap().path());
        let mut archives = names.filter(|path| path.to_str().unwrap().ends_with(".tar.gz"));
        let archive = archives.next().unwrap();
        assert_eq!(archives.next(), None);
        archive
    }

    /// A program of the search path, without anything else of the environment.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let (krew, bin) = (self.bench.path("krew"), self.bench.path("bin"));
        command.env_clear().env("PATH", format!("{}/bin:{}", krew.display(), bin.display()));
        command.env("HOME", self.bench.path("home")).env("KREW_ROOT", krew).env("KREW_NO_UPGRADE_CHECK", "1");
        command.current_dir(self.bench.path(""));
        command
    }

    fn kubectl(&self, arguments: &[&str]) -> Seen {
        seen(self.command(&self.bench.path("bin/kubectl")).args(arguments))
    }

    fn krew_installs(&self, manifest: &Path, archive: &Path) -> Seen {
        let (manifest, archive) =
            (format!("--manifest={}", manifest.display()), format!("--archive={}", archive.display()));
        self.kubectl(&["krew", "install", &manifest, &archive])
    }

    fn validates(&self, manifest: &Path, more: &[&str]) -> Seen {
        let program = tools::path("validate-krew-manifest").unwrap_or_else(|error| panic!("{error}"));
        seen(self.command(&program).arg("-manifest").arg(manifest).args(more))
    }
}

fn seen(command: &mut Command) -> Seen {
    let output = command.output().unwrap();
    planted::assert_clean("standard output", &output.stdout);
    planted::assert_clean("standard error", &output.stderr);
    Seen {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn krew_installs_the_release_and_kubectl_runs_it() {
    let plugin = tools::program("kubectl-oci").unwrap_or_else(|error| panic!("{error}"));
    let desk = Desk::releasing(&plugin, &[]);
    let seen = desk.krew_installs(&desk.release("oci.yaml"), &desk.archive());
    assert_eq!(seen.code, Some(0), "{seen:#?}");
    assert!(seen.stderr.contains("Installed plugin: oci"), "{seen:#?}");
    assert!(seen.stderr.contains("kubectl oci completion install"), "{seen:#?}");
    let link = desk.bench.path("krew/bin/kubectl-oci");
    assert!(link.is_symlink());
    assert_eq!(fs::metadata(&link).unwrap().permissions().mode() & 0o777, 0o755);
    let seen = desk.kubectl(&["oci", "version", "-o", "name"]);
    assert_eq!(seen.code, Some(0), "{seen:#?}");
    assert_eq!(seen.stdout, format!("v{}\n", env!("CARGO_PKG_VERSION")));
    let list = desk.kubectl(&["krew", "list"]);
    assert!(list.stdout.contains("oci"), "{list:#?}");
    let seen = desk.kubectl(&["krew", "uninstall", "oci"]);
    assert_eq!(seen.code, Some(0), "{seen:#?}");
    assert!(!link.is_symlink());
}

#[test]
fn krew_refuses_another_archive_than_the_released_one() {
    let desk = Desk::with_nothing(&[]);
    let archive = desk.archive();
    let mut bytes = fs::read(&archive).unwrap();
    bytes.push(0);
    fs::write(&archive, bytes).unwrap();
    let seen = desk.krew_installs(&desk.release("oci.yaml"), &archive);
    assert_eq!(seen.code, Some(1), "{seen:#?}");
    assert!(seen.stderr.contains("checksum does not match"), "{seen:#?}");
}

#[test]
fn release_passes_the_validation_of_the_index_with_installation() {
    // What is served is known after the addresses in the manifest: those of a release are fixed as well.
    let folder = tempfile::tempdir().unwrap();
    let served = folder.path().join("archive.tar.gz");
    let path = served.clone();
    let index = Scripted::start(move |_| Reply::Answer {
        status: 200,
        headers: Vec::new(),
        body: fs::read(&path).unwrap(),
    });
    let desk = Desk::with_nothing(&["--base", &format!("http://{}/v0", index.address())]);
    fs::copy(desk.archive(), served).unwrap();
    let seen = desk.validates(&desk.release("oci.yaml"), &[]);
    assert_eq!(seen.code, Some(0), "{seen:#?}");
    assert!(seen.stderr.contains("all 1 spec.platforms installed fine"), "{seen:#?}");
}

#[test]
fn manifest_of_the_repository_is_valid_and_as_rendered() {
    let desk = Desk::with_nothing(&[]);
    let committed = fs::read_to_string(tools::workspace().join("krew-manifest.yaml")).unwrap();
    desk.bench.write("index/oci.yaml", &committed);
    let seen = desk.validates(&desk.bench.path("index/oci.yaml"), &["-skip-install"]);
    assert_eq!(seen.code, Some(0), "{seen:#?}");
    assert!(seen.stderr.contains("no overlapping spec.platform[].selector"), "{seen:#?}");
    // The release's manifest is part of it, apart from the checksum.
    let unknown = |line: &str| if line.contains("sha256: ") { "sha256".to_owned() } else { line.to_owned() };
    let lines =
        |text: &str| text.lines().map(unknown).filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
    let (committed, released) =
        (lines(&committed), lines(&fs::read_to_string(desk.release("oci.yaml")).unwrap()));
    let (head, platform) =
        released.split_at(released.iter().position(|line| line == "  platforms:").unwrap() + 1);
    assert_eq!(&committed[..head.len()], head);
    assert!(committed.windows(platform.len()).any(|part| part == platform), "{committed:#?}");
}

#[test]
fn manifest_before_a_release_installs_nothing() {
    let desk = Desk::with_nothing(&[]);
    let manifest = tools::workspace().join("krew-manifest.yaml");
    let seen = desk.krew_installs(&manifest, &desk.archive());
    assert_eq!(seen.code, Some(1), "{seen:#?}");
    assert!(seen.stderr.contains("checksum does not match"), "{seen:#?}");
}

#[test]
fn checksums_are_those_of_the_files_and_cosign_verifies_their_signature() {
    let bench = Bench::new();
    bench.write("plain.pem", &Owner::new(Kind::P256).private_pem());
    let import = ["import-key-pair", "--key", "plain.pem", "--output-key-prefix", "cosign", "-y"];
    assert_eq!(bench.cosign(&import).code, Some(0));
    let key = bench.path("cosign.key");
    let desk = Desk::with_nothing(&["--key", key.to_str().unwrap()]);
    let sums = format!("kubectl-oci_v{}_checksums.txt", env!("CARGO_PKG_VERSION"));
    let folder = desk.release("");
    let text = fs::read_to_string(desk.release(&sums)).unwrap();
    assert_eq!(text.lines().count(), 3, "archive, list of parts, manifest: {text}");
    assert!(text.lines().all(|line| line.find("  ") == Some(64)), "as every tool reads it: {text}");
    let check =
        Command::new("sha256sum").args(["--check", "--strict", &sums]).current_dir(&folder).output().unwrap();
    assert!(check.status.success(), "{check:?}");
    let verify = || {
        let bundle = desk.release(&format!("{sums}.sigstore.json"));
        let file = desk.release(&sums);
        let words = ["verify-blob", "--key", "cosign.pub", "--insecure-ignore-tlog=true", "--bundle"];
        bench.cosign(&[&words[..], &[bundle.to_str().unwrap(), file.to_str().unwrap()]].concat())
    };
    let seen = verify();
    assert_eq!(seen.code, Some(0), "{seen:#?}");
    fs::write(desk.release(&sums), text.replacen('a', "b", 1)).unwrap();
    assert_ne!(verify().code, Some(0));
}

#[test]
fn release_is_the_same_bytes_every_time() {
    let (one, two) = (Desk::with_nothing(&[]), Desk::with_nothing(&[]));
    let files = |desk: &Desk| {
        let entries = fs::read_dir(desk.release("")).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> =
            entries.map(|path| (path.file_name().unwrap().to_owned(), fs::read(&path).unwrap())).collect();
        files.sort();
        files
    };
    let (one, two) = (files(&one), files(&two));
    assert_eq!(one.len(), 4);
    assert!(one == two);
}

#[test]
fn list_of_parts_is_json_that_names_what_is_linked() {
    let desk = Desk::with_nothing(&[]);
    let path = desk.archive().display().to_string().replace(".tar.gz", ".cdx.json");
    let parts = json(fs::read(path).unwrap());
    assert_eq!((&parts["bomFormat"], &parts["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    let names: Vec<_> = parts["components"].as_array().unwrap().iter().map(|part| &part["name"]).collect();
    assert!(names.contains(&&"rustls".into()) && !names.contains(&&"oci-testkit".into()), "{names:?}");
    assert!(!names.contains(&&"windows-sys".into()), "of this platform only: {names:?}");
}

#[test]
fn nothing_is_released_that_does_not_run_or_is_of_no_clear_target() {
    let desk = Desk::with_built(Path::new("/usr/bin/false"));
    let seen = desk.pack(&[]);
    assert_eq!(seen.code, Some(1), "{seen:#?}");
    assert!(seen.stderr.contains("kubectl-oci --version"), "{seen:#?}");
    let two = ["--target", "x86_64-unknown-linux-musl", "--target", "aarch64-unknown-linux-musl"];
    let seen = desk.pack(&two);
    assert_eq!(seen.code, Some(1), "{seen:#?}");
    assert!(seen.stderr.contains("--programs is for one target"), "{seen:#?}");
    assert_eq!(fs::read_dir(desk.release("")).unwrap().count(), 0);
}

#[test]
fn collecting_names_what_is_missing() {
    let desk = Desk::with_nothing(&[]);
    let seen = desk.dist(&["--collect"]);
    assert_eq!(seen.code, Some(1), "{seen:#?}");
    assert!(seen.stderr.contains("3 archives of v"), "{seen:#?}");
}
