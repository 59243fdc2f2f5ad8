//! Envelopes: every algorithm, what was signed, and the rules about attributes.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use oci_artifact::limits::SIGNATURE_BYTES;
use oci_testkit::sigstore::NOW;
use oci_verify::{By, Format, Log, NotationReason, Part, Reason};
use serde_json::json;

use super::{
    accepted, both_refused,
    draft::Draft,
    notation_refused,
    pki::{Chain, Kind, issue, leaf, plan},
    refused, trusting,
};
use crate::desk::{B, assert_reason, blob};

#[test]
fn every_algorithm_of_notation_counts_in_both_envelopes() {
    for kind in [Kind::P256, Kind::P384, Kind::P521, Kind::Rsa2048, Kind::Rsa3072, Kind::Rsa4096] {
        let chain = issue(plan(), kind);
        let policy = trusting(&chain);
        for (blob, format) in
            Draft::of(&chain).both().into_iter().zip([Format::NotationJws, Format::NotationCose])
        {
            let verified = accepted(&policy, &blob);
            assert_eq!((verified.how.format, verified.how.log), (format, Log::Unasked), "{kind:?}");
            assert_eq!((verified.when, verified.how.timestamped), (None, false));
            assert_eq!((verified.refused.len(), verified.let_pass.len()), (0, 0));
            assert_eq!(verified.level, Some("strict"));
            let By::Certificate { subject, digest } = verified.by else { panic!() };
            assert_eq!(subject, "CN=ci,O=Example,ST=WA,C=US");
            assert_eq!(digest, oci_artifact::name::Digest::of(&chain.der[0]));
        }
    }
}

#[test]
fn signer_may_be_its_own_root() {
    let chain = issue(vec![leaf()], Kind::P256);
    for blob in Draft::of(&chain).both() {
        accepted(&trusting(&chain), &blob);
    }
}

#[test]
fn algorithm_must_be_that_of_the_key() {
    let chain = Chain::usual();
    let policy = trusting(&chain);
    for (name, number) in [("ES384", -35), ("PS256", -37)] {
        let draft = Draft::of(&chain).with(|draft| draft.algorithm = Some((name, number)));
        let due = NotationReason::Algorithm { said: name.to_owned(), due: "ES256" };
        assert_eq!(notation_refused(&policy, &draft), due);
    }
    let draft = Draft::of(&chain).with(|draft| draft.algorithm = Some(("RS256", -257)));
    assert_reason!(refused(&policy, &draft.jws()), Reason::Notation(NotationReason::Algorithm { .. }));
    assert_reason!(refused(&policy, &draft.cose()), Reason::Notation(NotationReason::Algorithm { .. }));
    let draft = Draft::of(&chain).with(|draft| draft.algorithm = Some(("none", -8)));
    assert_reason!(refused(&policy, &draft.jws()), Reason::Notation(NotationReason::Algorithm { .. }));
}

#[test]
fn key_of_another_kind_is_refused_by_name() {
    let chain = issue(plan(), Kind::Ed25519);
    let reason = notation_refused(&trusting(&chain), &Draft::of(&chain));
    assert_eq!(reason, NotationReason::Key("1.3.101.112".to_owned()));
}

#[test]
fn signature_must_be_made_with_the_key_of_the_certificate() {
    let (chain, other) = (Chain::usual(), Chain::usual());
    let draft = Draft::of(&other).with(|draft| draft.certificates = chain.der.clone());
    assert_reason!(both_refused(&trusting(&chain), &draft), Reason::Signature(_));
}

#[test]
fn payload_and_attributes_are_signed() {
    let chain = Chain::usual();
    let policy = trusting(&chain);
    let good = Draft::of(&chain).jws_json();
    let changed = |part: &str, from: &str, to: &str| {
        let mut json = good.clone();
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(json[part].as_str().unwrap()).unwrap()).unwrap();
        assert!(text.contains(from), "{text}");
        json[part] = json!(URL_SAFE_NO_PAD.encode(text.replace(from, to)));
        blob(oci_verify::NOTATION_JWS_TYPE, json.to_string().as_bytes())
    };
    assert_reason!(refused(&policy, &changed("payload", "528", "529")), Reason::Signature(_));
    assert_reason!(refused(&policy, &changed("protected", "2025-06-15", "2025-06-16")), Reason::Signature(_));
    let bytes = Draft::of(&chain).cose_bytes();
    for (from, to) in [(&b"\"size\":528"[..], &b"\"size\":529"[..]), (b"signingTime", b"signingtime")] {
        let place = bytes.windows(from.len()).position(|window| window == from).unwrap();
        let mut changed = bytes.clone();
        changed.splice(place..place + from.len(), to.iter().copied());
        let blob = blob(oci_verify::NOTATION_COSE_TYPE, &changed);
        assert_reason!(refused(&policy, &blob), Reason::Signature(_));
    }
}

