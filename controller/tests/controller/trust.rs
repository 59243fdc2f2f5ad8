//! The trust root of signatures without keys: built in, from a file, or refreshed from a mirror that may misbehave.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use jiff::Timestamp;
use oci_artifact::{
    archive::Control,
    manifest::{CONFIG_BYTES, Descriptor, FLUX_CONTENT, Manifest, OCI_MANIFEST, config_descriptor},
    name::Digest,
};
use oci_controller::{
    args::Args,
    observe::{Metrics, Snapshot},
    trust::{Keeper, Surroundings},
};
use oci_crds::v1::OciRepository;
use oci_decide::{Observed, Outcome, Settings, Stored};
use oci_registry::{Options, Proxies};
use oci_source::{
    Progress, Source, SourceOptions,
    material::{Material, MaterialFuture, Materials, Trust, TrustFuture},
    store::Folder,
};
use oci_testkit::{
    registry::Registry,
    scripted::Reply,
    sigstore::{self, Instance, Kind, NOW, Owner, Request, attach, bundle, tuf::Mirror, tuf::Tuf},
};
use oci_verify::{CommonRoot, TrustRoot, TrustRootError};
use serde_json::json;
use tempfile::TempDir;

const SAVED: &str = ".sigstore-tuf.json";

fn now() -> Timestamp {
    Timestamp::from_second(NOW + 3_600).unwrap()
}

/// A Sigstore of one's own.
fn private() -> &'static Instance {
    static INSTANCE: OnceLock<Instance> = OnceLock::new();
    INSTANCE.get_or_init(Instance::new)
}

fn root() -> String {
    private().trusted_root().to_string()
}

/// A repository, its mirror, and the storage of a controller.
struct Desk {
    tuf: Tuf,
    mirror: Mirror,
    folder: TempDir,
    metrics: Metrics,
    patience: Duration,
    proxies: Proxies,
}

impl Desk {
    fn new() -> Self {
        let (tuf, folder) = (Tuf::new(), tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join("anchor.json"), tuf.anchor()).unwrap();
        let mirror = Mirror::start(tuf.files(&root()));
        let (metrics, patience) = (Metrics::new(false), Duration::from_secs(20));
        Self { tuf, mirror, folder, metrics, patience, proxies: Proxies::none() }
    }

    fn keeper_of(&self, flags: &[&str]) -> Result<Keeper, String> {
        let flags = std::iter::once("oci-controller").chain(flags.iter().copied()).map(ToOwned::to_owned);
        let args = Args::read(flags, |_| None).map_err(|error| error.to_string())?;
        let around = Surroundings {
            folder: self.folder.path().to_owned(),
            web: Options {
                backoff: Duration::from_millis(1),
                proxies: self.proxies.clone(),
                ..Options::default()
            },
            patience: self.patience,
            metrics: Arc::clone(&self.metrics.trust),
            now,
        };
        Keeper::new(&args.trust, around).map_err(|error| error.to_string())
    }

    /// As a controller that starts with the anchor of the repository.
    async fn keeper(&self) -> Keeper {
        let anchor = format!("--sigstore-tuf-root={}", self.path("anchor.json").display());
        let mirror = format!("--sigstore-tuf-mirror={}", self.mirror.url());
        let keeper = self.keeper_of(&["--sigstore-trusted-root=tuf", &anchor, &mirror]).unwrap();
        keeper.remember().await;
        keeper
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tells(&self, line: &str) {
        let text = self.metrics.text(Snapshot::default());
        assert!(
            text.lines().any(|known| known == format!("oci_controller_trust_root_{line}")),
            "{line}: {text}"
        );
    }

    fn publish(&mut self, root: &str) {
        self.tuf.version += 1;
        self.mirror.serve(self.tuf.files(root));
    }
}

fn digest(root: &CommonRoot) -> Digest {
    root.get().unwrap().digest().clone()
}

#[tokio::test]
async fn built_in_root_asks_nobody_and_tells_its_age() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    silent.set_nonblocking(true).unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let mut desk = Desk::new();
    desk.patience = Duration::from_millis(200);
    desk.proxies = Proxies::environment(|name| (name == "HTTPS_PROXY").then(|| address.clone())).unwrap();
    for flags in [&[][..], &["--sigstore-trusted-root=embedded"]] {
        let keeper = desk.keeper_of(flags).unwrap();
        keeper.remember().await;
        assert!(keeper.renew().await);
        assert_eq!(&digest(&keeper.root()), TrustRoot::public().unwrap().digest());
    }
    desk.tells("timestamp_seconds 1787270400");
    desk.tells("last_refresh_successful 1");
    assert!(silent.accept().is_err(), "somebody was asked");
    // What asks goes there, and what is built in stays as long as there is no answer.
    let keeper = desk.keeper_of(&["--sigstore-trusted-root=tuf"]).unwrap();
    keeper.remember().await;
    assert!(!keeper.renew().await);
    assert_eq!(&digest(&keeper.root()), TrustRoot::public().unwrap().digest());
    desk.tells("timestamp_seconds 1787270400");
    silent.accept().unwrap();
}

