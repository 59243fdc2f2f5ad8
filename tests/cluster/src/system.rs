//! Starting the parts in their order, and watching them.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use oci_testkit::{
    cases::yaml,
    control_plane::{ControlPlane, Ran},
    real::{Distribution, Mode},
    tools::{self, workspace},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    error::{At as _, Error, Result},
    example,
    folder::Folder,
    ports::Ports,
    printer,
    shell::{self, Part, word},
    signals::Signals,
};

/// Where the manifests put everything.
const NAMESPACE: &str = "oci-system";
/// How long a part gets to be ready; usually it takes a second.
const PATIENCE: Duration = Duration::from_mins(1);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(200);
/// In seconds.
const YEAR: i64 = 365 * 24 * 60 * 60;
/// An object that the webhook refuses and the schema does not.
const BAD: &str = r#"{"apiVersion":"source.toolkit.fluxcd.io/v1","kind":"OCIRepository","metadata":{"name":"bad",
"namespace":"default"},"spec":{"url":"oci://example.com/app","interval":"0s"}}"#;

/// Runs everything until a signal.
pub(crate) async fn run(programs: &Path, folder: Option<PathBuf>) -> Result<()> {
    let mut signals = Signals::new().map_err(Error::Signals)?;
    let programs = &programs.canonicalize().at(programs)?;
    tokio::select! {
        biased;
        () = signals.wait() => {}
        ended = serve(programs, folder) => return ended,
    }
    printer::line("stopped");
    Ok(())
}

async fn serve(programs: &Path, folder: Option<PathBuf>) -> Result<()> {
    let folder = Folder::take(folder)?;
    printer::line("starting etcd and kube-apiserver");
    let mut plane = ControlPlane::try_start().await?;
    printer::line("starting the registry");
    let mut registry = Distribution::start(Mode::Plain)?;
    // It ends the programs that use the others, so it goes first: locals are dropped in reverse.
    let folder = folder;
    let kubeconfig = folder.join("kubeconfig");
    folder.write_private("kubeconfig", &fs::read(plane.kubeconfig()).at(plane.kubeconfig())?)?;
    let ports = Ports::free().at("127.0.0.1")?;
    install(&plane, ports.webhook).await?;
    printer::line("starting the webhook and the controller");
    start_webhook(&plane, &folder, programs, &ports).await?;
    let command = start_controller(&plane, &folder, programs, &ports).await?;
    ready(&folder, "webhook", async || asked(&plane).await).await?;
    ready(&folder, "controller", async || answers(ports.health)).await?;
    let env = shell::assignments(&[
        ("KUBECONFIG", kubeconfig.to_string_lossy().into_owned()),
        (
            "KUBECTL",
            tools::path("kubectl").map(|path| path.to_string_lossy().into_owned()).unwrap_or_default(),
        ),
        ("REGISTRY", registry.host()),
        ("ARTIFACTS", format!("http://{}", ports.storage)),
        ("CONTROLLER_CMD", word(&command.to_string_lossy())),
    ]);
    folder.write("env", &env)?;
    printer::line(&example::text(&folder.join("env"), programs));
    watch(&mut plane, &mut registry, &folder).await
}

/// Says what ends. Without the API server or the registry there is nothing left; the others may be started again.
async fn watch(plane: &mut ControlPlane, registry: &mut Distribution, folder: &Folder) -> Result<()> {
    let mut known = [("controller", true), ("webhook", true)];
    loop {
        sleep(LOOK).await;
        if !plane.runs() {
            return Err(Error::Part { name: "control plane", what: "ended", said: plane.log() });
        }
        if !registry.runs() {
            return Err(Error::Part { name: "registry", what: "ended", said: registry.log() });
        }
        for (name, running) in &mut known {
            let process = folder.process(name);
            match (*running, process) {
                (true, None) => {
                    let script = folder.join(&format!("start-{name}"));
                    let script = word(&script.to_string_lossy());
                    printer::line(&format!("the {name} has ended; {script} starts it again"));
                }
                (false, Some(process)) => {
                    printer::line(&format!("the {name} runs again, as process {process}"));
                }
                _ => {}
            }
            *running = process.is_some();
        }
    }
}

