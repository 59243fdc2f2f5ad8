//! The body of a notification: an event of notification-controller's API, version 1.

use std::collections::BTreeMap;

use k8s_openapi::{api::core::v1::ObjectReference, apimachinery::pkg::apis::meta::v1::Time};
use oci_decide::Kind;
use serde::Serialize;

use super::{Happened, RecorderOptions, cut};

/// Longest message that receivers take.
const MESSAGE: usize = 39_000;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body<'a> {
    involved_object: &'a ObjectReference,
    severity: &'static str,
    timestamp: Time,
    message: String,
    reason: &'static str,
    action: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
    reporting_controller: &'static str,
    reporting_instance: &'a str,
}

pub(super) fn body<'a>(happened: &'a Happened, options: &'a RecorderOptions) -> Body<'a> {
    let notice = &happened.notice;
    Body {
        involved_object: &happened.about,
        severity: match notice.kind {
            Kind::Normal => "info",
            Kind::Warning => "error",
        },
        timestamp: Time(happened.at),
        message: cut(&notice.message, MESSAGE),
        reason: notice.reason.as_str(),
        action: notice.action,
        metadata: &notice.metadata,
        reporting_controller: options.controller,
        reporting_instance: &options.instance,
    }
}
