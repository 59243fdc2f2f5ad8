//! Conversion: the bytes of a `ConversionReview` in, the bytes of the reply out. Pure.
//!
//! Objects are never parsed into values, and the reply is never a second buffer: it is a list of cuts through the bytes
//! of the request, 16 bytes an object, made while the list is read. All objects are known to be convertible before the
//! first byte of the reply is asked for, and a list of any size takes little more memory than its own bytes.
//!
//! <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#webhook-request-and-response>

mod list;
mod reply;

use std::borrow::Cow;

use bytes::Bytes;
use oci_crds::{
    KIND,
    convert::{self, Desired},
};
use serde::Deserialize;

use self::list::{Fault, Objects};
pub use self::reply::{Body, Chunks};
pub use crate::wire::Error;
use crate::wire::{Form, failure, shown};

const FORM: Form = Form {
    kind: "ConversionReview",
    group_version: "apiextensions.k8s.io/v1",
    name: "ConversionReview of `apiextensions.k8s.io/v1`",
};

/// The reply to a review.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The review to send back.
    pub body: Body,
    /// What it says.
    pub verdict: Verdict,
}

/// What a reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// That many objects were converted.
    Converted(usize),
    /// None was, because of one that cannot be.
    Failed {
        /// The UID of the request, cut.
        uid: String,
        /// Which object, and why.
        message: String,
    },
}

#[derive(Deserialize)]
struct Review<'a> {
    #[serde(borrow, default, rename = "apiVersion")]
    group_version: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    request: Option<Request<'a>>,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow, default)]
    uid: Cow<'a, str>,
    #[serde(borrow, default, rename = "desiredAPIVersion")]
    desired: Cow<'a, str>,
    /// Go writes an empty list as `null`.
    #[serde(borrow)]
    objects: Option<Objects<'a>>,
}

/// Answers a review. All objects are converted, or none.
///
/// The reply keeps the bytes of the request; a clone of them costs nothing.
pub fn convert(body: Bytes) -> Result<Reply, Error> {
    let review: Review<'_> = match Form::read(&body) {
        Ok(review) => review,
        Err(error) => {
            let uid = FORM.salvage(&body, &error)?;
            return Ok(failed(&uid, format!("the request cannot be read: {error}")));
        }
    };
    FORM.check(&review.kind, &review.group_version)?;
    let request = review.request.ok_or(Error::NoRequest(FORM.kind))?;
    FORM.uid(&request.uid)?;
    let desired = match Desired::parse(&request.desired) {
        Ok(desired) => desired,
        Err(error) => return Ok(failed(&request.uid, format!("cannot convert {KIND}: {error}"))),
    };
    let objects = request.objects.unwrap_or_default();
    if let Some(fault) = &objects.fault {
        return Ok(failed(&request.uid, message(fault, objects.count, &request.desired)));
    }
    let (head, verdict) = (head(&request.uid), Verdict::Converted(objects.count));
    let origin = objects.origin(&body);
    let cuts = objects.cuts;
    let body = Body::cut(head, body, origin, cuts, desired.quoted().to_owned());
    Ok(Reply { body, verdict })
}

fn head(uid: &str) -> String {
    // A text always serialises.
    let uid = serde_json::to_string(uid).unwrap_or_default();
    let (version, kind) = (FORM.group_version, FORM.kind);
    format!(r#"{{"apiVersion":"{version}","kind":"{kind}","response":{{"uid":{uid},"convertedObjects":["#)
}

/// Which object cannot be converted, and why.
fn message(fault: &Fault<'_>, count: usize, wanted: &str) -> String {
    let named = convert::named(fault.object);
    let name = match (named.namespace.as_deref(), named.name.as_deref()) {
        (Some(namespace), Some(name)) => format!("{}/{}", shown(namespace), shown(name)),
        (None, Some(name)) => shown(name),
        (_, None) => "without a name".to_owned(),
    };
    let (number, error) = (fault.index + 1, &fault.error);
    format!("cannot convert {KIND} {name} (object {number} of {count}) to {}: {error}", shown(wanted))
}

fn failed(uid: &str, message: String) -> Reply {
    let status = failure(400, "BadRequest", message.clone());
    let status = serde_json::to_string(&status).unwrap_or_default();
    let body = Body::whole(format!(r#"{}],"result":{status}}}}}"#, head(uid)));
    Reply { body, verdict: Verdict::Failed { uid: shown(uid), message } }
}
