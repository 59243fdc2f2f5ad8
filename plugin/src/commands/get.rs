//! `kubectl oci get`: `OCIRepository` objects and how they are.

use clap::{Args, ValueEnum};
use oci_crds::{GROUP, KIND, PLURAL};
use serde_json::json;

use crate::{
    args::Output,
    cluster::{Columns, Filter, Repositories, Stored, parse_name, rows},
    context::Context,
    error::Error,
    exit::Exit,
    ui,
};

const EXAMPLES: &str = "Examples:
  # All that are not ready, in all namespaces
  kubectl oci get -A --status-selector Ready=False

  # The digest that is served
  kubectl oci get app -o json | jq -r .status.artifact.revision";

/// Show OCIRepository objects and how they are
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Get {
    /// Name of the object; all if absent
    #[arg(value_parser = parse_name)]
    name: Option<String>,
    /// All namespaces
    #[arg(long, short = 'A', conflicts_with = "name")]
    all_namespaces: bool,
    /// Only objects with these labels, as in `team=web`
    #[arg(long, short = 'l', value_name = "SELECTOR", conflicts_with = "name", alias = "label-selector")]
    selector: Option<String>,
    /// Only objects with this condition, as in `Ready=False` or `Ready!=True`
    #[arg(long, value_name = "TYPE=STATUS", conflicts_with = "name", value_parser = Wanted::parse)]
    status_selector: Option<Wanted>,
    /// Print as data, or with more columns
    #[arg(long, short = 'o', value_enum)]
    output: Option<GetOutput>,
}

/// Formats of `get`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum GetOutput {
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// Names only
    Name,
    /// More columns
    Wide,
}

/// A condition that objects must have, or must not.
#[derive(Clone, Debug)]
struct Wanted {
    kind: String,
    status: String,
    has: bool,
}

impl Wanted {
    fn parse(text: &str) -> Result<Self, String> {
        let (kind, status, has) = match (text.split_once("!="), text.split_once('=')) {
            (Some((kind, status)), _) => (kind, status, false),
            (None, Some((kind, status))) => (kind, status, true),
            (None, None) => return Err("not like `Ready=False`".to_owned()),
        };
        Ok(Self { kind: kind.to_owned(), status: status.to_owned(), has })
    }

    /// Letter case does not count, as in Flux. What was not looked at yet is unknown.
    fn admits(&self, object: &Stored) -> bool {
        let state = object.state();
        let mut conditions = state.conditions.iter();
        let found = conditions.find(|condition| condition.kind.eq_ignore_ascii_case(&self.kind));
        let status = found.map_or("Unknown", |condition| condition.status.as_str());
        status.eq_ignore_ascii_case(&self.status) == self.has
    }
}

/// One object, or all.
pub(crate) async fn run(args: Get, context: &Context) -> Result<Exit, Error> {
    let access = context.cluster().await?;
    let all = args.all_namespaces;
    let repositories = if all { Repositories::everywhere(&access) } else { Repositories::of(&access) };
    let objects = if let Some(name) = &args.name {
        vec![repositories.get(name).await?]
    } else {
        let mut found = repositories.list(Filter { labels: args.selector.as_deref() }).await?;
        found.retain(|object| args.status_selector.as_ref().is_none_or(|wanted| wanted.admits(object)));
        found
    };
    let data = |output| {
        let mut items: Vec<_> = objects.iter().map(Stored::data).collect();
        match items.pop() {
            Some(object) if args.name.is_some() => ui::document(&object, output),
            last => {
                items.extend(last);
                ui::document(&json!({ "apiVersion": "v1", "kind": "List", "items": items }), output)
            }
        }
    };
    let name = |object: &Stored| format!("{}.{GROUP}/{}", KIND.to_lowercase(), object.name());
    let text = match args.output {
        Some(GetOutput::Json) => data(Output::Json)?,
        Some(GetOutput::Yaml) => data(Output::Yaml)?,
        Some(GetOutput::Name) => ui::lines(objects.iter().map(name)),
        None | Some(GetOutput::Wide) if objects.is_empty() => {
            context.printer.action(format!("no {PLURAL} found in {}", repositories.place()));
            return Ok(Exit::Ok);
        }
        wide => rows(&objects, Columns { namespace: all, wide: wide.is_some() }),
    };
    context.printer.data(&text)?;
    Ok(Exit::Ok)
}
