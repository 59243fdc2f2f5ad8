//! Copying what is attached to an artifact that was copied: its referrers, and what a tag of its own holds.

use std::collections::BTreeSet;

use oci_artifact::{
    archive::Control,
    limits,
    manifest::{Descriptor, Document},
    name::{Digest, Tag, Target},
};

use crate::{
    attach::Referrer,
    copy::{Copied, Place, Run, copy},
    error::{Error, Fault},
    manifests::Fetched,
};

/// Types in lists that say nothing: the manifest has to be asked.
const UNTOLD: [&str; 3] =
    ["", "application/vnd.oci.empty.v1+json", "application/vnd.oci.image.config.v1+json"];

/// What was copied beside an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Referrers and tags.
    pub referrers: usize,
    /// What that took.
    pub copied: Copied,
}

/// What is copied.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// Whether a referrer is, by one of its media types.
    pub kind: fn(&str) -> bool,
    /// A tag beside it, which is taken if it is there.
    pub tag: Option<&'a Tag>,
}

/// Copies the wanted referrers of `subject`, which is at both ends, so that the destination lists them as well.
pub async fn carry(
    from: &Place,
    subject: &Digest,
    to: &Place,
    wanted: Wanted<'_>,
    concurrency: usize,
    control: &Control,
) -> Result<Carried, Error> {
    let told = |one: &Descriptor| one.artifact_type.clone().filter(|kind| !UNTOLD.contains(&kind.as_str()));
    let mut referrers = from.referrers(subject).await?;
    referrers.retain(|one| told(one).is_none_or(|kind| (wanted.kind)(&kind)));
    if referrers.len() > limits::REFERRERS {
        let why = format!("more than {} signatures refer to {subject}", limits::REFERRERS);
        return Err(Fault::Protocol(why).during("copying signatures"));
    }
    let nothing = Copied::of(subject.clone(), String::new());
    let mut run =
        Run { from, to, concurrency: concurrency.max(1), control, seen: BTreeSet::new(), copied: nothing };
    let mut count = 0;
    for descriptor in referrers {
        let fetched = from.manifest(&Target::Digest(descriptor.digest.clone())).await?;
        if is_wanted(&fetched, subject, wanted.kind) {
            run.content(&fetched, 0).await?;
            to.attach(subject, descriptor, &fetched).await?;
            run.copied.manifests += 1;
            count += 1;
        }
    }
    let mut copied = run.copied;
    if let Some(tag) = wanted.tag
        && let Some(source) = find(from, tag).await?
        && !is_there(&source, to, tag).await?
    {
        let tags = std::slice::from_ref(tag);
        copied.add(&copy(from, &Target::Digest(source.digest), to, tags, concurrency, control).await?);
        count += 1;
    }
    Ok(Carried { referrers: count, copied })
}

fn is_wanted(fetched: &Fetched, subject: &Digest, kind: fn(&str) -> bool) -> bool {
    let Document::Manifest(manifest) = &fetched.document else { return false };
    let layers = manifest.layers.iter().map(|layer| layer.media_type.as_str());
    let mut kinds = manifest
        .artifact_type
        .as_deref()
        .into_iter()
        .chain([manifest.config.media_type.as_str()])
        .chain(layers);
    manifest.subject.as_ref().is_some_and(|named| named.digest == *subject) && kinds.any(kind)
}

async fn find(place: &Place, tag: &Tag) -> Result<Option<Fetched>, Error> {
    match place.manifest(&Target::Tag(tag.clone())).await {
        Ok(fetched) => Ok(Some(fetched)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the destination has the same behind the tag. What it has beyond it would be lost, and is not given up.
async fn is_there(source: &Fetched, to: &Place, tag: &Tag) -> Result<bool, Error> {
    let Some(there) = find(to, tag).await? else { return Ok(false) };
    let layers = |fetched: &Fetched| match &fetched.document {
        Document::Manifest(manifest) => Some(manifest.layers.clone()),
        Document::Index(_) => None,
    };
    let (ours, theirs) = (layers(source).unwrap_or_default(), layers(&there));
    if there.digest == source.digest {
        return Ok(true);
    }
    if theirs.is_some_and(|theirs| theirs.iter().all(|layer| ours.contains(layer))) {
        return Ok(false);
    }
    let why = format!("the destination has other signatures behind `{tag}`, which would be lost");
    Err(Fault::Protocol(why).during("copying signatures"))
}

impl Place {
    /// What refers to a manifest, in the list of either kind: Notation's program writes the tag in any case.
    async fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        match self {
            Self::Registry(client) => {
                let mut found = Vec::new();
                client.each_referrer_by_api(subject, &mut |one| found.push(one)).await?;
                let by_tag = client.referrers_by_tag(subject).await?;
                let listed: BTreeSet<Digest> = found.iter().map(|one| one.digest.clone()).collect();
                found.extend(by_tag.into_iter().filter(|one| !listed.contains(&one.digest)));
                Ok(found)
            }
            Self::Layout(layout) => layout.referrers(subject),
        }
    }

    async fn attach(&self, subject: &Digest, descriptor: Descriptor, fetched: &Fetched) -> Result<(), Error> {
        let client = match self {
            Self::Registry(client) => client,
            Self::Layout(layout) => return layout.put_manifest(fetched, &[], true).await,
        };
        let referrer = Referrer { descriptor, manifest: fetched.bytes.clone(), blobs: Vec::new() };
        client.attach(subject, &referrer).await.map(drop)
    }
}
