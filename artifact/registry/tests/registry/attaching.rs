//! Attaching: by the API, by the tag, and copied along.

use bytes::Bytes;
use oci_artifact::{
    archive::Control,
    manifest::{Descriptor, EMPTY, EMPTY_BYTES, Index, Manifest, OCI_INDEX, OCI_MANIFEST, to_bytes},
    name::{Digest, Tag},
};
use oci_registry::{Error, Listed, Place, Referrer, Wanted, carry, copy, layout::Layout};
use oci_testkit::{
    registry::{Act, Class, Fault, Match, Registry},
    sigstore::attach,
};

use crate::support::{NAME, reader, seed, tag, writer};

const NOTE: &str = "application/vnd.test.note";
const OTHER: &str = "application/vnd.test.other";

fn is_note(kind: &str) -> bool {
    kind == NOTE
}

/// `v1` and its digest.
fn seeded(registry: &Registry) -> Digest {
    seed(registry, "v1", b"content");
    registry.digest(NAME, "v1").unwrap()
}

fn note(subject: &Digest, kind: &str, text: &'static str) -> Referrer {
    let layer = Descriptor::new(kind, Digest::of(text.as_bytes()), text.len() as u64);
    let config = Descriptor::new(EMPTY, Digest::of(EMPTY_BYTES), EMPTY_BYTES.len() as u64);
    let mut manifest = Manifest::new(config.clone(), vec![layer.clone()], [].into());
    manifest.artifact_type = Some(kind.to_owned());
    manifest.subject = Some(Descriptor::new(OCI_MANIFEST, subject.clone(), 1));
    let bytes = to_bytes(&manifest);
    let descriptor = Descriptor {
        artifact_type: Some(kind.to_owned()),
        ..Descriptor::new(OCI_MANIFEST, Digest::of(&bytes), bytes.len() as u64)
    };
    let blobs = vec![(layer, Bytes::from_static(text.as_bytes())), (config, Bytes::from_static(EMPTY_BYTES))];
    Referrer { descriptor, manifest: bytes.into(), blobs }
}

fn list_tag(subject: &Digest) -> String {
    subject.to_string().replace(':', "-")
}

#[tokio::test]
async fn referrer_is_listed_by_a_registry_that_knows_referrers() {
    let registry = Registry::start();
    let subject = seeded(&registry);
    let one = note(&subject, NOTE, "one");
    assert_eq!(writer(&registry).attach(&subject, &one).await.unwrap(), Listed::Api);
    let found = reader(&registry).referrers(&subject).await.unwrap();
    assert_eq!(found[0].digest, one.descriptor.digest);
    assert!(registry.manifest(NAME, &list_tag(&subject)).is_none(), "no tag is needed");
}

#[tokio::test]
async fn referrers_are_added_to_the_list_behind_the_tag() {
    let registry = Registry::builder().referrers(false).start();
    let subject = seeded(&registry);
    let all = [note(&subject, NOTE, "one"), note(&subject, NOTE, "two"), note(&subject, NOTE, "one")];
    for one in &all {
        assert_eq!(writer(&registry).attach(&subject, one).await.unwrap(), Listed::Tag);
    }
    let found = reader(&registry).referrers(&subject).await.unwrap();
    let digests: Vec<_> = found.iter().map(|one| &one.digest).collect();
    assert_eq!(digests, [&all[0].descriptor.digest, &all[1].descriptor.digest], "each once, none lost");
    assert_eq!(found[0].artifact_type.as_deref(), Some(NOTE));
}

#[tokio::test]
async fn list_behind_the_tag_is_not_replaced_by_a_guess() {
    let registry = Registry::builder().referrers(false).start();
    let subject = seeded(&registry);
    let one = note(&subject, NOTE, "one");
    registry.put_tag(NAME, &list_tag(&subject), &subject);
    let error = writer(&registry).attach(&subject, &one).await.unwrap_err();
    assert!(error.to_string().contains("is no list of referrers"), "{error}");
    assert_eq!(registry.digest(NAME, &list_tag(&subject)), Some(subject.clone()));
    registry.fault(Fault::always(Match::class(Class::Manifest).method("GET"), Act::status(403)));
    writer(&registry).attach(&subject, &one).await.unwrap_err();
    assert_eq!(registry.digest(NAME, &list_tag(&subject)), Some(subject));
}

