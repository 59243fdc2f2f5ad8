//! `kubectl oci copy artifact`: between registries and OCI layout folders, digests unchanged.

use std::path::PathBuf;

use clap::Args;
use oci_artifact::name::{Digest, Reference, Tag, Target};
use oci_registry::{Access, Place, layout::Layout};
use serde::Serialize;

use crate::{
    args::{Output, Provider, RegistryArgs, parse_url},
    context::Context,
    error::{Doing as _, Error},
    exit::Exit,
    ui::{self, Progress},
};

/// What the name of an OCI layout folder begins with.
const LAYOUT_SCHEME: &str = "oci-layout://";

/// Flags of `copy artifact`.
#[derive(Args, Debug)]
pub(crate) struct Copy {
    /// What: oci://HOST/REPOSITORY[:TAG|@DIGEST] or oci-layout://FOLDER[:TAG|@DIGEST]
    from: String,
    /// Where to: oci://HOST/REPOSITORY[:TAG] or oci-layout://FOLDER[:TAG]
    to: String,
    /// More tags at the destination; comma separated or repeated
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    tag: Vec<String>,
    /// Blobs copied at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    concurrency: u16,
    /// Log in to the source as `user[:password]`
    #[arg(long, value_name = "USER[:PASSWORD]")]
    from_creds: Option<String>,
    /// Log in to the destination as `user[:password]`
    #[arg(long, value_name = "USER[:PASSWORD]")]
    to_creds: Option<String>,
    /// Allow plain HTTP on both sides, and do not verify certificates
    #[arg(long)]
    insecure_registry: bool,
    /// Trust these certificate authorities as well (PEM)
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Print the result as data
    #[arg(long, short = 'o', value_enum)]
    output: Option<Output>,
}

/// One end of a copy as it is typed.
enum End {
    Registry(Reference),
    Layout { root: PathBuf, target: Option<Target> },
}

/// The data of `-o`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    from: String,
    to: String,
    tags: Vec<Tag>,
    digest: Digest,
    media_type: String,
    manifests: usize,
    blobs_present: usize,
    blobs_mounted: usize,
    blobs_sent: usize,
}

/// Copies the manifest, everything that it names, and its tags.
pub(crate) async fn run(args: Copy, context: &Context) -> Result<Exit, Error> {
    let (from, to) = (End::parse(&args.from)?, End::parse(&args.to)?);
    let target = from.target().cloned().unwrap_or_else(|| Target::Tag(Tag::latest()));
    let tags = tags(&target, to.target(), &args.tag)?;
    let source = from.open(&args, args.from_creds.as_ref(), Access::Pull, context)?;
    let sink = to.open(&args, args.to_creds.as_ref(), Access::Push, context)?;
    context.printer.action(format!("copying {} to {}", args.from, args.to));
    let progress = Progress::watch(context.printer, &context.control, "copying", None);
    let copied =
        oci_registry::copy(&source, &target, &sink, &tags, args.concurrency.into(), &context.control).await;
    drop(progress);
    let copied = copied.doing(|| format!("copy of {} to {}", args.from, args.to))?;
    let blobs = [(copied.sent, "sent"), (copied.mounted, "mounted"), (copied.present, "already there")];
    let blobs: Vec<String> =
        blobs.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    context.printer.success(format!("blobs: {}", blobs.join(", ")));
    context.printer.success(format!("artifact copied, digest {}", copied.digest));
    let text = match args.output {
        None => return Ok(Exit::Ok),
        Some(Output::Name) => format!("{}@{}\n", to.name(), copied.digest),
        Some(output) => {
            let report = Report {
                from: args.from,
                to: args.to,
                tags,
                digest: copied.digest,
                media_type: copied.media_type,
                manifests: copied.manifests,
                blobs_present: copied.present,
                blobs_mounted: copied.mounted,
                blobs_sent: copied.sent,
            };
            ui::document(&report, output)?
        }
    };
    context.printer.data(&text)?;
    Ok(Exit::Ok)
}

/// The destination's own tag and those of `--tag`; without any, the source's.
fn tags(from: &Target, to: Option<&Target>, more: &[String]) -> Result<Vec<Tag>, Error> {
    let mut tags = Vec::new();
    match to {
        Some(Target::Tag(tag)) => tags.push(tag.clone()),
        Some(Target::Digest(_)) => {
            return Err(Error::usage("the destination cannot be a digest: it follows from the content"));
        }
        None => {}
    }
    for text in more {
        let tag = Tag::parse(text)?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    if let (true, Target::Tag(tag)) = (tags.is_empty(), from) {
        tags.push(tag.clone());
    }
    Ok(tags)
}

impl End {
    fn parse(text: &str) -> Result<Self, Error> {
        let Some(rest) = text.strip_prefix(LAYOUT_SCHEME) else { return parse_url(text).map(Self::Registry) };
        let (root, target) = match rest.rsplit_once('@') {
            Some((root, digest)) if !digest.contains('/') => {
                let digest = Digest::parse(digest).map_err(|error| Error::usage(format!("`{text}`: {error}")))?;
                (root, Some(Target::Digest(digest)))
            }
            Some(_) | None => match rest.rsplit_once(':') {
                Some((root, tag)) if !tag.contains('/') => (root, Some(Target::Tag(Tag::parse(tag)?))),
                Some(_) | None => (rest, None),
            },
        };
        if root.is_empty() {
            return Err(Error::usage(format!("`{text}` names no folder: write oci-layout://FOLDER:TAG")));
        }
        Ok(Self::Layout { root: root.into(), target })
    }

    fn target(&self) -> Option<&Target> {
        match self {
            Self::Registry(reference) => reference.target.as_ref(),
            Self::Layout { target, .. } => target.as_ref(),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Registry(reference) => reference.repository.to_string(),
            Self::Layout { root, .. } => root.display().to_string(),
        }
    }

    /// Each side has its own client, so that a credential is never shown to the other one.
    fn open(&self, args: &Copy, creds: Option<&String>, access: Access, context: &Context) -> Result<Place, Error> {
        let reference = match self {
            Self::Layout { root, .. } => return Ok(Place::Layout(Layout::new(root))),
            Self::Registry(reference) => reference,
        };
        let client = context.client(&RegistryArgs {
            creds: creds.cloned(),
            password_stdin: false,
            provider: Provider::Generic,
            insecure_registry: args.insecure_registry,
            ca_file: args.ca_file.clone(),
            cert_file: None,
            key_file: None,
        })?;
        Ok(Place::Registry(client.repository(&reference.repository, access)))
    }
}
