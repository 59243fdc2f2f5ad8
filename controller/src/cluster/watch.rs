//! Watches: objects, and who changed which Secret or `ServiceAccount`.
//!
//! A broken watch begins again by itself, with a pause that grows; a list is read in pages. One object that does not fit
//! the types is told and left out; it never stops the others.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use futures_util::TryStreamExt as _;
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Resource,
    api::PartialObjectMeta,
    core::DeserializeGuard,
    runtime::{WatchStreamExt as _, watcher},
};
use oci_artifact::Classify as _;
use oci_crds::{KIND, schema, v1::OciRepository};
use serde::de::DeserializeOwned;

use super::call::{CallError, Cause, cause, of_status};

/// Objects in one page of a list.
const PAGE: u32 = 250;
/// Seconds after which the server ends a watch; it goes on where it was. A connection that died is noticed by then.
const WATCH_SECONDS: u32 = 55;

/// Time between two complaints about the same.
const SPAN: Duration = Duration::from_mins(1);
/// The status of what is too old to be gone on with.
const GONE: u16 = 410;
/// How to do without watching what specs name.
const WITHOUT: &str =
    "or start with --watch-credentials=false, and changed Secrets are seen at the next interval";

/// What happened to objects of one kind.
#[derive(Debug)]
pub enum Change<K> {
    /// All that there is will be told.
    Begin,
    /// It is there, or is another than before.
    Applied(K),
    /// It is gone.
    Gone(K),
    /// All that there is was told; what was not is gone.
    Listed,
}

fn settings(selector: Option<&str>) -> watcher::Config {
    let settings = watcher::Config::default().page_size(PAGE).timeout(WATCH_SECONDS);
    match selector {
        Some(selector) => settings.labels(selector),
        None => settings,
    }
}

/// Where a watch looks.
#[derive(Clone)]
pub struct Scope {
    /// By whom.
    pub client: Client,
    /// The one namespace; `None` for all.
    pub namespace: Option<String>,
}

impl Scope {
    fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }
}

/// Tells `handle` every change of the objects, until it is dropped. `broken` is told each time that the watch fails.
pub async fn objects(
    scope: Scope,
    selector: Option<&str>,
    mut handle: impl FnMut(Change<OciRepository>),
    broken: impl FnMut(&CallError),
) {
    let api: Api<DeserializeGuard<OciRepository>> = scope.api();
    let tell = |change: Change<DeserializeGuard<OciRepository>>| {
        if let Some(change) = readable(change) {
            handle(change);
        }
    };
    follow(api, settings(selector), tell, broken).await;
}

/// Tells `handle` every change of the metadata of all objects of a kind, until it is dropped.
pub async fn metadata<K>(
    scope: Scope,
    handle: impl FnMut(Change<PartialObjectMeta<K>>),
    broken: impl FnMut(&CallError),
) where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Debug
        + Send
        + 'static,
{
    follow(scope.api::<PartialObjectMeta<K>>(), settings(None), handle, broken).await;
}

async fn follow<K>(
    api: Api<K>,
    settings: watcher::Config,
    mut handle: impl FnMut(Change<K>),
    mut broken: impl FnMut(&CallError),
) where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let kind = K::kind(&());
    let mut stream = std::pin::pin!(watcher(api, settings).default_backoff());
    let mut complaints = Complaints::default();
    loop {
        match stream.try_next().await {
            Ok(Some(event)) => {
                // A list that begins has not succeeded yet.
                if !matches!(event, watcher::Event::Init) && complaints.end() {
                    tracing::info!(%kind, "the watch works again");
                }
                handle(change(event));
            }
            Ok(None) => return,
            Err(error) => {
                let error = failed(&kind, &error);
                broken(&error);
                if complaints.is_news(&error.cause, Instant::now()) {
                    tell(&kind, &error);
                }
            }
        }
    }
}

fn tell(kind: &str, error: &CallError) {
    match hint(kind, error) {
        // It passes by itself.
        None => tracing::warn!(%error, kind, "a watch failed, trying again"),
        Some(hint) => tracing::error!(%error, kind, hint, "a watch failed, trying again"),
    }
}

/// What was complained about last: the same is told once a minute.
#[derive(Default)]
struct Complaints(Option<(Cause, Instant)>);

