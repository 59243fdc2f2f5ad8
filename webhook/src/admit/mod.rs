//! Admission: the bytes of an `AdmissionReview` in, the bytes of the reply out. Pure.
//!
//! Only what is written newly is judged: deletions, statuses and objects on their way out always pass, so that nothing
//! that is stored, however wrong, can get stuck. Of other kinds nothing is known; they pass with a warning, because a
//! configuration that sends them here must not stop their writers.
//!
//! <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#webhook-request-and-response>

mod object;
mod reply;
mod request;

use oci_crds::{GROUP, KIND, validate::Code};
use serde_json::value::RawValue;

pub use crate::wire::Error;
use crate::{
    admit::{
        object::{Finding, Object},
        request::{Operation, Request, Review},
    },
    wire::{Form, shown},
};

const FORM: Form = Form {
    kind: "AdmissionReview",
    group_version: "admission.k8s.io/v1",
    name: "AdmissionReview of `admission.k8s.io/v1`",
};

/// What the administrator decided about the rules.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Rules that warn instead of refusing.
    pub warn_only: Vec<Code>,
}

/// The reply to a review.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The review to send back.
    pub body: Vec<u8>,
    /// What it says.
    pub verdict: Verdict,
}

/// What a reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The write may go on.
    Allowed,
    /// It may, and nothing was looked at: a deletion, a status, another kind.
    Passed,
    /// It is refused.
    Refused(Box<Refused>),
}

/// Who was refused what: for the log. Texts are cut and escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The UID of the request.
    pub uid: String,
    /// `CREATE` or `UPDATE`.
    pub operation: &'static str,
    /// The object's namespace.
    pub namespace: String,
    /// The object's name, or the beginning of the one that it would have got.
    pub name: String,
    /// Who asked.
    pub user: String,
    /// The rules that were broken.
    pub codes: Vec<Code>,
    /// What could not even be read.
    pub unreadable: bool,
}

/// A request with its objects, each of which may be none.
type Read<'a> = Request<'a, Result<Object<'a>, serde_json::Error>>;

/// Answers a review.
pub fn admit(body: &[u8], rules: &Rules) -> Result<Reply, Error> {
    // Nearly every review is right as a whole, and one pass over its bytes is most of the work. What is wrong is found
    // by reading again: first the request, so that an object's faults cannot hide the UID, then the objects.
    if let Ok(review) = Form::read::<Review<'_, Object<'_>>>(body) {
        return answer(review, Ok, rules);
    }
    match Form::read::<Review<'_, &RawValue>>(body) {
        Ok(review) => answer(review, |raw| Object::read(raw.get()), rules),
        Err(error) => Ok(unreadable(&FORM.salvage(body, &error)?, &error)),
    }
}

fn answer<'a, O>(
    review: Review<'a, O>,
    read: impl FnMut(O) -> Result<Object<'a>, serde_json::Error>,
    rules: &Rules,
) -> Result<Reply, Error> {
    FORM.check(&review.kind, &review.group_version)?;
    let request = review.request.ok_or(Error::NoRequest(FORM.kind))?;
    FORM.uid(&request.uid)?;
    Ok(decide(&request.map(read), rules))
}

fn decide(request: &Read<'_>, rules: &Rules) -> Reply {
    if request.kind.group != GROUP || request.kind.kind != KIND {
        let warning = format!(
            "the webhook judges {KIND} of {GROUP} only, nothing of this {} was checked",
            shown(&request.kind.kind)
        );
        return passed(request, &[warning]);
    }
    let written = matches!(request.operation, Operation::Create | Operation::Update);
    if !written || !request.sub_resource.is_empty() {
        return passed(request, &[]);
    }
    let object = match &request.object {
        Some(Ok(object)) => object,
        Some(Err(error)) => return refused(request, "", &Finding::unreadable(&error.to_string())),
        None => return refused(request, "", &Finding::unreadable("there is no object")),
    };
    if object.metadata.is_deleted() {
        return passed(request, &[]);
    }
    let old = request.old_object.as_ref().filter(|_| request.operation == Operation::Update);
    let finding = object.judge(old.and_then(|old| old.as_ref().ok()), &rules.warn_only);
    if finding.causes.is_empty() {
        return Reply { body: reply::allowed(&request.uid, &finding.warnings), verdict: Verdict::Allowed };
    }
    refused(request, object.metadata.name(), &finding)
}

fn passed(request: &Read<'_>, warnings: &[String]) -> Reply {
    Reply { body: reply::allowed(&request.uid, warnings), verdict: Verdict::Passed }
}

fn refused(request: &Read<'_>, name: &str, finding: &Finding) -> Reply {
    let name = if request.name.is_empty() { name } else { &request.name };
    let refused = Refused {
        uid: shown(&request.uid),
        operation: request.operation.as_str(),
        namespace: shown(&request.namespace),
        name: shown(name),
        user: shown(&request.user_info.username),
        codes: finding.codes.clone(),
        unreadable: finding.codes.is_empty(),
    };
    let body = reply::refused(&request.uid, name, &finding.causes, &finding.warnings);
    Reply { body, verdict: Verdict::Refused(Box::new(refused)) }
}

/// The request itself cannot be read, but it has a UID: it is refused, whatever it is about.
fn unreadable(uid: &str, error: &serde_json::Error) -> Reply {
    let refused = Refused {
        uid: shown(uid),
        operation: "",
        namespace: String::new(),
        name: String::new(),
        user: String::new(),
        codes: Vec::new(),
        unreadable: true,
    };
    let body = reply::bad_request(uid, format!("the request cannot be read: {error}"));
    Reply { body, verdict: Verdict::Refused(Box::new(refused)) }
}