#[tokio::test]
async fn carried_referrers_are_listed_where_they_come() {
    let from = Registry::start();
    let subject = seeded(&from);
    for one in [note(&subject, NOTE, "one"), note(&subject, OTHER, "other"), note(&subject, NOTE, "two")] {
        writer(&from).attach(&subject, &one).await.unwrap();
    }
    let beside = Tag::parse("beside").unwrap();
    seed(&from, "beside", b"beside");
    let folder = tempfile::tempdir().unwrap();
    let layout = Place::Layout(Layout::new(folder.path().join("layout")));
    let old = Registry::builder().referrers(false).start();
    let wanted = Wanted { kind: is_note, tag: Some(&beside) };
    let places = [Place::Registry(writer(&from)), layout, Place::Registry(writer(&old))];
    let control = Control::new();
    for pair in places.windows(2) {
        copy(&pair[0], &tag("v1"), &pair[1], &[Tag::parse("v1").unwrap()], 4, &control).await.unwrap();
        let carried = carry(&pair[0], &subject, &pair[1], wanted, 4, &control).await.unwrap();
        assert_eq!(carried.referrers, 3, "two notes and what is behind the tag");
    }
    let mut found = reader(&old).referrers(&subject).await.unwrap();
    found.sort_by_key(|one| one.digest.to_string());
    let kinds: Vec<_> = found.iter().map(|one| one.artifact_type.as_deref()).collect();
    assert_eq!(kinds, [Some(NOTE), Some(NOTE)]);
    assert_eq!(old.manifest(NAME, "beside"), from.manifest(NAME, "beside"));
}

#[tokio::test]
async fn carrying_replaces_nothing_that_it_does_not_have() {
    let (from, to) = (Registry::start(), Registry::start());
    let subject = seeded(&from);
    seed(&to, "v1", b"content");
    seed(&from, "beside", b"ours");
    seed(&to, "beside", b"theirs");
    let beside = Tag::parse("beside").unwrap();
    let wanted = Wanted { kind: is_note, tag: Some(&beside) };
    let (from, there) = (Place::Registry(writer(&from)), Place::Registry(writer(&to)));
    let before = to.manifest(NAME, "beside");
    let error = carry(&from, &subject, &there, wanted, 4, &Control::new()).await.unwrap_err();
    assert!(error.to_string().contains("would be lost"), "{error}");
    assert_eq!(to.manifest(NAME, "beside"), before);
}

#[tokio::test]
async fn list_that_others_overwrite_is_no_success() {
    let registry = Registry::builder().referrers(false).start();
    let subject = seeded(&registry);
    // What was written is gone whenever it is read again.
    let list = Match::class(Class::Manifest).method("GET").contains(&list_tag(&subject));
    registry.fault(Fault::always(list, Act::status(404)));
    let error = writer(&registry).attach(&subject, &note(&subject, NOTE, "one")).await.unwrap_err();
    assert!(error.to_string().contains("others write the list of referrers at the same time"), "{error}");
}

#[tokio::test]
async fn blobs_of_a_referrer_are_sent_once() {
    let registry = Registry::start();
    let subject = seeded(&registry);
    let one = note(&subject, NOTE, "one");
    writer(&registry).attach(&subject, &one).await.unwrap();
    registry.reset();
    writer(&registry).attach(&subject, &one).await.unwrap();
    assert_eq!(registry.count(|request| request.method == "POST"), 0);
}

#[tokio::test]
async fn tag_of_referrers_is_cut_to_what_a_tag_may_have() {
    let registry = Registry::builder().referrers(false).start();
    let subject = Digest::parse(&format!("sha512:{}", "0123456789abcdef".repeat(8))).unwrap();
    writer(&registry).attach(&subject, &note(&subject, NOTE, "one")).await.unwrap();
    let tag = format!("sha512-{}", "0123456789abcdef".repeat(4));
    assert!(registry.manifest(NAME, &tag).is_some());
    assert_eq!(reader(&registry).referrers(&subject).await.unwrap().len(), 1);
}

#[tokio::test]
async fn manifest_in_place_of_a_list_is_refused() {
    let registry = Registry::start();
    let subject = seeded(&registry);
    let manifest = registry.manifest(NAME, "v1").unwrap();
    registry.fault(Fault::always(Match::class(Class::Referrers), Act::Body(manifest.into())));
    let error = reader(&registry).referrers(&subject).await.unwrap_err();
    assert!(error.to_string().contains("no index"), "{error}");
}