#[test]
fn media_type_digest_and_size_of_the_artifact_must_all_agree() {
    let chain = Chain::usual();
    let policy = trusting(&chain);
    for (name, value) in
        [("digest", json!(B)), ("mediaType", json!("application/other")), ("size", json!(529))]
    {
        let draft = Draft::of(&chain).with(|draft| draft.payload["targetArtifact"][name] = value);
        assert_reason!(both_refused(&policy, &draft), Reason::OtherArtifact(_));
    }
}

#[test]
fn payload_must_be_one_of_notation() {
    let chain = Chain::usual();
    let policy = trusting(&chain);
    let draft = Draft::of(&chain).with(|draft| draft.content_type = "application/json");
    assert_eq!(both_refused(&policy, &draft), Reason::PayloadType("application/json".to_owned()));
    for payload in [json!({}), json!([]), json!({ "targetArtifact": { "digest": B } })] {
        let draft = Draft::of(&chain).with(|draft| draft.payload = payload);
        assert_reason!(both_refused(&policy, &draft), Reason::Malformed { part: Part::Payload, .. });
    }
}

#[test]
fn layer_must_be_what_its_descriptor_says() {
    let chain = Chain::usual();
    let policy = trusting(&chain);
    let mut other = Draft::of(&chain).jws();
    other.bytes.push(b' ');
    assert_reason!(refused(&policy, &other), Reason::BlobDigest { .. });
    let [jws, cose] = Draft::of(&chain).both();
    assert_reason!(refused(&policy, &blob("application/json", &jws.bytes)), Reason::MediaType(_));
    for (media_type, bytes) in
        [(&jws.media_type, &cose.bytes), (&cose.media_type, &jws.bytes), (&cose.media_type, &vec![])]
    {
        let reason = refused(&policy, &blob(media_type, bytes));
        assert_reason!(reason, Reason::Malformed { part: Part::Envelope, .. });
    }
}

#[test]
fn envelope_may_have_as_many_bytes_as_the_limit() {
    let chain = Chain::usual();
    let policy = trusting(&chain);
    let text = Draft::of(&chain).jws_json().to_string();
    let of = |bytes: usize| {
        let padded = format!("{text}{}", " ".repeat(bytes - text.len()));
        blob(oci_verify::NOTATION_JWS_TYPE, padded.as_bytes())
    };
    accepted(&policy, &of(SIGNATURE_BYTES));
    let limit = Reason::TooLarge { part: Part::Signature, limit: SIGNATURE_BYTES };
    assert_eq!(refused(&policy, &of(SIGNATURE_BYTES + 1)), limit);
}

#[test]
fn envelope_names_no_key_twice() {
    let chain = Chain::usual();
    let policy = trusting(&chain);
    let text = Draft::of(&chain).jws_json().to_string();
    let double = text.replacen('{', "{\"payload\":\"\",", 1);
    let reason = refused(&policy, &blob(oci_verify::NOTATION_JWS_TYPE, double.as_bytes()));
    assert_reason!(reason, Reason::DoubleKey { part: Part::Envelope, .. });
    let mut bytes = Draft::of(&chain).with(|draft| draft.more = vec!["double", "doubly"]).cose_bytes();
    let place = bytes.windows(6).position(|window| window == b"doubly").unwrap();
    bytes.splice(place..place + 6, *b"double");
    let reason = refused(&policy, &blob(oci_verify::NOTATION_COSE_TYPE, &bytes));
    assert_reason!(reason, Reason::Malformed { part: Part::Envelope, .. });
}

#[test]
fn untagged_cbor_is_no_envelope() {
    let chain = Chain::usual();
    let bytes = Draft::of(&chain).cose_bytes();
    assert_eq!(bytes[0], 0xd2);
    let reason = refused(&trusting(&chain), &blob(oci_verify::NOTATION_COSE_TYPE, &bytes[1..]));
    assert_reason!(reason, Reason::Malformed { part: Part::Envelope, .. });
}