impl Complaints {
    fn is_news(&mut self, cause: &Cause, now: Instant) -> bool {
        let told = self.0.as_ref().filter(|(_, at)| now.saturating_duration_since(*at) < SPAN);
        let news = told.is_none_or(|(told, _)| told != cause);
        if news {
            self.0 = Some((cause.clone(), now));
        }
        news
    }

    /// Nothing is wrong any more. Returns whether something was.
    fn end(&mut self) -> bool {
        self.0.take().is_some()
    }
}

fn failed(kind: &str, error: &watcher::Error) -> CallError {
    let cause = match error {
        // What was gone on with is too old: it begins anew.
        watcher::Error::WatchError(status) if status.code == GONE => {
            Cause::Unavailable(status.message.clone())
        }
        watcher::Error::WatchError(status) => of_status(status),
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => cause(error),
        watcher::Error::NoResourceVersion => Cause::Unavailable(error.to_string()),
    };
    CallError { attempted: format!("watching every {kind}"), cause }
}

/// What to do about a watch that fails.
fn hint(kind: &str, error: &CallError) -> Option<String> {
    match error.cause {
        Cause::NotFound if kind == KIND => Some(format!(
            "the CRD {} is not there, or does not serve v1: `kubectl oci install`, or install Flux 2.6 or newer",
            schema::NAME
        )),
        Cause::Forbidden(_) if kind != KIND => error.hint().map(|hint| format!("{hint}; {WITHOUT}")),
        _ => error.hint(),
    }
}

fn change<K>(event: watcher::Event<K>) -> Change<K> {
    match event {
        watcher::Event::Init => Change::Begin,
        watcher::Event::InitApply(object) | watcher::Event::Apply(object) => Change::Applied(object),
        watcher::Event::InitDone => Change::Listed,
        watcher::Event::Delete(object) => Change::Gone(object),
    }
}

/// The change, unless its object cannot be read.
fn readable(change: Change<DeserializeGuard<OciRepository>>) -> Option<Change<OciRepository>> {
    let object = |guard: DeserializeGuard<OciRepository>| match guard.0 {
        Ok(object) => Some(object),
        Err(invalid) => {
            let (namespace, name) = (invalid.metadata.namespace, invalid.metadata.name);
            tracing::error!(
                namespace = namespace.unwrap_or_default(),
                name = name.unwrap_or_default(),
                error = invalid.error,
                "an object cannot be read and is left alone"
            );
            None
        }
    };
    Some(match change {
        Change::Begin => Change::Begin,
        Change::Listed => Change::Listed,
        Change::Applied(guard) => Change::Applied(object(guard)?),
        Change::Gone(guard) => Change::Gone(object(guard)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(kind: &str, cause: Cause) -> Option<String> {
        hint(kind, &CallError { attempted: String::new(), cause })
    }

    #[test]
    fn hints_say_what_to_install_or_to_allow() {
        assert!(at(KIND, Cause::NotFound).is_some_and(|hint| hint.contains(schema::NAME)));
        assert!(
            at(KIND, Cause::Forbidden(String::new())).is_some_and(|hint| !hint.contains("watch-credentials"))
        );
        assert!(at("Secret", Cause::Forbidden(String::new())).is_some_and(|hint| hint.contains(WITHOUT)));
        assert_eq!(at(KIND, Cause::Unavailable(String::new())), None);
    }

    #[test]
    fn complaints_are_told_once_a_minute_and_when_they_change() {
        let (mut complaints, begin) = (Complaints::default(), Instant::now());
        let mut is_news =
            |cause: Cause, second| complaints.is_news(&cause, begin + Duration::from_secs(second));
        assert!(is_news(Cause::NotFound, 0) && !is_news(Cause::NotFound, 59));
        assert!(
            is_news(Cause::Conflict, 59) && is_news(Cause::NotFound, 60) && is_news(Cause::NotFound, 120)
        );
        assert!(complaints.end() && !complaints.end());
        assert!(complaints.is_news(&Cause::NotFound, begin));
    }

    #[test]
    fn watch_that_is_too_old_is_not_taken_for_a_missing_kind() {
        let status = kube::core::Status { code: GONE, message: "too old".to_owned(), ..Default::default() };
        let error = failed(KIND, &watcher::Error::WatchError(Box::new(status)));
        assert_eq!(error.cause, Cause::Unavailable("too old".to_owned()));
    }
}