/// Carries notes, and what is behind `beside`, to where `v1` is.
async fn carried(from: &Registry, subject: &Digest, to: &Registry) -> Result<usize, Error> {
    let beside = Tag::parse("beside").unwrap();
    let wanted = Wanted { kind: is_note, tag: Some(&beside) };
    let (from, to) = (Place::Registry(writer(from)), Place::Registry(writer(to)));
    carry(&from, subject, &to, wanted, 4, &Control::new()).await.map(|carried| carried.referrers)
}

#[tokio::test]
async fn carrying_takes_what_is_wanted_and_names_the_subject() {
    for api in [false, true] {
        let (from, to) = (Registry::builder().referrers(api).start(), Registry::start());
        let (subject, elsewhere) = (seeded(&from), Digest::of(b"elsewhere"));
        seed(&to, "v1", b"content");
        let all =
            [note(&subject, NOTE, "ours"), note(&subject, OTHER, "other"), note(&elsewhere, NOTE, "foreign")];
        for (subject, one) in [&subject, &subject, &elsewhere].into_iter().zip(&all) {
            writer(&from).attach(subject, one).await.unwrap();
        }
        // A list that says nothing of their kinds.
        let digests = all.each_ref().map(|one| one.descriptor.digest.clone());
        attach::list(&from, NAME, &subject, &digests);
        from.reset();
        assert_eq!(carried(&from, &subject, &to).await.unwrap(), 1, "{api}");
        let other = from.count(|request| request.path.ends_with(&digests[1].to_string()));
        assert_eq!(other == 0, api, "what the API tells is not asked for");
    }
}

#[tokio::test]
async fn carrying_takes_no_more_than_a_thousand() {
    let (from, to) = (Registry::builder().referrers(false).start(), Registry::start());
    let subject = seeded(&from);
    let entry = |number: usize| {
        let digest = Digest::of(number.to_string().as_bytes());
        Descriptor::new(OCI_MANIFEST, digest, 2)
    };
    let index = to_bytes(&Index::new((0..=1_000).map(entry).collect()));
    from.put_manifest(NAME, &list_tag(&subject), OCI_INDEX, &index);
    let error = carried(&from, &subject, &to).await.unwrap_err();
    assert!(error.to_string().contains("more than 1000 signatures"), "{error}");
}

/// Puts a manifest with such layers behind `beside`.
fn beside(registry: &Registry, layers: &[&str]) {
    let layer =
        |text: &&str| Descriptor::new(NOTE, registry.put_blob(NAME, text.as_bytes()), text.len() as u64);
    let config = Descriptor::new(EMPTY, registry.put_blob(NAME, EMPTY_BYTES), EMPTY_BYTES.len() as u64);
    let manifest = Manifest::new(config, layers.iter().map(layer).collect(), [].into());
    registry.put_manifest(NAME, "beside", OCI_MANIFEST, &to_bytes(&manifest));
}

#[tokio::test]
async fn carrying_adds_to_what_the_destination_has_behind_the_tag() {
    let (from, to) = (Registry::start(), Registry::start());
    let subject = seeded(&from);
    seed(&to, "v1", b"content");
    beside(&from, &["one", "two"]);
    beside(&to, &["one"]);
    // Not where it is not known what is there.
    let before = to.manifest(NAME, "beside");
    to.fault(Fault::always(Match::class(Class::Manifest).method("GET"), Act::status(403)));
    carried(&from, &subject, &to).await.unwrap_err();
    assert_eq!(to.manifest(NAME, "beside"), before);
    to.clear_faults();
    assert_eq!(carried(&from, &subject, &to).await.unwrap(), 1);
    assert_eq!(to.manifest(NAME, "beside"), from.manifest(NAME, "beside"));
    assert_eq!(carried(&from, &subject, &to).await.unwrap(), 0, "it is there");
}

#[tokio::test]
async fn layout_with_one_artifact_and_its_signatures_has_one_artifact() {
    let from = Registry::start();
    let subject = seeded(&from);
    writer(&from).attach(&subject, &note(&subject, NOTE, "one")).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path().join("layout"));
    let (source, place) = (Place::Registry(writer(&from)), Place::Layout(layout.clone()));
    copy(&source, &tag("v1"), &place, &[], 4, &Control::new()).await.unwrap();
    let wanted = Wanted { kind: is_note, tag: None };
    carry(&source, &subject, &place, wanted, 4, &Control::new()).await.unwrap();
    assert_eq!(layout.only(), Some(subject));
    let index = std::fs::read_to_string(folder.path().join("layout/index.json")).unwrap();
    assert!(index.contains(OCI_INDEX) && index.contains(NOTE), "{index}");
}