#[test]
fn attributes_have_their_types() {
    let chain = Chain::usual();
    let policy = trusting(&chain);
    let good = Draft::of(&chain).jws_json();
    let protected = URL_SAFE_NO_PAD.decode(good["protected"].as_str().unwrap()).unwrap();
    for (name, value) in [
        ("io.cncf.notary.signingScheme", json!(7)),
        ("io.cncf.notary.signingTime", json!(1_750_000_000)),
        ("io.cncf.notary.signingTime", json!("yesterday")),
        ("alg", json!(["ES256"])),
        ("cty", json!(null)),
        ("crit", json!("io.cncf.notary.signingScheme")),
    ] {
        let (mut json, mut changed) =
            (good.clone(), serde_json::from_slice::<serde_json::Value>(&protected).unwrap());
        changed[name] = value;
        json["protected"] = json!(URL_SAFE_NO_PAD.encode(changed.to_string()));
        let reason = refused(&policy, &blob(oci_verify::NOTATION_JWS_TYPE, json.to_string().as_bytes()));
        assert_reason!(reason, Reason::Malformed { part: Part::Attributes, .. });
    }
    let stamp = |_: &[u8]| b"abc".to_vec();
    let bytes = Draft::of(&chain).with(|draft| draft.stamp = Some(&stamp)).cose_bytes();
    // Text as bytes, a time as another kind of time, bytes as text.
    for (before, from, to, part) in [
        ("io.cncf.notary.signingScheme", 0x6b, 0x4b, Part::Attributes),
        ("io.cncf.notary.signingTime", 0xc1, 0xc0, Part::Attributes),
        ("io.cncf.notary.timestampSignature", 0x43, 0x63, Part::Timestamp),
    ] {
        let mut old = before.as_bytes().to_vec();
        old.push(from);
        let place = bytes.windows(old.len()).position(|window| window == old).unwrap();
        let mut changed = bytes.clone();
        changed[place + before.len()] = to;
        let reason = refused(&policy, &blob(oci_verify::NOTATION_COSE_TYPE, &changed));
        assert!(
            matches!(&reason, Reason::Malformed { part: found, .. } if *found == part),
            "{before}: {reason}"
        );
    }
}

#[test]
fn attributes_are_those_of_their_scheme() {
    let chain = Chain::usual();
    let policy = trusting(&chain);
    let fault = |change: &dyn Fn(&mut Draft<'_>)| {
        let draft = Draft::of(&chain).with(change);
        match notation_refused(&policy, &draft) {
            NotationReason::Attribute { name, fault } => {
                format!("{} {fault}", name.trim_start_matches("io.cncf.notary."))
            }
            other => format!("{other}"),
        }
    };
    let authority = "notary.x509.signingAuthority";
    assert_eq!(
        fault(&|draft| draft.scheme = "notary.x510"),
        "the signing scheme `notary.x510` is not supported"
    );
    assert_eq!(fault(&|draft| draft.time = None), "signingTime is missing");
    assert_eq!(
        fault(&|draft| draft.authentic_time = Some(NOW)),
        "authenticSigningTime must not be there in this scheme"
    );
    assert_eq!(fault(&|draft| draft.scheme = authority), "signingTime must not be there in this scheme");
    assert_eq!(
        fault(&|draft| (draft.scheme, draft.time) = (authority, None)),
        "authenticSigningTime is missing"
    );
    for time in [NOW, NOW - 1] {
        let early = fault(&|draft| {
            draft.expiry = Some(time);
            draft.critical.push("io.cncf.notary.expiry");
        });
        assert_eq!(early, "expiry is not after the time of signing");
    }
}

#[test]
fn what_must_be_critical_is() {
    let chain = Chain::usual();
    let policy = trusting(&chain);
    let fault = |draft: &Draft<'_>| match notation_refused(&policy, draft) {
        NotationReason::Attribute { name, fault: "is not marked as critical" } => name,
        other => panic!("{other}"),
    };
    let later = NOW + 10_000;
    let draft =
        Draft::of(&chain).expires(later).with(|draft| draft.critical.retain(|name| name.ends_with("expiry")));
    assert_eq!(fault(&draft), "io.cncf.notary.signingScheme");
    let draft = Draft::of(&chain).with(|draft| draft.expiry = Some(later));
    assert_eq!(fault(&draft), "io.cncf.notary.expiry");
    let draft = Draft::of_authority(&chain, NOW).with(|draft| draft.critical.truncate(1));
    assert_eq!(fault(&draft), "io.cncf.notary.authenticSigningTime");
}

#[test]
fn what_is_critical_must_be_understood() {
    let chain = Chain::usual();
    let policy = trusting(&chain);
    let critical = |name: &'static str, more: Vec<&'static str>| {
        let draft = Draft::of(&chain).with(|draft| {
            draft.critical.push(name);
            draft.more = more;
        });
        notation_refused(&policy, &draft)
    };
    let refusal = |name: &str| NotationReason::Critical(name.to_owned());
    assert_eq!(critical("com.example", vec!["com.example"]), refusal("com.example"));
    assert_eq!(critical("io.cncf.notary.signingTime", vec![]), refusal("io.cncf.notary.signingTime"));
    assert_eq!(critical("io.cncf.notary.signingScheme", vec![]), refusal("io.cncf.notary.signingScheme"));
    // What is not critical may be anything.
    for blob in Draft::of(&chain).with(|draft| draft.more = vec!["com.example"]).both() {
        accepted(&policy, &blob);
    }
}

#[test]
fn signature_for_a_plugin_is_refused() {
    let chain = Chain::usual();
    for name in ["io.cncf.notary.verificationPlugin", "io.cncf.notary.verificationPluginMinVersion"] {
        for critical in [true, false] {
            let draft = Draft::of(&chain).with(|draft| {
                draft.more.push(name);
                draft.critical.extend(critical.then_some(name));
            });
            assert_eq!(notation_refused(&trusting(&chain), &draft), NotationReason::Plugin(name));
        }
    }
}
