//! The client, while something is done for it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use http::Request;

/// Waits as long as there is somebody who waits for it. `None`: nobody is there any more, nor is it to go on nevertheless
/// (`ignores`).
pub async fn unless_gone<T>(
    request: &Request,
    ignores: bool,
    work: impl Future<Output = T>,
) -> Option<T> {
    let conn = request.connection.conn();
    let mut work = pin!(work);
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Pending if !ignores && conn.hung_up() => Poll::Ready(None),
        result => result.map(Some),
    })
    .await
}
