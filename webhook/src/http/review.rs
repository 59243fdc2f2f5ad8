//! The two handlers: a permit, the body, the pure function, the answer.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use super::{Webhook, body, reject::Rejection};
use crate::{
    admit, convert,
    limits::{
        ADMISSION_BYTES, CONVERSION_BYTES, INLINE_BYTES, LARGE_CONVERSION_ROOM, Permits,
        SMALL_CONVERSION_BYTES,
    },
    observe::{Endpoint, Verdict},
};

/// `POST /validate`
pub(super) async fn validate(State(webhook): State<Arc<Webhook>>, request: Request) -> Response {
    let begun = Instant::now();
    let _counted = webhook.metrics.begin(Endpoint::Validate);
    let answered = admission(&webhook, request, begun + webhook.permits.admission_deadline).await;
    answer(&webhook, Endpoint::Validate, begun, answered)
}

/// `POST /convert`
pub(super) async fn convert(State(webhook): State<Arc<Webhook>>, request: Request) -> Response {
    let begun = Instant::now();
    let _counted = webhook.metrics.begin(Endpoint::Convert);
    let answered = conversion(&webhook, request, begun).await;
    answer(&webhook, Endpoint::Convert, begun, answered)
}

/// A reply; its body holds the permit.
struct Reply {
    body: Body,
    verdict: Verdict,
}

fn answer(
    webhook: &Webhook,
    endpoint: Endpoint,
    begun: Instant,
    answered: Result<Reply, Rejection>,
) -> Response {
    match answered {
        Ok(reply) => {
            webhook.metrics.reviewed(endpoint, reply.verdict, begun.elapsed().as_secs_f64());
            let mut response = Response::new(reply.body);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Err(rejection) => {
            let cause = rejection.cause();
            if let Some(cause) = cause {
                webhook.metrics.rejected(endpoint, cause);
            }
            if let Some(suppressed) = webhook.rejections.line(cause, Instant::now()) {
                tracing::warn!(?endpoint, reason = %rejection, suppressed, "a request was rejected");
            }
            rejection.into_response()
        }
    }
}

async fn admission(webhook: &Arc<Webhook>, request: Request, deadline: Instant) -> Result<Reply, Rejection> {
    body::check(request.headers())?;
    let content = request.into_body();
    let length = body::declared(&content).unwrap_or(ADMISSION_BYTES).min(ADMISSION_BYTES);
    let kib = u32::try_from(length.div_ceil(1 << 10)).unwrap_or(u32::MAX);
    let permit = permit(&webhook.admissions, kib.max(Permits::ADMISSION_LEAST), deadline).await?;
    let slow = |_| Rejection::Slow(webhook.permits.admission_deadline);
    let bytes = timeout_at(deadline, body::read(content, ADMISSION_BYTES, 0)).await.map_err(slow)??;
    let shared = Arc::clone(webhook);
    work(bytes.len(), move || {
        let reply = admit::admit(&bytes, &shared.rules)?;
        let verdict = told(&shared, &reply.verdict);
        Ok(Reply { body: body::whole(reply.body, permit), verdict })
    })
    .await
}

/// Logs and counts what was refused.
fn told(webhook: &Webhook, verdict: &admit::Verdict) -> Verdict {
    let refused = match verdict {
        admit::Verdict::Allowed => return Verdict::Allowed,
        admit::Verdict::Passed => return Verdict::Passed,
        admit::Verdict::Refused(refused) => refused,
    };
    webhook.metrics.faults(&refused.codes);
    let codes: Vec<&str> = refused.codes.iter().map(|code| code.as_str()).collect();
    tracing::info!(
        uid = refused.uid,
        operation = refused.operation,
        namespace = refused.namespace,
        name = refused.name,
        user = refused.user,
        codes = codes.join(","),
        unreadable = refused.unreadable,
        "refused"
    );
    Verdict::Refused
}

async fn conversion(webhook: &Arc<Webhook>, request: Request, begun: Instant) -> Result<Reply, Rejection> {
    body::check(request.headers())?;
    let content = request.into_body();
    // A length that is not announced may be any.
    let length = body::declared(&content).unwrap_or(CONVERSION_BYTES);
    if length > CONVERSION_BYTES {
        return Err(Rejection::TooLarge(CONVERSION_BYTES));
    }
    let small = length <= SMALL_CONVERSION_BYTES;
    let deadline = begun + webhook.permits.conversion_deadline;
    // Before the body: it is the memory that is scarce.
    let permit = permit(if small { &webhook.small } else { &webhook.large }, 1, deadline).await?;
    let limit = webhook.permits.conversion_body;
    let slow = |_| Rejection::Slow(limit);
    let until = deadline.min(Instant::now() + limit);
    let room = if small { 0 } else { LARGE_CONVERSION_ROOM };
    let bytes = timeout_at(until, body::read(content, CONVERSION_BYTES, room)).await.map_err(slow)??;
    let work = work(bytes.len(), move || {
        let reply = convert::convert(bytes)?;
        let verdict = match &reply.verdict {
            convert::Verdict::Converted(objects) => {
                tracing::debug!(objects, "converted");
                Verdict::Converted
            }
            convert::Verdict::Failed { uid, message } => {
                tracing::warn!(uid, error = message, "a conversion failed");
                Verdict::Failed
            }
        };
        Ok(Reply { body: body::chunked(reply.body.chunks(), permit), verdict })
    });
    timeout_at(deadline, work).await.map_err(|_| Rejection::Busy)?
}

/// A permit for `count` units of `permits`.
async fn permit(
    permits: &Arc<Semaphore>,
    count: u32,
    deadline: Instant,
) -> Result<OwnedSemaphorePermit, Rejection> {
    let waiting = Arc::clone(permits).acquire_many_owned(count);
    match timeout_at(deadline, waiting).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) | Err(_) => Err(Rejection::Busy),
    }
}

/// Works on so many bytes: here if that is quickly done, else on a thread of its own.
async fn work(
    bytes: usize,
    job: impl FnOnce() -> Result<Reply, Rejection> + Send + 'static,
) -> Result<Reply, Rejection> {
    if bytes <= INLINE_BYTES {
        return job();
    }
    match tokio::task::spawn_blocking(job).await {
        Ok(done) => done,
        Err(lost) => Err(Rejection::Lost(lost.to_string())),
    }
}
