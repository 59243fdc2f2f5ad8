//! Inputs that nobody well-meaning sends: an answer or an error for each, never a panic. Random ones are in `tests/fuzz`.

use oci_webhook::admit::{Rules, admit};
use serde_json::{Value, json};

use crate::reviews::{V1, V1BETA2, bytes, conversion, convert, create, object, stored, wrong};

/// Whatever comes in, what comes out is a review with the UID of the request, or an error of one line.
fn survives(body: &[u8]) {
    match admit(body, &Rules::default()) {
        Ok(reply) => is_reply(&reply.body, body),
        Err(error) => is_line(&error.to_string()),
    }
    match convert(body) {
        Ok(reply) => is_reply(&reply.body.to_vec(), body),
        Err(error) => is_line(&error.to_string()),
    }
}

fn is_reply(reply: &[u8], body: &[u8]) {
    let reply: Value = serde_json::from_slice(reply).unwrap();
    let uid = reply["response"]["uid"].as_str().unwrap();
    assert_ne!(uid, "");
    // A reader of its own; it cannot read numbers and depths that a review may have.
    if let Ok(review) = serde_json::from_slice::<Value>(body) {
        assert_eq!(uid, review["request"]["uid"]);
    }
}

fn is_line(text: &str) {
    assert!(
        !text.is_empty() && text.chars().count() < 1_024 && !text.contains(['\n', '\0', '\x1b']),
        "{text:?}"
    );
}

#[test]
fn reviews_cut_off_anywhere_are_errors() {
    let review = bytes(&create(&wrong()));
    for end in 0..review.len() {
        let error = admit(&review[..end], &Rules::default()).unwrap_err();
        is_line(&error.to_string());
    }
    let review = conversion(V1, &[stored(V1, 0, 5), stored(V1BETA2, 1, 5)]);
    for end in 0..review.len() {
        is_line(&convert(&review[..end]).unwrap_err().to_string());
    }
}

#[test]
fn keys_twice_are_refused() {
    let text = String::from_utf8(bytes(&create(&object()))).unwrap();
    for (once, twice) in [
        (r#""uid":"705"#, r#""uid":"x","uid":"705"#),
        (r#""operation":"#, r#""operation":"DELETE","operation":"#),
        (r#""request":"#, r#""request":null,"request":"#),
    ] {
        let body = text.replacen(once, twice, 1);
        assert_ne!(body, text);
        let reply = admit(body.as_bytes(), &Rules::default());
        assert!(
            reply.is_err() || String::from_utf8_lossy(&reply.unwrap().body).contains("\"allowed\":false")
        );
    }
    let twice = text.replacen(r#""interval":"#, r#""interval":"1s","interval":"#, 1);
    let reply = admit(twice.as_bytes(), &Rules::default()).unwrap();
    let reply: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(reply["response"]["allowed"], false, "{reply}");
    let object = r#"{"apiVersion":"a","apiVersion":"source.toolkit.fluxcd.io/v1","kind":"OCIRepository"}"#;
    let reply = convert(&conversion(V1, &[object.to_owned()])).unwrap();
    assert!(String::from_utf8_lossy(&reply.body.to_vec()).contains("duplicate field"));
}

fn deep(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

#[test]
fn deep_values_are_answered() {
    for levels in [100, 200, 100_000] {
        let deep = deep(levels);
        survives(deep.as_bytes());
        // Where nothing looks inside, depth does not matter; where something does, it is a fault like others.
        let object = format!(r#"{{"apiVersion":"{V1}","kind":"OCIRepository","x":{deep}}}"#);
        let reply = convert(&conversion(V1BETA2, std::slice::from_ref(&object))).unwrap();
        assert!(String::from_utf8(reply.body.to_vec()).unwrap().contains(&object.replace(V1, V1BETA2)));
        let text = String::from_utf8(bytes(&create(&wrong()))).unwrap();
        for place in [r#""interval":"0s""#, r#""metadata":{"name":"app","namespace":"default","uid":"o-1"}"#]
        {
            let key = place.split_once(':').unwrap().0;
            let body = text.replace(place, &format!("{key}:{deep}"));
            assert_ne!(body, text);
            let reply = admit(body.as_bytes(), &Rules::default()).unwrap();
            assert!(String::from_utf8(reply.body).unwrap().contains("\"allowed\":false"));
        }
    }
}

#[test]
fn numbers_that_fit_no_type_are_answered() {
    let text = String::from_utf8(bytes(&create(&wrong()))).unwrap();
    for number in ["1e400", "-0", "9007199254740993", &"9".repeat(400), "1e-400", "NaN"] {
        survives(text.replace(r#""0s""#, number).as_bytes());
    }
}

#[test]
fn many_labels_are_answered() {
    let mut labelled = object();
    let labels: serde_json::Map<_, _> = (0..100_000).map(|n| (format!("l{n}"), json!("v"))).collect();
    labelled["metadata"]["labels"] = Value::Object(labels);
    let reply = admit(&bytes(&create(&labelled)), &Rules::default()).unwrap();
    assert!(String::from_utf8(reply.body).unwrap().contains("\"allowed\":true"));
}

#[test]
fn many_objects_are_converted() {
    let objects: Vec<String> = (0..100_000).map(|number| stored(V1BETA2, number, 0)).collect();
    let reply = convert(&conversion(V1, &objects)).unwrap();
    let reply: Value = serde_json::from_slice(&reply.body.to_vec()).unwrap();
    let list = reply["response"]["convertedObjects"].as_array().unwrap();
    assert_eq!(list.len(), 100_000);
    assert_eq!(list[99_999]["metadata"]["name"], "app-99999");
}

#[test]
fn other_encodings_are_errors() {
    let text = String::from_utf8(bytes(&create(&object()))).unwrap();
    survives(format!("\u{feff}{text}").as_bytes());
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    survives(&wide);
    survives(text.replace("jane", "\\ud800").as_bytes());
    survives(&text.replace("jane", "\u{1}").into_bytes());
}

#[test]
fn hostile_names_are_cut_in_messages() {
    let mut review = create(&wrong());
    review["request"]["name"] = json!("x\n\u{1b}[31m".repeat(100_000));
    let reply = admit(&bytes(&review), &Rules::default()).unwrap();
    let reply: Value = serde_json::from_slice(&reply.body).unwrap();
    let message = reply["response"]["status"]["message"].as_str().unwrap();
    assert!(message.len() < 4_096 && !message.contains(['\n', '\u{1b}']));
}
