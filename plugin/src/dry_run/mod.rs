//! A run of the controller without a controller and without a cluster: the same code, from files.
//!
//! ```text
//! files ──► Input (objects, Secrets, ServiceAccounts) ──► oci_source::Source::run ──► Report
//!   └─────► lint ────────────────────────────────────────────────────────────────────────┘
//! ```

mod asked;
mod input;
mod materials;
mod report;
mod watch;

use std::{path::PathBuf, sync::Arc};

use oci_artifact::archive::Control;
use oci_crds::v1::Spec;
use oci_decide::{Observed, Settings, Stored, conclude};
use oci_source::{
    Source, SourceOptions,
    store::{Folder, Owner},
};

use self::{input::Item, materials::FileMaterials, report::Run, watch::Watch};
use crate::{
    context::Context,
    error::Error,
    exit::Exit,
    manifests::{self, Source as File},
    ui,
};

pub(crate) use self::{asked::Asked, input::Input, report::Report};

/// Where the controller's artifacts are served, as `deploy/base` installs it.
const ADVERTISED: &str = "http://oci-controller.oci-system.svc.cluster.local.";
/// Any number: nothing of it is shown.
const DICE: f64 = 0.5;

/// Judges all files, and does the run of every object in them, one after another.
pub(crate) async fn run(input: Input, output: Option<PathBuf>, context: &Context) -> Result<Report, Error> {
    let store = Folder::new(output, context.now);
    let source = Source::new(SourceOptions {
        registry: context.registry()?,
        ..SourceOptions::new(Arc::new(store.clone()))
    });
    let settings = Arc::new(Settings { advertised: ADVERTISED.to_owned(), ..Settings::default() });
    let mut runs = Vec::new();
    for item in &input.items {
        let observed = observe(item, &settings, context);
        let materials = FileMaterials::new(&input, &observed, context);
        let watch = Watch::default();
        context.printer.action(format!("running {}", ui::clean(&item.name())));
        // On the heap: the future is too large for a stack.
        let outcome = Box::pin(source.run(&observed, &materials, &watch, &Control::new())).await;
        let status = conclude(&observed, &outcome).status;
        let owner = Owner { namespace: observed.namespace, name: observed.name };
        runs.push(Run::new(item, outcome, watch.seen(), status, store.file(&owner)));
    }
    Ok(Report { lint: input.lint, runs })
}

/// The object as the controller would see it for the first time.
fn observe(item: &Item, settings: &Arc<Settings>, context: &Context) -> Observed {
    let mut object = item.object.clone();
    object.status = None;
    object.metadata.generation = Some(1);
    if object.spec.suspend == Some(true) {
        context.printer.warning(format!("{} is suspended; it is run all the same", ui::clean(&item.name())));
        object.spec = Spec { suspend: None, ..object.spec };
    }
    Observed::new(&object, Stored::Nothing, 0, (context.now, DICE), Arc::clone(settings))
}

/// Reads and judges files. Objects that name no namespace are in `namespace`.
pub(crate) fn read(
    files: &[File],
    secrets: &[PathBuf],
    namespace: &str,
    control: &Control,
) -> Result<Input, Error> {
    let mut input = Input::new(namespace);
    for file in files {
        let (name, text) = (file.name(), file.read(control).map(manifests::decode));
        if let Ok(Ok(text)) = &text {
            input.objects(&name, text)?;
        }
        manifests::lint_text(&name, &text, &[], control, &mut input.lint);
    }
    for path in secrets {
        let file = File::File(path.clone());
        let bytes = file.read(control).map_err(|source| Error::file("reading", path, source))?;
        let text = manifests::decode(bytes).map_err(|problem| input::unreadable(&file.name(), &problem))?;
        input.secrets(&file.name(), &text)?;
    }
    Ok(input)
}

impl Report {
    /// The worst of what was found.
    pub(crate) fn exit(&self) -> Exit {
        let all = self.runs.iter().map(Run::exit).chain([self.lint.exit()]);
        all.fold(Exit::Ok, |worst, exit| match (worst, exit) {
            (Exit::Failed, _) | (_, Exit::Failed) => Exit::Failed,
            (Exit::Different, _) | (_, Exit::Different) => Exit::Different,
            (worst, _) => worst,
        })
    }
}
