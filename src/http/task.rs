//! The slow path: an exchange that must wait, as a task.

use std::future::poll_fn;
use std::task::Poll;

use rt::{Next, TimedOut};

use crate::exchange::{Exchange, Step};
use crate::takeover::Session;
use crate::{Happening, service};

/// Drives `exchange` from its first wait until the connection is idle or over.
pub async fn drive(mut exchange: Box<Exchange>, first: Step) -> Next {
    let conn = exchange.conn;
    let mut step = first;
    loop {
        let result = match step {
            Step::Idle => {
                service::give_back(exchange);
                return Next::Idle;
            }
            Step::Close => {
                exchange.trace(Happening::Disconnecting);
                service::give_back(exchange);
                return Next::Close;
            }
            Step::Takeover(takeover) => {
                return Next::Task(takeover.start(Session::new(exchange)));
            }
            Step::Read => conn.readable().await,
            Step::Write => {
                let ready = conn.writable().await;
                exchange.trace(Happening::ReadyToSend);
                ready
            }
            Step::Yield => {
                others_first().await;
                Ok(())
            }
            Step::Offload(piece) => {
                let result = rt::offload(move || piece.work()).await;
                step = next(&mut exchange, |exchange| exchange.took(result));
                continue;
            }
            Step::Pace(ms) => {
                rt::sleep(ms).await;
                Ok(())
            }
            Step::Produce => {
                poll_fn(|cx| exchange.produce(cx)).await;
                Ok(())
            }
            Step::Wait(handler) => {
                let flow = handler.wait(&mut exchange).await;
                step = next(&mut exchange, |exchange| exchange.waited(flow));
                continue;
            }
        };
        if let Err(TimedOut) = result {
            exchange.timed_out();
        }
        step = exchange.advance();
    }
}

fn next(exchange: &mut Exchange, with: impl FnOnce(&mut Exchange) -> Option<Step>) -> Step {
    with(exchange).unwrap_or_else(|| exchange.advance())
}

/// Comes back after all others that are ready have had their turn.
pub(crate) async fn others_first() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<A, B, F>(_: fn(A, B) -> F) -> usize {
        size_of::<F>()
    }

    /// What a connection costs that waits: a slow client must not cost more than it has to.
    #[test]
    fn a_waiting_connection_is_small() {
        assert!(size_of_future(drive) <= 256, "{}", size_of_future(drive));
        assert!(size_of::<Exchange>() <= 1280, "{}", size_of::<Exchange>());
    }
}
