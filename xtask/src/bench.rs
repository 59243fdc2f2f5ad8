//! `cargo xtask bench`: time and memory of the release build, next to tar, gzip, curl and oras.
//!
//! Absolute numbers of one machine say little; pairs run in turns and the table shows the median of their ratios.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use oci_testkit::{
    real::{Distribution, Mode},
    samples, tools,
};
use tempfile::TempDir;

use crate::{
    cli,
    error::{At as _, Error, Result},
    measure::{Subject, compare, median, peak, quiet},
    printer, run, signatures, tools as programs,
};

const MIB: u64 = 1 << 20;

pub(crate) fn run(arguments: &cli::Bench) -> Result<()> {
    match arguments.what {
        cli::Part::Plugin => plugin(arguments),
        cli::Part::Webhook => webhook(),
        cli::Part::Controller => controller(&arguments.parts),
        cli::Part::Verify => signatures::run(arguments.pairs),
    }
}

/// `tests/bench` does it: it needs the webhook's own library.
fn webhook() -> Result<()> {
    let folder = run::programs(&["oci-webhook", "oci-bench"], true)?;
    run::through(Command::new(folder.join("webhook-bench")).arg(folder.join("oci-webhook")))
}

/// `tests/bench` does it, beside a real API server.
fn controller(parts: &[String]) -> Result<()> {
    programs::control_plane()?;
    let folder = run::programs(&["oci-controller", "oci-bench"], true)?;
    let mut command = Command::new(folder.join("controller-bench"));
    run::through(command.arg(folder.join("oci-controller")).args(parts))
}

fn plugin(arguments: &cli::Bench) -> Result<()> {
    let plugin = run::plugin(true)?;
    let pairs = arguments.pairs;
    let small = arguments.small;
    run::interruptible(move |_| {
        let bench = Bench::prepare(plugin, pairs)?;
        let mut times = vec![header(&["comparison", "ours", "peer", "ratio (ours : peer)"])];
        bench.pack(&mut times)?;
        bench.pull("A", &bench.path("a"), &mut times)?;
        bench.pull("B", &bench.path("b"), &mut times)?;
        let mut sizes = vec![header(&["run", "peak memory", "time"])];
        bench.memory("1 MiB", MIB, &mut sizes)?;
        if !small {
            bench.memory("1 GiB", 1024 * MIB, &mut sizes)?;
        }
        printer::step(&format!("{pairs} interleaved pairs each, medians"));
        printer::table(&times);
        printer::step("incompressible layers");
        printer::table(&sizes);
        printer::step("the program");
        printer::table(&bench.program()?);
        Ok(())
    })
}