#[tokio::test]
async fn root_is_refreshed_kept_and_remembered() {
    let mut desk = Desk::new();
    let keeper = desk.keeper().await;
    // Nobody is trusted in place of the Sigstore that the anchor is of.
    assert_eq!(keeper.root().get().unwrap_err(), TrustRootError::Awaited);
    desk.tells("timestamp_seconds 0");
    assert!(keeper.renew().await);
    assert_eq!(digest(&keeper.root()), Digest::of(root().as_bytes()));
    desk.tells(&format!("timestamp_seconds {}", NOW + 3_600));
    desk.tells(r#"refreshes_total{result="success"} 1"#);
    let newer = Instance::new().trusted_root().to_string();
    desk.publish(&newer);
    // As object stores say that there is nothing.
    desk.mirror.answer("2.root.json", Reply::text(403, "AccessDenied"));
    assert!(keeper.renew().await);
    assert_eq!(digest(&keeper.root()), Digest::of(newer.as_bytes()));
    // A restart where no mirror can be reached.
    desk.mirror.serve(BTreeMap::new());
    desk.metrics = Metrics::new(false);
    let restarted = desk.keeper().await;
    assert_eq!(digest(&restarted.root()), Digest::of(newer.as_bytes()));
    desk.tells(&format!("timestamp_seconds {}", NOW + 3_600));
    assert!(!restarted.renew().await);
    assert_eq!(digest(&restarted.root()), Digest::of(newer.as_bytes()));
    let names = std::fs::read_dir(desk.folder.path()).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [SAVED, "anchor.json"]);
}

