//! What the task of a stream waits for, each as long as there is a client who waits, too.

use std::cell::RefCell;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use h2::SendStream;
use h2::server::SendResponse;
use mem::Chain;

use super::output::Fault;
use super::piece::Piece;
use super::shared::Shared;
use crate::body::Source;
use crate::request::flow::{BoxFuture, Flow};

/// What answers a stream: its head, and words before that.
pub type Reply = Rc<RefCell<SendResponse<Piece>>>;

/// So much of a body is asked for at once.
const PIECE: usize = 32 << 10;

/// Waits for a handler.
pub async fn handler(reply: Reply, wait: BoxFuture<'_, Flow>) -> Flow {
    let mut wait = pin!(wait);
    std::future::poll_fn(|cx| match wait.as_mut().poll(cx) {
        Poll::Pending if reply.borrow_mut().poll_reset(cx).is_ready() => {
            Poll::Ready(Flow::Status(499))
        }
        result => result,
    })
    .await
}

/// Waits for the next piece of a body.
pub async fn source(
    send: &mut SendStream<Piece>,
    source: &mut dyn Source,
) -> Result<Option<Chain>, Fault> {
    std::future::poll_fn(|cx| match source.poll(cx, PIECE) {
        Poll::Ready(piece) => Poll::Ready(piece.map_err(Fault::Source)),
        Poll::Pending if send.poll_reset(cx).is_ready() => Poll::Ready(Err(Fault::Gone)),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Waits so many milliseconds.
pub async fn pause(send: &mut SendStream<Piece>, ms: u64) -> Result<(), Fault> {
    let mut sleep = pin!(rt::sleep(ms));
    std::future::poll_fn(|cx| match sleep.as_mut().poll(cx) {
        Poll::Pending if send.poll_reset(cx).is_ready() => Poll::Ready(Err(Fault::Gone)),
        result => result.map(Ok),
    })
    .await
}

/// Waits for the stream's turn, and then for room for up to `wanted` bytes: as long as `ms` milliseconds.
pub async fn room(
    send: &mut SendStream<Piece>,
    shared: &Shared,
    wanted: usize,
    ms: u64,
) -> Result<usize, Fault> {
    let id = send.stream_id().as_u32();
    let schedule = |cx: &mut Context<'_>| shared.schedule.borrow_mut().poll_turn(id, cx);
    std::future::poll_fn(|cx| match schedule(cx) {
        Poll::Pending if send.poll_reset(cx).is_ready() => Poll::Ready(Err(Fault::Gone)),
        Poll::Pending => {
            shared.give_turn();
            Poll::Pending
        }
        Poll::Ready(()) => Poll::Ready(Ok(())),
    })
    .await?;
    send.reserve_capacity(wanted);
    let mut sleep = None;
    std::future::poll_fn(|cx| {
        if let Poll::Ready(room) = poll_room(send, cx) {
            return Poll::Ready(room);
        }
        shared.schedule.borrow_mut().waits(id);
        shared.give_turn();
        let sleep = sleep.get_or_insert_with(|| rt::sleep(ms));
        Pin::new(sleep).poll(cx).map(|()| Err(Fault::TimedOut))
    })
    .await
}

/// Whether there is room for something, and how much.
pub fn poll_room(send: &mut SendStream<Piece>, cx: &mut Context<'_>) -> Poll<Result<usize, Fault>> {
    loop {
        match (send.capacity(), send.poll_capacity(cx)) {
            (_, Poll::Ready(Some(Err(_)) | None)) => return Poll::Ready(Err(Fault::Gone)),
            (0, Poll::Ready(Some(Ok(0)))) => {}
            (0, Poll::Ready(Some(Ok(room)))) => return Poll::Ready(Ok(room)),
            (0, Poll::Pending) => return Poll::Pending,
            (room, _) => return Poll::Ready(Ok(room)),
        }
    }
}
