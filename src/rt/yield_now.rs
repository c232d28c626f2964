//! Leaving the rest of a turn to others.

use std::future::poll_fn;
use std::task::Poll;

/// Comes back after all others that are ready have had their turn.
pub async fn yield_now() {
    let mut waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
