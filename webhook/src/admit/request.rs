//! An `AdmissionReview` as it is read: borrowed, objects left as they are.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// `admission.k8s.io/v1` `AdmissionReview`
#[derive(Deserialize)]
pub(super) struct Review<'a> {
    #[serde(borrow, default, rename = "apiVersion")]
    pub(super) group_version: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) request: Option<Request<'a>>,
}

/// What is asked. The object is not parsed here, so that its faults cannot hide the UID.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    #[serde(borrow, default)]
    pub(super) uid: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) kind: Kind<'a>,
    #[serde(borrow, default)]
    pub(super) sub_resource: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) namespace: Cow<'a, str>,
    pub(super) operation: Operation,
    #[serde(borrow, default)]
    pub(super) user_info: User<'a>,
    #[serde(borrow)]
    pub(super) object: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) old_object: Option<&'a RawValue>,
}

/// `metav1.GroupVersionKind`. The version does not matter: all have the same fields.
#[derive(Deserialize)]
pub(super) struct Kind<'a> {
    #[serde(borrow, default)]
    pub(super) group: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) kind: Cow<'a, str>,
}

/// Who asks.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct User<'a> {
    #[serde(borrow)]
    pub(super) username: Cow<'a, str>,
}

/// What is done. Anything else makes the request unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

impl Operation {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}
