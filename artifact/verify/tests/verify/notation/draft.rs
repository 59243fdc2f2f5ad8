//! A signer of Notation: envelopes of both kinds from one draft, each part of which can be changed.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use coset::{
    CborSerializable as _, CoseSign1Builder, HeaderBuilder, TaggedCborSerializable as _, cbor::value::Value,
    iana,
};
use jiff::Timestamp;
use oci_testkit::sigstore::NOW;
use oci_verify::{Blob, NOTATION_COSE_TYPE, NOTATION_JWS_TYPE};
use serde_json::{Map, json};

use super::pki::Chain;
use crate::desk::{A, blob};

/// What makes a timestamp over a signature.
pub(crate) type Stamp<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

/// What is to be signed, and how.
#[derive(Clone)]
pub(crate) struct Draft<'a> {
    pub(crate) chain: &'a Chain,
    /// The certificates that go along.
    pub(crate) certificates: Vec<Vec<u8>>,
    pub(crate) payload: serde_json::Value,
    pub(crate) content_type: &'static str,
    pub(crate) scheme: &'static str,
    pub(crate) time: Option<i64>,
    pub(crate) authentic_time: Option<i64>,
    pub(crate) expiry: Option<i64>,
    pub(crate) critical: Vec<&'static str>,
    /// Other attributes.
    pub(crate) more: Vec<&'static str>,
    /// The algorithm that is said: name and number.
    pub(crate) algorithm: Option<(&'static str, i64)>,
    pub(crate) stamp: Option<Stamp<'a>>,
}

const SCHEME: &str = "io.cncf.notary.signingScheme";
const TIME: &str = "io.cncf.notary.signingTime";
const AUTHENTIC_TIME: &str = "io.cncf.notary.authenticSigningTime";
const EXPIRY: &str = "io.cncf.notary.expiry";
const STAMP: &str = "io.cncf.notary.timestampSignature";

impl<'a> Draft<'a> {
    /// As the `notation` program signs artifact [`A`].
    pub(crate) fn of(chain: &'a Chain) -> Self {
        Self {
            chain,
            certificates: chain.der.clone(),
            payload: json!({ "targetArtifact": {
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": A,
                "size": 528,
                "annotations": { "by": "test" },
            }}),
            content_type: "application/vnd.cncf.notary.payload.v1+json",
            scheme: "notary.x509",
            time: Some(NOW),
            authentic_time: None,
            expiry: None,
            critical: vec![SCHEME],
            more: Vec::new(),
            algorithm: None,
            stamp: None,
        }
    }

    /// As an authority signs that says when.
    pub(crate) fn of_authority(chain: &'a Chain, at: i64) -> Self {
        let mut draft = Self::of(chain);
        draft.scheme = "notary.x509.signingAuthority";
        (draft.time, draft.authentic_time) = (None, Some(at));
        draft.critical.push(AUTHENTIC_TIME);
        draft
    }

    /// With a limit.
    pub(crate) fn expires(mut self, at: i64) -> Self {
        self.expiry = Some(at);
        self.critical.push(EXPIRY);
        self
    }

    /// With something else changed.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn times(&self) -> Vec<(&'static str, i64)> {
        let times = [(TIME, self.time), (AUTHENTIC_TIME, self.authentic_time), (EXPIRY, self.expiry)];
        times.into_iter().filter_map(|(name, time)| Some((name, time?))).collect()
    }

    /// The envelope as JSON.
    pub(crate) fn jws_json(&self) -> serde_json::Value {
        let mut protected = Map::new();
        let (due, _, _) = self.chain.sign(b"");
        protected.insert("alg".to_owned(), json!(self.algorithm.map_or(due, |(name, _)| name)));
        protected.insert("cty".to_owned(), json!(self.content_type));
        protected.insert("crit".to_owned(), json!(self.critical));
        protected.insert(SCHEME.to_owned(), json!(self.scheme));
        for (name, time) in self.times() {
            let time = Timestamp::from_second(time).unwrap();
            protected.insert(name.to_owned(), json!(time.to_string()));
        }
        for name in &self.more {
            protected.insert((*name).to_owned(), json!("something"));
        }
        let protected = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&protected).unwrap());
        let payload = URL_SAFE_NO_PAD.encode(self.payload.to_string());
        let (_, _, signature) = self.chain.sign(format!("{protected}.{payload}").as_bytes());
        let x5c: Vec<String> = self.certificates.iter().map(|der| STANDARD.encode(der)).collect();
        let mut header = json!({ "x5c": x5c, "io.cncf.notary.signingAgent": "test" });
        if let Some(stamp) = self.stamp {
            header[STAMP] = json!(STANDARD.encode(stamp(&signature)));
        }
        json!({
            "payload": payload,
            "protected": protected,
            "header": header,
            "signature": URL_SAFE_NO_PAD.encode(signature),
        })
    }

    /// The layer with the envelope as JSON.
    pub(crate) fn jws(&self) -> Blob {
        blob(NOTATION_JWS_TYPE, self.jws_json().to_string().as_bytes())
    }

    /// The envelope as CBOR.
    pub(crate) fn cose_bytes(&self) -> Vec<u8> {
        let (_, due, _) = self.chain.sign(b"");
        let mut protected = HeaderBuilder::new()
            .content_type(self.content_type.to_owned())
            .text_value(SCHEME.to_owned(), Value::Text(self.scheme.to_owned()))
            .build();
        let number = self.algorithm.map_or(due, |(_, number)| number);
        protected.alg = Some(match coset::Algorithm::from_slice(&Value::from(number).to_vec().unwrap()) {
            Ok(algorithm) => algorithm,
            Err(error) => panic!("{error}"),
        });
        for name in &self.critical {
            protected.crit.push(coset::RegisteredLabelWithPrivate::Text((*name).to_owned()));
        }
        for (name, time) in self.times() {
            let time = Value::Tag(1, Box::new(Value::from(time)));
            protected.rest.push((coset::Label::Text(name.to_owned()), time));
        }
        for name in &self.more {
            let value = Value::Text("something".to_owned());
            protected.rest.push((coset::Label::Text((*name).to_owned()), value));
        }
        let chain = self.certificates.iter().map(|der| Value::Bytes(der.clone())).collect();
        let mut sign = CoseSign1Builder::new()
            .protected(protected)
            .unprotected(
                HeaderBuilder::new()
                    .value(iana::HeaderParameter::X5Chain as i64, Value::Array(chain))
                    .build(),
            )
            .payload(self.payload.to_string().into_bytes())
            .create_signature(&[], |message| self.chain.sign(message).2)
            .build();
        if let Some(stamp) = self.stamp {
            let token = Value::Bytes(stamp(&sign.signature));
            sign.unprotected.rest.push((coset::Label::Text(STAMP.to_owned()), token));
        }
        sign.to_tagged_vec().unwrap()
    }

    /// The layer with the envelope as CBOR.
    pub(crate) fn cose(&self) -> Blob {
        blob(NOTATION_COSE_TYPE, &self.cose_bytes())
    }

    /// Both layers.
    pub(crate) fn both(&self) -> [Blob; 2] {
        [self.jws(), self.cose()]
    }
}
