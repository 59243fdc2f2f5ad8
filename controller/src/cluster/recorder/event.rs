//! An Event of core/v1: unlike events.k8s.io/v1, its message may be longer than 1 KiB.

use k8s_openapi::{
    api::core::v1::{Event, EventSource},
    apimachinery::pkg::apis::meta::v1::Time,
};
use kube::api::ObjectMeta;
use oci_decide::Kind;

use super::{Happened, RecorderOptions, cut};

/// Longest message.
const MESSAGE: usize = 10 * 1024;
/// Longest name of an object.
const NAME: usize = 253;

/// The Event of what happened. `random` makes its name unlike all others.
pub(super) fn event(happened: &Happened, options: &RecorderOptions, random: u64) -> Event {
    let (about, notice) = (&happened.about, &happened.notice);
    let suffix = format!(".{random:016x}");
    let object = about.name.as_deref().unwrap_or_default();
    let object = object.get(..NAME - suffix.len()).unwrap_or(object).trim_end_matches(['.', '-']);
    let annotations = (!notice.metadata.is_empty()).then(|| notice.metadata.clone());
    let kind = match notice.kind {
        Kind::Normal => "Normal",
        Kind::Warning => "Warning",
    };
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{object}{suffix}")),
            namespace: about.namespace.clone(),
            annotations,
            ..ObjectMeta::default()
        },
        involved_object: about.clone(),
        type_: Some(kind.to_owned()),
        reason: Some(notice.reason.to_string()),
        message: Some(cut(&notice.message, MESSAGE)),
        source: Some(EventSource { component: Some(options.controller.to_owned()), host: None }),
        reporting_component: Some(options.controller.to_owned()),
        reporting_instance: Some(options.instance.clone()),
        first_timestamp: Some(Time(happened.at)),
        last_timestamp: Some(Time(happened.at)),
        count: Some(1),
        ..Event::default()
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ObjectReference;
    use oci_crds::conditions::Reason;
    use oci_decide::Notice;

    use super::*;

    fn named(name: &str, message: &str) -> Event {
        let about = ObjectReference { name: Some(name.to_owned()), ..ObjectReference::default() };
        let (reason, action, message) = (Reason::PullFailed, "Reconcile", message.to_owned());
        let notice = Notice { kind: Kind::Warning, reason, action, message, metadata: [].into() };
        let at = jiff::Timestamp::UNIX_EPOCH;
        let options = RecorderOptions {
            controller: "source-controller",
            instance: "pod".to_owned(),
            notify: None,
            now: || jiff::Timestamp::UNIX_EPOCH,
        };
        event(&Happened { about, notice, at }, &options, 0xab)
    }

    #[test]
    fn event_names_fit_the_longest_object() {
        let name = |object: &str| named(object, "").metadata.name.unwrap();
        assert_eq!(name("app"), "app.00000000000000ab");
        let long = format!("{}.-{}", "a".repeat(234), "b".repeat(17));
        assert_eq!(name(&long), format!("{}.00000000000000ab", "a".repeat(234)));
        assert_eq!(name(&"a".repeat(253)).len(), 253);
    }

    #[test]
    fn event_messages_are_cut_at_a_character() {
        let message = named("app", &"ü".repeat(MESSAGE)).message.unwrap();
        assert!(message.len() <= MESSAGE && message.len() > MESSAGE - 4 && message.ends_with("ü…"));
        assert_eq!(named("app", &"a".repeat(MESSAGE)).message.unwrap().len(), MESSAGE);
    }
}
