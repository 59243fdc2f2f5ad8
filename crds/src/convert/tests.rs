use super::*;

fn to(version: &str) -> Desired {
    Desired::parse(&format!("{GROUP}/{version}")).unwrap()
}

/// The object in the desired version, as whoever cuts a list puts it together.
fn convert(object: &str, desired: &Desired) -> Result<String, Error> {
    let (before, after) = around(object)?;
    Ok([before, desired.quoted(), after].concat())
}

fn object(version: &str, rest: &str) -> String {
    format!(r#"{{"kind":"OCIRepository","apiVersion":"{GROUP}/{version}"{rest}}}"#)
}

#[test]
fn convert_changes_the_version_and_nothing_else() {
    let rest = r#" , "metadata":{"name":"a"},"spec":{"interval":5,"x":[1e400,-0,9007199254740993,"\u00e4"]},"y" :null"#;
    let (old, new) = (object("v1beta2", rest), object("v1", rest));
    assert_eq!(convert(&old, &to("v1")).unwrap(), new);
    assert_eq!(convert(&new, &to("v1beta2")).unwrap(), old);
    assert_eq!(convert(&new, &to("v1")).unwrap(), new);
}

#[test]
fn convert_finds_the_version_among_look_alikes() {
    let text = r#"{"metadata":{"apiVersion":"source.toolkit.fluxcd.io/v1beta2"},"kind":"OCIRepository",
        "spec":{"apiVersion":"x"},"apiVersion" : "source.toolkit.fluxcd.io\/v1beta2" }"#;
    let converted = convert(text, &to("v1")).unwrap();
    assert_eq!(
        converted,
        text.replace(r#""source.toolkit.fluxcd.io\/v1beta2""#, r#""source.toolkit.fluxcd.io/v1""#)
    );
}

#[test]
fn convert_refuses_what_is_no_such_object() {
    let refused = |text: &str| convert(text, &to("v1")).unwrap_err();
    assert!(matches!(refused("[]"), Error::Malformed(_)));
    assert!(matches!(refused("{}"), Error::Malformed(_)));
    assert!(matches!(refused(r#"{"apiVersion":5,"kind":"OCIRepository"}"#), Error::Malformed(_)));
    let twice =
        format!(r#"{{"apiVersion":"{GROUP}/v1","kind":"OCIRepository","apiVersion":"{GROUP}/v1beta2"}}"#);
    assert!(matches!(refused(&twice), Error::Malformed(_)));
    let foreign = r#"{"apiVersion":"v1","kind":"Secret"}"#;
    assert_eq!(
        refused(foreign).to_string(),
        "it is a Secret of v1, not an OCIRepository of source.toolkit.fluxcd.io"
    );
    assert_eq!(
        refused(&object("v1beta1", "")).to_string(),
        "there is no version `source.toolkit.fluxcd.io/v1beta1` of OCIRepository: there are v1 and v1beta2"
    );
    assert!(Desired::parse("source.toolkit.fluxcd.io/v2").is_err());
    assert!(Desired::parse("v1").is_err());
}

#[test]
fn convert_refuses_a_list_in_place_of_an_object() {
    let list = format!(r#"["{GROUP}/v1","OCIRepository"]"#);
    for text in [list.clone(), format!("\r\n\t {list}")] {
        let error = convert(&text, &to("v1")).unwrap_err();
        assert_eq!(error.to_string(), "it is no Kubernetes object: it is no JSON object");
    }
    assert_eq!(named(r#"[["b","a"]]"#), Named::default());
    let spaced = format!("\r\n\t {}", object("v1beta2", ""));
    assert_eq!(convert(&spaced, &to("v1")).unwrap(), spaced.replace("v1beta2", "v1"));
}

#[test]
fn around_needs_no_version_to_convert_to() {
    let text = object("v1beta2", r#","spec":{}"#);
    let (before, after) = around(&text).unwrap();
    assert_eq!((before, after), (r#"{"kind":"OCIRepository","apiVersion":"#, r#","spec":{}}"#));
}

#[test]
fn named_reads_what_it_can() {
    let name = named(r#"{"metadata":{"name":"a","namespace":"b","labels":5},"apiVersion":1}"#);
    assert_eq!((name.namespace.as_deref(), name.name.as_deref()), (Some("b"), Some("a")));
    assert_eq!(named("{}"), Named::default());
    assert_eq!(named(r#"{"metadata":{"name":5}}"#), Named::default());
}

/// A random JSON value; numbers, texts and names of all kinds.
fn value(random: &mut fastrand::Rng, depth: usize, out: &mut String) {
    let kinds = if depth == 0 { 5 } else { 7 };
    match random.u8(0..kinds) {
        0 => out.push_str("null"),
        1 => out.push_str(if random.bool() { "true" } else { "false" }),
        2 => out.push_str(
            ["0", "-0", "1e400", "18446744073709551616", "9007199254740993", "1.50", "-1E-7"]
                [random.usize(0..7)],
        ),
        3 | 4 => text(random, out),
        5 => {
            out.push('[');
            for index in 0..random.usize(0..4) {
                out.push_str(if index > 0 { " , " } else { "" });
                value(random, depth - 1, out);
            }
            out.push(']');
        }
        _ => {
            out.push('{');
            for index in 0..random.usize(0..4) {
                out.push_str(if index > 0 { "," } else { "" });
                text(random, out);
                out.push_str(": ");
                value(random, depth - 1, out);
            }
            out.push('}');
        }
    }
}

fn text(random: &mut fastrand::Rng, out: &mut String) {
    let pieces =
        ["apiVersion", "kind", "\\\"", "\\\\", "\\u00e4", "\u{e4}", "{", "}", "[", ",", ":", " ", "v1beta2"];
    out.push('"');
    for _ in 0..random.usize(0..4) {
        out.push_str(pieces[random.usize(0..pieces.len())]);
    }
    out.push('"');
}

/// An object with all fields in random order and spacing, and with fields that nobody knows.
fn random_object(random: &mut fastrand::Rng, version: &str) -> String {
    let mut fields =
        vec![format!(r#""apiVersion":"{GROUP}/{version}""#), r#""kind": "OCIRepository""#.to_owned()];
    for name in ["metadata", "spec", "status", "extra"] {
        let mut field = format!("\"{name}\" :");
        value(random, 4, &mut field);
        fields.push(field);
    }
    random.shuffle(&mut fields);
    format!("{{ {} }}", fields.join([",", " , ", "\n,\t"][random.usize(0..3)]))
}

#[test]
fn convert_there_and_back_is_the_identity() {
    let mut random = fastrand::Rng::with_seed(4);
    let (v1, v1beta2) = (to("v1"), to("v1beta2"));
    for _ in 0..20_000 {
        let old = random_object(&mut random, "v1beta2");
        let new = convert(&old, &v1).unwrap();
        assert_eq!(convert(&new, &v1beta2).unwrap(), old);
        assert_eq!(convert(&new, &v1).unwrap(), new);
    }
}
