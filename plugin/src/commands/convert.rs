//! `kubectl oci convert`: manifests of another version of the API.

use clap::Args;
use oci_artifact::archive::Control;

use crate::{
    context::Context,
    error::Error,
    exit::Exit,
    manifests::{Edit, FileArgs, Obstacle, Source, counted, decode, is_template, replace, rewrite},
    ui::{self, Printer},
    yaml::Problem,
};

/// What to do about a template.
const TEMPLATE: &str = "this looks like a template; change the apiVersion in it by hand";

const EXAMPLES: &str = "Examples:
  # What would change
  kubectl oci convert -R -f ./clusters --dry-run

  # Rewrite the files
  kubectl oci convert -R -f ./clusters

  # From standard input to standard output
  kubectl oci convert -f - < old.yaml > new.yaml";

/// Move OCIRepository manifests to another version of the API
///
/// Rewrites files in place. Nothing but the version of these objects changes: comments, order, quotes and line ends
/// stay. Files are replaced all at once; a file that cannot be read is left as it is, and the others are done.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Convert {
    #[command(flatten)]
    files: FileArgs,
    /// The version that they get
    #[arg(long, value_name = "VERSION", default_value = "v1", value_parser = oci_crds::VERSIONS)]
    to: String,
    /// Print what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Exit code 0 if all is done, 2 if some file could not be.
pub(crate) async fn run(args: Convert, context: &Context) -> Result<Exit, Error> {
    let sources = args.files.sources()?;
    let (printer, control) = (context.printer, context.control.clone());
    let work = tokio::task::spawn_blocking(move || {
        let filter = !args.dry_run && sources.contains(&Source::Stdin);
        let Convert { to, dry_run, .. } = args;
        Work { printer, to, dry_run, filter, objects: 0, files: 0, failed: false }.all(&sources, &control)
    });
    work.await.map_err(|_| Error::Stopped("converting"))?
}

struct Work {
    printer: Printer,
    to: String,
    dry_run: bool,
    /// Whether standard output is for what standard input becomes.
    filter: bool,
    objects: usize,
    files: usize,
    failed: bool,
}

impl Work {
    fn all(mut self, sources: &[Source], control: &Control) -> Result<Exit, Error> {
        for source in sources.iter().take_while(|_| !control.is_cancelled()) {
            match self.one(source, control) {
                Ok(edits) => self.tell(source, &edits)?,
                Err(error) => {
                    ui::failure(&error);
                    self.failed = true;
                }
            }
        }
        let what = counted(self.objects, "object");
        let files = counted(self.files, "file");
        match (self.objects, self.dry_run) {
            (0, _) if self.failed => {}
            (0, _) => self.printer.success(format!("nothing to convert, all is {}", self.to)),
            (_, true) => self.printer.action(format!("{what} in {files} would be converted to {}", self.to)),
            (_, false) => self.printer.success(format!("{what} in {files} converted to {}", self.to)),
        }
        Ok(if self.failed { Exit::Failed } else { Exit::Ok })
    }

    fn one(&self, source: &Source, control: &Control) -> Result<Vec<Edit>, Error> {
        let name = source.name();
        if let Source::File(path) = source
            && path.exists()
            && !path.is_file()
        {
            return Err(Error::usage(format!("`{name}` is no file that can be rewritten; use -f -")));
        }
        let bytes = source.read(control).map_err(|error| Error::file("reading", &name, error))?;
        let failed = |problem: Problem, hint: Option<&str>| Error::Document {
            doing: "converting",
            place: format!("{name}:{}", problem.mark.line),
            why: problem.why,
            hint: hint.map(str::to_owned),
        };
        let text = decode(bytes).map_err(|problem| failed(problem, None))?;
        let rewritten = rewrite(&text, &self.to).map_err(|obstacle| match obstacle {
            Obstacle::Unreadable(problem) => failed(problem, is_template(&text).then_some(TEMPLATE)),
            Obstacle::Unchangeable(problem) => failed(problem, None),
        })?;
        match source {
            _ if self.dry_run => {}
            Source::Stdin => self.printer.data(&rewritten.text)?,
            Source::File(_) if rewritten.edits.is_empty() => {}
            Source::File(path) => {
                replace(path, &rewritten.text).map_err(|error| Error::file("writing", path, error))?;
            }
        }
        Ok(rewritten.edits)
    }

    /// `app.yaml:1: source.toolkit.fluxcd.io/v1beta2 -> source.toolkit.fluxcd.io/v1`
    fn tell(&mut self, source: &Source, edits: &[Edit]) -> Result<(), Error> {
        let group = oci_crds::GROUP;
        let (name, to) = (ui::clean(&source.name()), &self.to);
        let line = |edit: &Edit| format!("{name}:{}: {group}/{} -> {group}/{to}", edit.mark.line, edit.from);
        self.objects += edits.len();
        self.files += usize::from(!edits.is_empty());
        if self.filter {
            for edit in edits {
                self.printer.action(line(edit));
            }
            return Ok(());
        }
        self.printer.data(&ui::lines(edits.iter().map(line)))
    }
}
