//! The tag that a range of versions means, and why it is that one.

use oci_artifact::{
    Class,
    manifest::LayerSelector,
    name::{Pattern, Range, Tag, Version},
};
use oci_crds::validate::Layer;
use oci_decide::{Choice, Failure, Step};

/// The layer of Helm charts, whose tools write `_` for the `+` that no tag can have.
const HELM_CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
/// Tags that are named beside the chosen one, or in its place.
const NAMED: usize = 3;

/// What is looked for.
pub(crate) struct Wanted<'a> {
    pub(crate) range: &'a Range,
    pub(crate) filter: Option<&'a Pattern>,
    /// Whether `_` in tags means `+`.
    pub(crate) helm: bool,
}

impl<'a> Wanted<'a> {
    pub(crate) fn new(range: &'a Range, filter: Option<&'a Pattern>, layer: &Layer) -> Self {
        let helm = matches!(&layer.selector, LayerSelector::MediaType(wanted) if wanted == HELM_CHART);
        Self { range, filter, helm }
    }

    /// The tag with the highest version; of equal versions, the one that is greater in byte order. As
    /// [`newest`](oci_artifact::name::select::newest), but with reasons.
    pub(crate) fn choose(&self, repository: &str, tags: &[Tag]) -> Result<(Tag, Choice), Failure> {
        let mut inside = Best::default();
        let mut outside = Best::default();
        let mut passed = 0_usize;
        for tag in tags {
            if !self.filter.is_none_or(|filter| filter.is_match(tag.as_str())) {
                continue;
            }
            passed += 1;
            let Some(version) = self.version(tag) else { continue };
            let side = if self.range.matches(&version) { &mut inside } else { &mut outside };
            side.add(version, tag);
        }
        let Best { count, highest } = inside;
        let mut chosen = highest.into_iter().map(|(_, tag)| tag.clone());
        let Some(tag) = chosen.next() else {
            return Err(self.nothing(repository, tags, passed, &outside));
        };
        let runners_up = chosen.take(NAMED).collect();
        Ok((tag, Choice::Range { tags: tags.len(), matching: count, runners_up }))
    }

    fn version(&self, tag: &Tag) -> Option<Version> {
        if self.helm && tag.as_str().contains('_') {
            Version::parse_tag_strict(&tag.as_str().replace('_', "+")).ok()
        } else {
            Version::parse_tag_strict(tag.as_str()).ok()
        }
    }

    fn nothing(&self, repository: &str, tags: &[Tag], passed: usize, outside: &Best<'_>) -> Failure {
        let filter = self.filter.map(|filter| format!(" and the filter '{filter}'")).unwrap_or_default();
        let message = format!(
            "no tag of {repository} is in the range '{}'{filter}: of {} tags, {}{} are versions",
            self.range,
            tags.len(),
            self.filter.map(|_| format!("{passed} pass the filter and ")).unwrap_or_default(),
            outside.count,
        );
        Failure {
            step: Step::Tag,
            // Somebody may push one.
            class: Class::Retry { after: None },
            message,
            hint: nearest(tags, passed, outside),
        }
    }
}

/// What there is instead.
fn nearest(tags: &[Tag], passed: usize, outside: &Best<'_>) -> Option<String> {
    let named: Vec<&str> = outside.highest.iter().take(NAMED).map(|(_, tag)| tag.as_str()).collect();
    if !named.is_empty() {
        let more = if outside.highest.iter().any(|(version, _)| !version.prerelease().is_empty()) {
            "; pre-releases are in a range only if it names one, as `>=1.0.0-0`"
        } else {
            ""
        };
        return Some(format!("the highest versions are {}{more}", named.join(", ")));
    }
    let some: Vec<&str> = tags.iter().take(NAMED).map(Tag::as_str).collect();
    if some.is_empty() {
        return None;
    }
    let why = if passed == 0 { "the filter matches none of them" } else { "a version has three numbers" };
    Some(format!("{why}; there are tags such as {}", some.join(", ")))
}

/// The highest of many versions, and how many there were.
#[derive(Default)]
struct Best<'a> {
    count: usize,
    /// Highest first; one more than are named.
    highest: Vec<(Version, &'a Tag)>,
}

