//! Conversion as a table: reviews in, replies out, byte for byte.

use oci_webhook::{
    convert::{Error, Verdict},
    limits::REPLY_CHUNK_BYTES,
};
use serde_json::Value;

use crate::reviews::{V1, V1BETA2, around_chunks, conversion, convert, padded, stored};

/// The reply's bytes between the list's brackets.
fn converted(desired: &str, objects: &[String]) -> String {
    let reply = convert(&conversion(desired, objects)).unwrap();
    assert_eq!(reply.verdict, Verdict::Converted(objects.len()));
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    let start = r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview","response":{"uid":"c-1","convertedObjects":["#;
    let end = r#"],"result":{"status":"Success"}}}"#;
    text.strip_prefix(start).unwrap().strip_suffix(end).unwrap().to_owned()
}

fn failure(review: &[u8]) -> String {
    let reply = convert(review).unwrap();
    let Verdict::Failed { message, .. } = reply.verdict else { panic!("{:?}", reply.verdict) };
    let reply: Value = serde_json::from_slice(&reply.body.to_vec()).unwrap();
    let response = &reply["response"];
    assert_eq!(response["uid"], "c-1");
    assert_eq!(response["result"]["status"], "Failure");
    assert_eq!(response["result"]["message"], message);
    assert_eq!(response["convertedObjects"], Value::Array(Vec::new()));
    message
}

#[test]
fn convert_changes_the_version_and_nothing_else() {
    let odd = r#"{ "kind":"OCIRepository", "n":[9007199254740993,-0,1e400,1.10,0.1e-7],"apiVersion" : "V","spec":null,"status":{"x":"\u00e9\ud83d\ude00","a":{"a":{}}},"metadata":{"labels":{"b":"1","a":"2"}} }"#;
    for (from, to) in [(V1BETA2, V1), (V1, V1BETA2), (V1, V1), (V1BETA2, V1BETA2)] {
        let object = odd.replace("\"V\"", &format!("\"{from}\""));
        assert_eq!(converted(to, &[object]), odd.replace("\"V\"", &format!("\"{to}\"")));
    }
}

#[test]
fn convert_keeps_the_order_of_mixed_versions() {
    let versions = [V1, V1BETA2, V1BETA2, V1];
    let objects: Vec<String> = versions.iter().enumerate().map(|(n, v)| stored(v, n, 10)).collect();
    let wanted: Vec<String> = (0..4).map(|number| stored(V1, number, 10)).collect();
    assert_eq!(converted(V1, &objects), wanted.join(","));
}

#[test]
fn convert_answers_an_empty_list() {
    assert_eq!(converted(V1, &[]), "");
    let null = String::from_utf8(conversion(V1, &[])).unwrap().replace("[]", "null");
    assert_eq!(convert(null.as_bytes()).unwrap().verdict, Verdict::Converted(0));
}

#[test]
fn convert_there_and_back_gives_the_same_bytes() {
    let objects: Vec<String> = (0..100).map(|number| stored(V1BETA2, number, number)).collect();
    let there: Vec<String> =
        objects.iter().map(|object| converted(V1, std::slice::from_ref(object))).collect();
    assert_eq!(converted(V1, &objects), there.join(","));
    assert_eq!(converted(V1BETA2, &there), objects.join(","));
}

#[test]
fn convert_replies_in_chunks_of_one_size() {
    for (objects, length) in
        [1, 3].into_iter().flat_map(|objects| around_chunks().map(move |length| (objects, length)))
    {
        let reply = convert(&padded(objects, length)).unwrap();
        assert_eq!(reply.body.len(), length);
        let whole = reply.body.to_vec();
        assert_eq!(whole.len(), length);
        let mut chunks = reply.body.chunks();
        let mut joined = Vec::new();
        while let Some(chunk) = chunks.next() {
            joined.extend_from_slice(&chunk);
            assert!(
                chunk.len() == REPLY_CHUNK_BYTES || joined.len() == length,
                "{} of {length}",
                chunk.len()
            );
            assert_eq!(chunks.left(), length - joined.len());
        }
        assert!(joined == whole, "{objects} objects, {length} bytes");
    }
}

#[test]
fn convert_names_the_object_that_fails() {
    let good = stored(V1BETA2, 0, 0);
    let objects = [good.clone(), stored("source.toolkit.fluxcd.io/v1beta1", 1, 0), good.clone()];
    assert_eq!(
        failure(&conversion(V1, &objects)),
        "cannot convert OCIRepository default/app-1 (object 2 of 3) to source.toolkit.fluxcd.io/v1: there is no \
         version `source.toolkit.fluxcd.io/v1beta1` of OCIRepository: there are v1 and v1beta2"
    );
    let nameless = r#"{"apiVersion":"v1","kind":"Pod"}"#.to_owned();
    let message = failure(&conversion(V1, &[nameless]));
    assert!(message.contains("OCIRepository without a name (object 1 of 1)"), "{message}");
    assert!(message.contains("it is a Pod of v1"), "{message}");
    let scoped = r#"{"apiVersion":5,"kind":"OCIRepository","metadata":{"name":"x"}}"#.to_owned();
    assert!(failure(&conversion(V1, &[scoped])).contains("OCIRepository x (object 1 of 1)"));
}

#[test]
fn convert_fails_on_what_is_no_object() {
    let list = format!(r#"["{V1}","OCIRepository"]"#);
    for object in ["null", "5", "[]", "\"x\"", "{}", r#"{"kind":"OCIRepository"}"#, &list] {
        failure(&conversion(V1, &[object.to_owned()]));
    }
}

#[test]
fn convert_tells_the_first_object_that_fails_and_counts_all() {
    let objects = ["0", "1", &stored(V1, 2, 0), "3"].map(str::to_owned);
    let message = failure(&conversion(V1BETA2, &objects));
    assert!(message.contains("(object 1 of 4)"), "{message}");
    // Another version is wanted than exists: the objects do not matter.
    assert!(failure(&conversion("v3", &objects)).contains("no version `v3`"));
    // What follows is read all the same.
    let broken = String::from_utf8(conversion(V1, &objects)).unwrap().replace(",3]", ",\"\\x\"]");
    assert!(convert(broken.as_bytes()).is_err());
}

#[test]
fn convert_fails_on_an_unknown_version() {
    for desired in ["source.toolkit.fluxcd.io/v2", "v1", "", "apps/v1"] {
        let message = failure(&conversion(desired, &[stored(V1, 0, 0)]));
        assert!(message.starts_with("cannot convert OCIRepository: there is no version"), "{message}");
    }
}

#[test]
fn convert_fails_on_a_request_that_cannot_be_read() {
    let text = String::from_utf8(conversion(V1, &[])).unwrap();
    assert!(failure(text.replace("[]", "{}").as_bytes()).starts_with("the request cannot be read: "));
}

#[test]
fn convert_answers_no_other_reviews() {
    let text = String::from_utf8(conversion(V1, &[])).unwrap();
    let error = |text: String| convert(text.as_bytes()).unwrap_err();
    assert!(matches!(
        error(text.replace("extensions.k8s.io/v1", "extensions.k8s.io/v1beta1")),
        Error::Other { .. }
    ));
    assert!(matches!(error(text.replace("ConversionReview", "Conversion")), Error::Other { .. }));
    assert!(matches!(error(text.replace("\"c-1\"", "\"\"")), Error::NoUid(_)));
    assert!(matches!(error(text.replace("\"c-1\"", "{}")), Error::Malformed { .. }));
    assert!(matches!(error(text.replace("request", "requests")), Error::NoRequest(_)));
    assert!(matches!(error(String::new()), Error::Malformed { .. }));
}
