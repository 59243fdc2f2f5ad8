//! An object, its Secrets, a registry and a folder to store in.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use oci_artifact::{
    archive::Control,
    manifest::{CONFIG_BYTES, Descriptor, FLUX_CONTENT, Manifest, OCI_MANIFEST, config_descriptor},
    name::Digest,
};
use oci_crds::v1::{Artifact, OciRepository, Spec};
use oci_decide::{Failure, Observed, Outcome, Resolved, Settings, Stored};
use oci_registry::{Options, Secret};
use oci_source::{
    Progress, Source, SourceOptions,
    material::{Material, MaterialFuture, Materials, SecretData, Trust, TrustFuture},
    store::{Folder, Store},
};
use oci_testkit::registry::{Recorded, Registry};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const NAME: &str = "org/app";

/// A source with a folder.
pub(crate) struct World {
    pub(crate) source: Source,
    pub(crate) folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// With other settings.
    pub(crate) fn with(change: impl FnOnce(&mut SourceOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Folder::new(Some(folder.path().to_owned()), Timestamp::UNIX_EPOCH);
        let mut options = options(Arc::new(store));
        change(&mut options);
        Self { source: Source::new(options), folder }
    }

    pub(crate) async fn run(&self, case: &Case) -> Outcome {
        self.source.run(&case.observed, &case.materials, &case.told, &Control::new()).await
    }

    pub(crate) async fn stored(&self, case: &Case) -> Artifact {
        match self.run(case).await {
            Outcome::Stored { artifact, .. } => *artifact,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn failed(&self, case: &Case) -> Failure {
        match self.run(case).await {
            Outcome::Failed { failure, .. } => failure,
            other => panic!("{other:?}"),
        }
    }

    /// The bytes of the file that was stored.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("team/app.tar.gz")).unwrap()
    }

    /// Whether no file is there, not even one that is not seen.
    pub(crate) fn is_empty(&self) -> bool {
        std::fs::read_dir(self.folder.path()).unwrap().count() == 0
    }
}

/// Settings that try again at once.
pub(crate) fn options(store: Arc<dyn Store>) -> SourceOptions {
    let mut options = SourceOptions::new(store);
    options.registry = Options { backoff: Duration::from_millis(1), ..options.registry };
    options
}

/// One object and what it needs.
pub(crate) struct Case {
    pub(crate) observed: Observed,
    pub(crate) materials: Given,
    pub(crate) told: Told,
}

impl Case {
    /// `team/app` with the registry's repository and these fields.
    pub(crate) fn new(registry: &Registry, spec: Value) -> Self {
        Self::at(&registry.url(NAME), spec)
    }

    pub(crate) fn at(url: &str, mut spec: Value) -> Self {
        spec["url"] = json!(url);
        spec["interval"] = json!("5m");
        let spec: Spec = serde_json::from_value(spec).unwrap();
        let object = OciRepository::new("team", "app", spec);
        let (now, settings) = ((Timestamp::UNIX_EPOCH, 0.5), Arc::new(Settings::default()));
        let observed = Observed::new(&object, Stored::Nothing, 0, now, settings);
        assert!(observed.report.checked.is_some(), "{:?}", observed.report.faults);
        Self { observed, materials: Given::default(), told: Told::default() }
    }

    pub(crate) fn in_namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.observed.namespace);
        self
    }

    pub(crate) fn platform(mut self, platform: &str) -> Self {
        self.observed.platform = Some(platform.to_owned());
        self
    }

    pub(crate) fn pull(mut self, secret: SecretData) -> Self {
        self.materials.material.pull.push(secret);
        self
    }

    pub(crate) fn certificate(mut self, data: &[(&str, &str)]) -> Self {
        self.materials.material.certificate = Some(secret("Opaque", data));
        self
    }

    pub(crate) fn proxy(mut self, address: &str) -> Self {
        self.materials.material.proxy = Some(secret("Opaque", &[("address", address)]));
        self
    }

    /// As after a run that stored this.
    pub(crate) fn storing(mut self, artifact: &Artifact) -> Self {
        self.observed.status.artifact = Some(artifact.clone());
        self.observed.status.observed_ignore.clone_from(&self.observed.spec.ignore);
        self.observed.status.observed_layer_selector.clone_from(&self.observed.spec.layer_selector);
        self.observed.stored = Stored::Whole;
        self
    }
}

/// Material, and how often it was read.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) material: Material,
    pub(crate) trust: Trust,
    /// Why `trust` is not to be had.
    pub(crate) lost: Option<Failure>,
    reads: AtomicUsize,
}

impl Given {
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }
}

impl Materials for Given {
    fn read(&self) -> MaterialFuture<'_> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(self.material.clone()) })
    }

    fn trust(&self) -> TrustFuture<'_> {
        Box::pin(async { self.lost.clone().map_or_else(|| Ok(self.trust.clone()), Err) })
    }
}

/// What was told.
#[derive(Default)]
pub(crate) struct Told(Mutex<Vec<String>>);

impl Told {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Progress for Told {
    fn resolved(&self, resolved: &Resolved) {
        self.0.lock().unwrap().push(resolved.revision.to_string());
    }
}

pub(crate) fn secret(kind: &str, data: &[(&str, &str)]) -> SecretData {
    let data = data.iter().map(|(key, text)| ((*key).to_owned(), Secret::new(text.as_bytes().to_vec())));
    SecretData { origin: "team/creds".to_owned(), kind: kind.to_owned(), data: data.collect() }
}

/// A pull Secret for a host.
pub(crate) fn login(host: &str, user: &str, password: &str) -> SecretData {
    let config = json!({ "auths": { host: { "username": user, "password": password } } });
    secret("kubernetes.io/dockerconfigjson", &[(".dockerconfigjson", &config.to_string())])
}

/// A tar+gzip of files.
pub(crate) fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder =
        tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::Regular);
        builder.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// The files in a tar+gzip.
pub(crate) fn files(archive: &[u8]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in tar::Archive::new(flate2::read::GzDecoder::new(archive)).entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let path: &Path = &entry.path().unwrap();
            found.insert(path.display().to_string(), text);
        }
    }
    found
}

/// A manifest with these layers, all of which are put into the registry.
pub(crate) fn manifest(
    registry: &Registry,
    layers: &[(&str, &[u8])],
    annotations: &[(&str, &str)],
) -> Vec<u8> {
    registry.put_blob(NAME, CONFIG_BYTES);
    let layers = layers.iter().map(|(media_type, bytes)| {
        Descriptor::new(*media_type, registry.put_blob(NAME, bytes), bytes.len() as u64)
    });
    let annotations =
        annotations.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    serde_json::to_vec(&Manifest::new(config_descriptor(), layers.collect(), annotations)).unwrap()
}

/// Puts an artifact with one layer of files under a tag.
pub(crate) fn seed(registry: &Registry, tag: &str, files: &[(&str, &str)]) -> Digest {
    let layer = archive(files);
    let manifest = manifest(registry, &[(FLUX_CONTENT, &layer)], &[]);
    registry.put_manifest(NAME, tag, OCI_MANIFEST, &manifest)
}

/// `METHOD class` of each request.
pub(crate) fn asked(registry: &Registry) -> Vec<String> {
    let line = |request: &Recorded| format!("{} {:?}", request.method, request.class);
    registry.requests().iter().map(line).collect()
}

/// Accepts connections, counts them and closes them at once.
pub(crate) fn closing() -> (String, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counter.fetch_add(1, Ordering::SeqCst);
            let _ = stream.and_then(|mut stream| stream.write_all(b""));
        }
    });
    (host, count)
}
