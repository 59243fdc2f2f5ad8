//! An `AdmissionReview` as it is read: borrowed, whatever its objects are read as.

use std::borrow::Cow;

use serde::Deserialize;

/// `admission.k8s.io/v1` `AdmissionReview`, its objects read as `O`.
#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a, O: Deserialize<'de>"))]
pub(super) struct Review<'a, O> {
    #[serde(borrow, default, rename = "apiVersion")]
    pub(super) group_version: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) kind: Cow<'a, str>,
    pub(super) request: Option<Request<'a, O>>,
}

/// What is asked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a, O: Deserialize<'de>"))]
pub(super) struct Request<'a, O> {
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
    #[serde(default = "none")]
    pub(super) object: Option<O>,
    #[serde(default = "none")]
    pub(super) old_object: Option<O>,
}

/// Without it, `default` would want one of `O`.
fn none<O>() -> Option<O> {
    None
}

impl<'a, O> Request<'a, O> {
    /// The same with its objects read by `read`.
    pub(super) fn map<P>(self, mut read: impl FnMut(O) -> P) -> Request<'a, P> {
        Request {
            uid: self.uid,
            kind: self.kind,
            sub_resource: self.sub_resource,
            name: self.name,
            namespace: self.namespace,
            operation: self.operation,
            user_info: self.user_info,
            object: self.object.map(&mut read),
            old_object: self.old_object.map(read),
        }
    }
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