/// What the manifests install, with a webhook on a port of loopback in place of a Service.
async fn install(plane: &ControlPlane, webhook: SocketAddr) -> Result<()> {
    let overlay = workspace().join("deploy/overlays/single");
    let built = plane.run(&["kustomize", &overlay.to_string_lossy()]).await;
    let built = succeeded(built)?;
    let client = |path: &str| json!({ "url": format!("https://{webhook}{path}") });
    let mut all = String::new();
    for document in built.split("\n---\n") {
        let mut document: Value = yaml(document);
        let part = match document.get("kind").and_then(Value::as_str) {
            Some("CustomResourceDefinition") => Some(("/spec/conversion/webhook/clientConfig", "/convert")),
            Some("ValidatingWebhookConfiguration") => Some(("/webhooks/0/clientConfig", "/validate")),
            _ => None,
        };
        if let Some((place, path)) = part
            && let Some(place) = document.pointer_mut(place)
        {
            *place = client(path);
        }
        all.extend(["---\n", &document.to_string(), "\n"]);
    }
    succeeded(plane.try_apply(&all).await)?;
    let crd = "crd/ocirepositories.source.toolkit.fluxcd.io";
    succeeded(plane.run(&["wait", "--for=condition=Established", crd]).await).map(drop)
}

/// A kubeconfig of a `ServiceAccount` that holds for as long as anybody will let this run.
async fn identity(plane: &ControlPlane, account: &str) -> String {
    let token = plane.service_account_token_for(NAMESPACE, account, Some(YEAR)).await;
    plane.kubeconfig_with_token(&token).to_string_lossy().into_owned()
}

async fn start_webhook(
    plane: &ControlPlane,
    folder: &Folder,
    programs: &Path,
    ports: &Ports,
) -> Result<PathBuf> {
    let arguments = [
        format!("--listen={}", ports.webhook),
        format!("--operations={}", ports.operations),
        // Nobody else takes over here, so there is nothing to wait for.
        "--drain=0s".to_owned(),
        "--self-signed".to_owned(),
        "--service-name=oci-webhook".to_owned(),
        format!("--namespace={NAMESPACE}"),
        "--secret-name=oci-webhook-tls".to_owned(),
        "--san=127.0.0.1".to_owned(),
        "--webhook-configuration=oci-webhook".to_owned(),
        "--crd=ocirepositories.source.toolkit.fluxcd.io".to_owned(),
    ];
    let environment = [("KUBECONFIG", identity(plane, "oci-webhook").await)];
    let program = &programs.join("oci-webhook");
    folder.start(&Part { name: "webhook", program, environment: &environment, arguments: &arguments })
}

async fn start_controller(
    plane: &ControlPlane,
    folder: &Folder,
    programs: &Path,
    ports: &Ports,
) -> Result<PathBuf> {
    let arguments = [
        format!("--storage-path={}", folder.join("data").display()),
        format!("--storage-addr={}", ports.storage),
        format!("--storage-adv-addr={}", ports.storage),
        format!("--metrics-addr={}", ports.metrics),
        format!("--health-addr={}", ports.health),
        "--concurrent=10".to_owned(),
    ];
    let environment = [
        ("KUBECONFIG", identity(plane, "oci-controller").await),
        ("RUNTIME_NAMESPACE", NAMESPACE.to_owned()),
        ("HOSTNAME", "oci-controller-0".to_owned()),
        ("TMPDIR", folder.join("tmp").to_string_lossy().into_owned()),
    ];
    let program = &programs.join("oci-controller");
    folder.start(&Part { name: "controller", program, environment: &environment, arguments: &arguments })
}

/// Waits until a part is ready, unless it ends.
async fn ready(folder: &Folder, name: &'static str, is_ready: impl AsyncFn() -> bool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !is_ready().await {
        let failed = |what| Error::Part { name, what, said: folder.said(name) };
        if folder.process(name).is_none() {
            return Err(failed("ended"));
        }
        if Instant::now() > deadline {
            return Err(failed("is not ready"));
        }
        sleep(LOOK).await;
    }
    Ok(())
}

/// Whether the API server asks the webhook, about objects and for conversion.
async fn asked(plane: &ControlPlane) -> bool {
    let mut kubectl = plane.kubectl();
    kubectl.args(["apply", "--dry-run=server", "--filename=-"]);
    if !Ran::with_input(kubectl, BAD).await.stderr.contains("spec.interval") {
        return false;
    }
    let older = "ocirepositories.v1beta2.source.toolkit.fluxcd.io";
    plane.run(&["get", older, "--all-namespaces"]).await.code == 0
}

/// Whether `/readyz` says so.
fn answers(address: SocketAddr) -> bool {
    use std::io::{Read as _, Write as _};
    let asked = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, LOOK)?;
        stream.set_read_timeout(Some(PATIENCE / 10))?;
        write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(&head == b"HTTP/1.1 200")
    };
    asked().unwrap_or(false)
}

fn succeeded(ran: Ran) -> Result<String> {
    if ran.code == 0 { Ok(ran.stdout) } else { Err(Error::Install(ran.to_string())) }
}