#[tokio::test]
async fn mirror_that_misbehaves_leaves_the_last_root_and_is_told() {
    type Misbehave = fn(&mut Desk);
    let other = || Instance::new().trusted_root().to_string();
    let cases: [(&str, Misbehave); 10] = [
        ("expired", |desk| {
            desk.tuf.expires = NOW;
            desk.publish(&root());
        }),
        ("signed by somebody else", |desk| {
            desk.tuf.timestamp = Owner::new(Kind::Ed25519);
            desk.publish(&root());
        }),
        ("rolled back", |desk| {
            desk.tuf.version = 1;
            desk.mirror.serve(desk.tuf.files(&root()));
        }),
        ("not there", |desk| desk.mirror.serve(BTreeMap::new())),
        // Newer keys would be there.
        ("failing at the roots", |desk| desk.mirror.answer("2.root.json", Reply::text(500, "sorry"))),
        ("failing", |desk| desk.mirror.answer("timestamp.json", Reply::text(500, "sorry"))),
        ("elsewhere", |desk| {
            let reply = Reply::text(302, "").header("location", "http://127.0.0.1:1/timestamp.json");
            desk.mirror.answer("timestamp.json", reply);
        }),
        ("too large", |desk| desk.mirror.answer("timestamp.json", Reply::text(200, &" ".repeat(17 << 10)))),
        ("garbage", |desk| desk.mirror.answer("timestamp.json", Reply::text(200, "garbage"))),
        ("silent", |desk| desk.mirror.answer("timestamp.json", Reply::Stall)),
    ];
    for (what, misbehave) in cases {
        let mut desk = Desk::new();
        desk.patience = if what == "silent" { Duration::from_millis(200) } else { desk.patience };
        let last = other();
        desk.tuf.version = 7;
        desk.mirror.serve(desk.tuf.files(&last));
        let keeper = desk.keeper().await;
        if what == "silent" {
            // So short a patience is none to rely on otherwise.
            while !keeper.renew().await {}
        } else {
            assert!(keeper.renew().await, "{what}");
        }
        let saved = std::fs::read(desk.path(SAVED)).unwrap();
        misbehave(&mut desk);
        assert!(!keeper.renew().await, "{what}");
        assert_eq!(digest(&keeper.root()), Digest::of(last.as_bytes()), "{what}");
        assert_eq!(std::fs::read(desk.path(SAVED)).unwrap(), saved, "{what}");
        desk.tells("last_refresh_successful 0");
        assert!(!desk.metrics.text(Snapshot::default()).contains(r#"refreshes_total{result="failure"} 0"#));
    }
}

#[tokio::test]
async fn damaged_memory_is_passed_over_and_replaced() {
    let desk = Desk::new();
    let endless = vec![b' '; (4 << 20) + 1];
    for damaged in [&b"garbage"[..], b"", br#"{"at":0,"files":{}}"#, &endless] {
        std::fs::write(desk.path(SAVED), damaged).unwrap();
        let keeper = desk.keeper_of(&["--sigstore-trusted-root=tuf"]).unwrap();
        keeper.remember().await;
        assert_eq!(&digest(&keeper.root()), TrustRoot::public().unwrap().digest());
        let keeper = desk.keeper().await;
        assert_eq!(keeper.root().get().unwrap_err(), TrustRootError::Awaited);
        assert!(keeper.renew().await);
        assert_eq!(digest(&desk.keeper().await.root()), Digest::of(root().as_bytes()));
    }
    // A storage that nothing can be written to is told, and no reason to refuse the root.
    std::fs::remove_file(desk.path(SAVED)).unwrap();
    std::fs::create_dir(desk.path(SAVED)).unwrap();
    let keeper = desk.keeper().await;
    assert!(keeper.renew().await);
    assert_eq!(digest(&keeper.root()), Digest::of(root().as_bytes()));
}

#[tokio::test]
async fn file_is_read_again_when_it_changes() {
    let desk = Desk::new();
    let path = desk.path("trusted_root.json");
    let flag = format!("--sigstore-trusted-root={}", path.display());
    let refused = |part: &str| {
        let Err(error) = desk.keeper_of(&[&flag]) else { panic!("{part}") };
        assert!(error.starts_with("--sigstore-trusted-root ") && error.contains(part), "{error}");
    };
    refused("No such file");
    write(&path, "{}");
    refused("cannot be used");
    write(&path, &root());
    let keeper = desk.keeper_of(&[&flag]).unwrap();
    assert_eq!(digest(&keeper.root()), Digest::of(root().as_bytes()));
    let written = std::fs::metadata(&path).unwrap().modified().unwrap();
    desk.tells(&format!("timestamp_seconds {}", Timestamp::try_from(written).unwrap().as_second()));
    let other = Instance::new().trusted_root().to_string();
    for broken in ["", "{", &" ".repeat((1 << 20) + 1)] {
        write(&path, broken);
        assert!(!keeper.renew().await);
        assert_eq!(digest(&keeper.root()), Digest::of(root().as_bytes()));
        desk.tells("last_refresh_successful 0");
    }
    std::fs::remove_file(&path).unwrap();
    assert!(!keeper.renew().await);
    write(&path, &other);
    assert!(keeper.renew().await);
    assert_eq!(digest(&keeper.root()), Digest::of(other.as_bytes()));
    desk.tells("last_refresh_successful 1");
    // The same again after a fault, and then the first one.
    write(&path, "{");
    assert!(!keeper.renew().await);
    write(&path, &other);
    assert!(keeper.renew().await);
    desk.tells("last_refresh_successful 1");
    desk.tells(r#"refreshes_total{result="success"} 1"#);
    write(&path, &root());
    assert!(keeper.renew().await);
    assert_eq!(digest(&keeper.root()), Digest::of(root().as_bytes()));
    desk.tells(r#"refreshes_total{result="success"} 2"#);
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

#[tokio::test]
async fn flags_about_the_root_are_checked_at_the_start() {
    let desk = Desk::new();
    write(&desk.path("none.json"), "{}");
    let none = format!("--sigstore-tuf-root={}", desk.path("none.json").display());
    for (flags, part) in [
        (&["--sigstore-tuf-mirror=https://tuf.example"][..], "--sigstore-tuf-mirror does nothing without"),
        (&[&*none], "--sigstore-tuf-root does nothing without"),
        (&["--sigstore-trusted-root=tuf", &*none], "--sigstore-tuf-root: a file cannot be used"),
        (&["--sigstore-trusted-root=tuf", "--sigstore-tuf-root=/nowhere"], "--sigstore-tuf-root /nowhere: "),
        (&["--sigstore-trusted-root=tuf", "--sigstore-tuf-mirror=ftp://tuf.example"], "no http or https URL"),
        (&["--sigstore-trusted-root=tuf", "--sigstore-refresh-interval=0s"], "it is zero"),
    ] {
        let Err(error) = desk.keeper_of(flags) else { panic!("{flags:?}") };
        assert!(error.contains(part), "{flags:?}: {error}");
    }
}

/// Neither logins nor Secrets.
struct Bare;

impl Materials for Bare {
    fn read(&self) -> MaterialFuture<'_> {
        Box::pin(async { Ok(Material::default()) })
    }

    fn trust(&self) -> TrustFuture<'_> {
        Box::pin(async { Ok(Trust::default()) })
    }
}

impl Progress for Bare {
    fn resolved(&self, _: &oci_decide::Resolved) {}
}

#[tokio::test]
async fn artifact_is_verified_once_the_root_is_refreshed() {
    let (desk, registry) = (Desk::new(), Registry::start());
    let layer = registry.put_blob("org/app", b"layer");
    registry.put_blob("org/app", CONFIG_BYTES);
    let layers = vec![Descriptor::new(FLUX_CONTENT, layer, 5)];
    let manifest = serde_json::to_vec(&Manifest::new(config_descriptor(), layers, BTreeMap::new())).unwrap();
    let artifact = registry.put_manifest("org/app", "v1", OCI_MANIFEST, &manifest);
    let certified = private().certify(&Request::default());
    attach::bundle(
        &registry,
        "org/app",
        &artifact,
        &bundle::sign(private(), &certified, &artifact.to_string()),
    );
    let identity = json!([{ "issuer": sigstore::ISSUER, "subject": "^https://github\\.com/org/app/" }]);
    let spec = json!({
        "url": registry.url("org/app"),
        "interval": "5m",
        "ref": { "tag": "v1" },
        "layerSelector": { "operation": "copy" },
        "verify": { "provider": "cosign", "matchOIDCIdentity": identity },
    });
    let object = OciRepository::new("team", "app", serde_json::from_value(spec).unwrap());
    let settings = Arc::new(Settings::default());
    let observed = Observed::new(&object, Stored::Nothing, 0, (now(), 0.5), settings);
    let keeper = desk.keeper().await;
    let store = Folder::new(Some(desk.path("store")), Timestamp::UNIX_EPOCH);
    std::fs::create_dir(desk.path("store")).unwrap();
    let mut options = SourceOptions::new(Arc::new(store));
    options.root = keeper.root();
    let source = Source::new(options);
    let (bare, control) = (Bare, Control::new());
    let before = source.run(&observed, &bare, &bare, &control).await;
    let Outcome::Failed { failure, .. } = before else { panic!("{before:?}") };
    assert!(failure.message.contains("not fetched yet"), "{failure:?}");
    assert!(keeper.renew().await);
    let after = source.run(&observed, &bare, &bare, &control).await;
    assert!(matches!(after, Outcome::Stored { .. }), "{after:?}");
}
