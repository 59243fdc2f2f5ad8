//! A registry that answers with whatever it likes.

use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use oci_artifact::name::{Digest, Repository, Tag, Target};
use oci_registry::{Access, Client, Credential, RepositoryClient, Secret, auth::Fixed};
use oci_testkit::planted::PASSWORD;

use crate::{is_line, wire};

/// What stands between two answers.
const BETWEEN: &[u8] = b"\n===\n";

/// A letter that says what is asked for, and the answers: heads and bodies as they are on the wire.
pub(crate) fn registry(bytes: &[u8]) {
    /// Another host each time: nothing that was learned of one is used for the next.
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let Some((what, script)) = bytes.split_first() else { return };
    let answers = split(script);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let repository = Repository::parse(&format!("r{number}.example/org/app")).unwrap();
    wire::answering(&answers, async |options, _| {
        let password =
            Credential::Basic { username: "tester".to_owned(), password: Secret::new(PASSWORD.to_owned()) };
        let client = Client::new(options).with_credentials(Arc::new(Fixed::new(password, "a test")));
        ask(&client.repository(&repository, Access::Pull), *what).await;
    });
}

async fn ask(client: &RepositoryClient, what: u8) {
    let target = Target::Tag(Tag::latest());
    match what {
        b't' => told(client.tags().await),
        b'd' => told(client.resolve(&target).await),
        b'r' => told(client.referrers(&Digest::of(b"a")).await),
        b's' => drop(client.try_steps(Some(&target)).await),
        _ => told(client.manifest(&target).await),
    }
}

fn told<T, E: Display>(result: Result<T, E>) {
    if let Err(error) = result {
        is_line(&error.to_string());
    }
}

fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut out = Vec::new();
    while let Some(end) = bytes.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
        out.push(&bytes[..end]);
        bytes = &bytes[end + BETWEEN.len()..];
    }
    out.push(bytes);
    out
}