impl<'a> Best<'a> {
    fn add(&mut self, version: Version, tag: &'a Tag) {
        self.count += 1;
        let place = self.highest.partition_point(|known| *known > (version.clone(), tag));
        if place <= NAMED {
            self.highest.insert(place, (version, tag));
            self.highest.truncate(NAMED + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use oci_artifact::name::select::newest;

    use super::*;

    fn tags(text: &str) -> Vec<Tag> {
        text.split_whitespace().map(|tag| Tag::parse(tag).unwrap()).collect()
    }

    fn choose(range: &str, filter: Option<&str>, helm: bool, all: &str) -> Result<(Tag, Choice), Failure> {
        let range = Range::parse(range).unwrap();
        let filter = filter.map(|filter| Pattern::parse(filter).unwrap());
        Wanted { range: &range, filter: filter.as_ref(), helm }.choose("r.example/app", &tags(all))
    }

    #[test]
    fn choose_takes_the_highest_and_names_the_next() {
        let (tag, choice) =
            choose("1.x", None, false, "1.2.0 latest 1.10.0 2.0.0 1.9.0 1.0.0 1.1.0 v1").unwrap();
        assert_eq!(tag.as_str(), "1.10.0");
        assert_eq!(choice, Choice::Range { tags: 8, matching: 5, runners_up: tags("1.9.0 1.2.0 1.1.0") });
    }

    #[test]
    fn choose_agrees_with_newest() {
        let all = "1.0.0 v1.0.0 01.0.0 1.0.0-rc.1 0.9.0 2.0.0-rc.1 latest 3 v0.1.0";
        for range in ["*", "1.x", ">=2.0.0-0", "<1", "0.1.x"] {
            let expected = newest(&tags(all), &Range::parse(range).unwrap(), None);
            assert_eq!(choose(range, None, false, all).ok().map(|(tag, _)| tag), expected, "{range}");
        }
    }

    #[test]
    fn choose_reads_an_underscore_as_plus_for_helm_charts_only() {
        let all = "1.0.0_build.2 0.9.0";
        assert_eq!(choose("*", None, true, all).unwrap().0.as_str(), "1.0.0_build.2");
        assert_eq!(choose("*", None, false, all).unwrap().0.as_str(), "0.9.0");
    }

    #[test]
    fn choose_looks_at_tags_that_the_filter_matches() {
        let all = "1.0.0-rc.1 1.1.0-rc.2 1.2.0-beta.1";
        let (tag, choice) = choose(">=0.0.0-0", Some("rc"), false, all).unwrap();
        assert_eq!(tag.as_str(), "1.1.0-rc.2");
        assert_eq!(choice, Choice::Range { tags: 3, matching: 2, runners_up: tags("1.0.0-rc.1") });
    }

    #[test]
    fn choose_says_why_there_is_nothing() {
        for (range, filter, all, message, hint) in [
            (
                ">=3",
                None,
                "1.0.0 2.0.0 latest",
                "no tag of r.example/app is in the range '>=3': of 3 tags, 2 are versions",
                Some("the highest versions are 2.0.0, 1.0.0"),
            ),
            (
                ">=3",
                None,
                "3.0.0-rc.1",
                "no tag of r.example/app is in the range '>=3': of 1 tags, 1 are versions",
                Some(
                    "the highest versions are 3.0.0-rc.1; pre-releases are in a range only if it names one, as `>=1.0.0-0`",
                ),
            ),
            (
                "*",
                Some("^v"),
                "1.0.0",
                "no tag of r.example/app is in the range '*' and the filter '^v': of 1 tags, 0 pass the filter and 0 are versions",
                Some("the filter matches none of them; there are tags such as 1.0.0"),
            ),
            (
                "*",
                None,
                "latest v1",
                "no tag of r.example/app is in the range '*': of 2 tags, 0 are versions",
                Some("a version has three numbers; there are tags such as latest, v1"),
            ),
            ("*", None, "", "no tag of r.example/app is in the range '*': of 0 tags, 0 are versions", None),
        ] {
            let failure = choose(range, filter, false, all).unwrap_err();
            assert_eq!(failure.message, message);
            assert_eq!(failure.hint.as_deref(), hint);
            assert_eq!((failure.step, failure.class), (Step::Tag, Class::Retry { after: None }));
        }
    }
}
