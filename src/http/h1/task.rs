//! The slow path: a connection that must wait, as a task.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use rt::{Next, TimedOut};

use super::connection::{Connection, Step};
use super::free;
use crate::Happening;
use crate::request::flow::{BoxFuture, Flow};
use crate::response::takeover::{End, Session, Takeover};
use rt::Io;

/// Drives `connection` from its first wait until the connection is idle or over.
pub async fn drive(mut connection: Box<Connection>, first: Step) -> Next {
    let io = connection.io;
    let mut step = first;
    loop {
        let result = match step {
            Step::Idle => {
                free::give_back(connection);
                return Next::Idle;
            }
            Step::Close => {
                connection.trace(Happening::Disconnecting);
                free::give_back(connection);
                return Next::Close;
            }
            Step::Takeover(takeover) => {
                return leave(connection, takeover);
            }
            Step::Read => io.readable().await,
            Step::Write => {
                let ready = prepared(&mut connection, io.writable()).await;
                connection.trace(Happening::ReadyToSend);
                ready
            }
            Step::Linger => {
                let limits = connection.settings().lingering();
                let closed = Box::pin(rt::linger(io, limits)).await;
                connection.lingered(closed);
                Ok(())
            }
            Step::Yield => {
                rt::yield_now().await;
                Ok(())
            }
            Step::Offload(piece) => {
                let result = rt::offload(move || piece.work()).await;
                step = next(&mut connection, |connection| connection.took(result));
                continue;
            }
            Step::Pace(ms) => {
                paced(&mut connection, ms).await;
                Ok(())
            }
            Step::Produce => {
                poll_fn(|cx| connection.produce(cx)).await;
                Ok(())
            }
            Step::Wait(handler) => {
                if !earlier_first(&mut connection).await {
                    connection.timed_out();
                    step = connection.advance();
                    continue;
                }
                let wait = handler.wait(&mut connection.request);
                let flow = match handler.outlives_client() {
                    true => wait.await,
                    false => unless_gone(io, wait).await,
                };
                step = next(&mut connection, |connection| connection.waited(flow));
                continue;
            }
        };
        if let Err(TimedOut) = result {
            connection.timed_out();
        }
        step = connection.advance();
    }
}

/// While the client takes nothing, what comes of the rest of the body may be looked after.
async fn prepared<T>(connection: &mut Connection, wait: impl Future<Output = T>) -> T {
    let mut wait = pin!(wait);
    poll_fn(|cx| {
        connection.prepare(cx);
        wait.as_mut().poll(cx)
    })
    .await
}

/// The same until the client may be sent more, as long as there is one.
async fn paced(connection: &mut Connection, ms: u64) {
    let io = connection.io;
    let mut wait = pin!(rt::sleep(ms));
    poll_fn(|cx| {
        connection.prepare(cx);
        match wait.as_mut().poll(cx) {
            Poll::Pending if io.is_broken() || connection.is_hung_up() => Poll::Ready(()),
            result => result,
        }
    })
    .await;
}

fn next(connection: &mut Connection, with: impl FnOnce(&mut Connection) -> Option<Step>) -> Step {
    with(connection).unwrap_or_else(|| connection.advance())
}

/// The answers to earlier requests go out before anything is said to this one. `false`: the client does not take them.
async fn earlier_first(connection: &mut Connection) -> bool {
    while connection.owes_answers() {
        if connection.flush().is_some() && connection.io.writable().await.is_err() {
            return false;
        }
    }
    true
}

/// Waits for a handler as long as there is somebody who waits for what it does.
async fn unless_gone(io: Io, wait: BoxFuture<'_, Flow>) -> Flow {
    let mut wait = pin!(wait);
    poll_fn(|cx| match wait.as_mut().poll(cx) {
        Poll::Pending if io.is_broken() => Poll::Ready(Flow::Status(499)),
        result => result,
    })
    .await
}

/// The connection leaves HTTP. What a request needs is given back; what a log line needs is kept until its end.
pub fn leave(mut connection: Box<Connection>, takeover: Box<dyn Takeover>) -> Next {
    let io = connection.io;
    let input = connection.leave();
    let logged = !connection.request.location().loggers.is_empty();
    let mut lasting = Vec::new();
    let log: Option<Box<dyn FnOnce(u64)>> = match logged {
        true => {
            connection.request.compact(takeover.logs_contexts());
            Some(Box::new(move |sent| {
                connection.trace(Happening::Disconnecting);
                connection.end_of_takeover(sent);
                free::give_back(connection);
            }))
        }
        false => {
            lasting = connection.request.lasting.take();
            free::give_back(connection);
            None
        }
    };
    Next::Task(takeover.start(Session::new(io, End { log, lasting }), input))
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
        assert!(size_of::<Connection>() <= 1280, "{}", size_of::<Connection>());
    }
}
