//! What the API server asks, and specs.

use bytes::Bytes;
use oci_crds::{lint, v1::Spec, validate};
use oci_webhook::{
    admit::{Rules, admit},
    convert::{self, convert},
};
use serde::Deserialize as _;
use serde_json::Value;

use crate::is_line;

/// A review of either kind, sent to both. Who is answered finds the UID of the question.
pub(crate) fn reviews(bytes: &[u8]) {
    match admit(bytes, &Rules::default()) {
        Ok(reply) => drop(answer(&reply.body, bytes)),
        Err(error) => is_line(&error.to_string()),
    }
    match convert(Bytes::copy_from_slice(bytes)) {
        Ok(reply) => {
            let answer = answer(&reply.body.to_vec(), bytes);
            if let convert::Verdict::Converted(count) = reply.verdict {
                let objects = answer["response"]["convertedObjects"].as_array().map(Vec::len);
                assert_eq!(objects, Some(count));
            }
        }
        Err(error) => is_line(&error.to_string()),
    }
}

fn answer(reply: &[u8], question: &[u8]) -> Value {
    let reply: Value = serde_json::from_slice(reply).unwrap();
    let uid = &reply["response"]["uid"];
    assert!(uid.as_str().is_some_and(|uid| !uid.is_empty()), "{reply}");
    // A reader of its own; it cannot read numbers and depths that a review may have. A list is no request, but serde takes
    // one for a structure; no API server sends one.
    let review = serde_json::from_slice::<Value>(question).unwrap_or_default();
    if review.is_object() && review["request"].is_object() {
        assert_eq!(*uid, review["request"]["uid"]);
    }
    reply
}

/// An object.
pub(crate) fn specs(bytes: &[u8]) {
    let Ok(object) = serde_json::from_slice::<Value>(bytes) else { return };
    let judgement = lint::object(&object, &[]);
    judgement.refused.iter().for_each(|fault| is_line(&fault.to_string()));
    let Ok(spec) = Spec::deserialize(&object["spec"]) else { return };
    let report = validate::check(&spec);
    assert!(report.checked.is_some() || !report.faults.is_empty(), "nothing is wrong, nothing is usable");
    let written: Spec = serde_json::from_value(serde_json::to_value(&spec).unwrap()).unwrap();
    assert_eq!(written, spec);
}