fn header(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

/// Programs, corpora and a registry that somebody else wrote.
struct Bench {
    plugin: PathBuf,
    oras: PathBuf,
    registry: Distribution,
    folder: TempDir,
    pairs: u32,
}

impl Bench {
    fn prepare(plugin: PathBuf, pairs: u32) -> Result<Self> {
        for program in ["tar", "gzip", "curl"] {
            let found = Command::new(program).arg("--version").output().is_ok();
            if !found {
                return Err(Error::Prerequisites(format!("- `{program}` is not installed: it is a peer")));
            }
        }
        let oras = tools::path("oras")?;
        let registry = Distribution::start(Mode::Plain)?;
        // In memory where there is such a place: what a disk and its file system cost differs from run to run by
        // more than what is measured.
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        let folder = tempfile::tempdir_in(&place).at(&place)?;
        let bench = Self { plugin, oras, registry, folder, pairs };
        samples::corpus_a(&bench.path("a")).at(bench.path("a"))?;
        samples::corpus_b(&bench.path("b")).at(bench.path("b"))?;
        fs::create_dir_all(bench.path("home")).at(bench.path("home"))?;
        Ok(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path());
        command.env("TMPDIR", self.folder.path());
        command.env("HOME", self.path("home")).env("DOCKER_CONFIG", self.path("home"));
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            command.env_remove(name);
        }
        command
    }

    fn oci(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&self.plugin);
        command.args(arguments);
        command
    }

    fn shell(&self, script: &str) -> Command {
        let mut command = self.command(Path::new("sh"));
        command.args(["-e", "-c", script]);
        command
    }

    fn compare(&self, name: &str, ours: &Subject<'_>, theirs: &Subject<'_>) -> Result<Vec<String>> {
        printer::line(&format!("{name}: {} : {}", ours.name, theirs.name));
        let found = compare(ours, theirs, self.pairs)?;
        Ok(vec![
            format!("{name}, {} : {}", ours.name, theirs.name),
            format!("{:.3} s", found.ours.as_secs_f64()),
            format!("{:.3} s", found.theirs.as_secs_f64()),
            format!("{:.2}", found.ratio),
        ])
    }

    fn pack(&self, rows: &mut Vec<Vec<String>>) -> Result<()> {
        let out = self.path("packed.tgz");
        let ours = Subject {
            name: "build artifact",
            command: Box::new(|| self.oci(&["build", "artifact", "--path=a", "--output=packed.tgz"])),
            cleanup: Some(&out),
        };
        let theirs = Subject {
            name: "tar c | gzip -6",
            command: Box::new(|| self.shell("tar -C a -c . | gzip -6 > packed.tgz")),
            cleanup: Some(&out),
        };
        rows.push(self.compare("pack corpus A", &ours, &theirs)?);
        Ok(())
    }

    fn pull(&self, name: &str, corpus: &Path, rows: &mut Vec<Vec<String>>) -> Result<()> {
        let lower = name.to_lowercase();
        let url = self.registry.url(&format!("bench/{lower}:v1"));
        let path = corpus.display().to_string();
        quiet(&mut self.oci(&[
            "push",
            "artifact",
            &url,
            "--path",
            &path,
            "--source=bench",
            "--revision=v1",
        ]))?;
        let oras_name = format!("{}/bench/oras-{lower}:v1", self.registry.host());
        let mut push = self.command(&self.oras);
        quiet(push.args(["push", "--plain-http", "--no-tty", &oras_name, &lower]))?;
        let blob = self.layer_url(&url)?;
        let out = self.path("pulled");
        let ours = Subject {
            name: "pull artifact",
            command: Box::new(|| self.oci(&["pull", "artifact", &url, "-o", "pulled"])),
            cleanup: Some(&out),
        };
        let script = format!("mkdir pulled; curl -fsS --noproxy '*' {blob} | tar -C pulled -xz");
        let curl =
            Subject { name: "curl | tar xz", command: Box::new(|| self.shell(&script)), cleanup: Some(&out) };
        let oras = Subject {
            name: "oras pull",
            command: Box::new(|| {
                let mut command = self.command(&self.oras);
                command.args(["pull", "--plain-http", "--no-tty", "-o", "pulled", &oras_name]);
                command
            }),
            cleanup: Some(&out),
        };
        let title = format!("pull corpus {name}");
        rows.push(self.compare(&title, &ours, &curl)?);
        rows.push(self.compare(&title, &ours, &oras)?);
        Ok(())
    }

    /// Where curl finds the layer of an artifact.
    fn layer_url(&self, url: &str) -> Result<String> {
        let reference = url.trim_start_matches("oci://");
        let mut fetch = self.command(&self.oras);
        let output = run::output(fetch.args(["manifest", "fetch", "--plain-http", reference]))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (host, rest) = reference.split_once('/').unwrap_or((reference, ""));
        let repository = rest.split(':').next().unwrap_or_default();
        let layers = text.split_once("\"layers\"").map(|(_, layers)| layers);
        let digest = layers
            .and_then(|layers| layers.split_once("sha256:"))
            .and_then(|(_, rest)| rest.get(..64))
            .ok_or_else(|| Error::Wrong(format!("{url} has no layer: {text}")))?;
        Ok(format!("http://{host}/v2/{repository}/blobs/sha256:{digest}"))
    }

    fn memory(&self, name: &str, bytes: u64, rows: &mut Vec<Vec<String>>) -> Result<()> {
        printer::line(&format!("memory with a layer of {name}"));
        let folder = self.path("large");
        fs::create_dir_all(&folder).at(&folder)?;
        samples::incompressible(&folder.join("data.bin"), bytes).at(&folder)?;
        let url = self.registry.url(&format!("bench/large-{bytes}:v1"));
        let push = ["push", "artifact", &url, "--path=large", "--source=bench", "--revision=v1"];
        let pull = ["pull", "artifact", &url, "-o", "pulled"];
        for (verb, arguments) in [("push", &push[..]), ("pull", &pull[..])] {
            let (memory, time) = peak(&mut self.oci(arguments))?;
            let memory = memory.map_or_else(|| "unknown".to_owned(), |kib| format!("{kib} KiB"));
            rows.push(vec![format!("{verb} {name}"), memory, printer::seconds(time)]);
        }
        fs::remove_dir_all(&folder).at(folder)?;
        fs::remove_dir_all(self.path("pulled")).at(self.path("pulled"))
    }

    fn program(&self) -> Result<Vec<Vec<String>>> {
        let mut times = Vec::new();
        for _ in 0..21 {
            let (_, time) = peak(&mut self.oci(&["--version"]))?;
            times.push(time.as_secs_f64() * 1_000.0);
        }
        let size = fs::metadata(&self.plugin).at(&self.plugin)?.len();
        Ok(vec![
            vec!["--version".to_owned(), format!("{:.1} ms", median(&mut times))],
            vec!["size, stripped".to_owned(), format!("{} KiB", size / 1024)],
        ])
    }
}
