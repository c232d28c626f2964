//! The task of a stream that has to wait.

use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use h2::Reason;
use rt::Io;

use super::layer::StreamLayer;
use super::stream::{Step, Stream};
use super::waits::{self, Reply};
use crate::request::phases;
use crate::response::takeover::{End, Session};

/// Drives a stream that has to wait to its end.
async fn drive(mut stream: Box<Stream>, mut step: Step) {
    loop {
        step = match step {
            Step::Done => return,
            Step::Takeover => return leave(stream),
            Step::Linger => return stream.linger().await,
            Step::Wait(handler) => {
                let Some(reply) = stream.reply.clone() else { return };
                let wait = handler.wait(&mut stream.request);
                let flow = match handler.outlives_client() {
                    true => wait.await,
                    false => waits::handler(reply, wait).await,
                };
                let outcome = phases::waited(&mut stream.request, flow);
                stream.settle(outcome)
            }
            Step::Send => match stream.send_body().await {
                Ok(()) => stream.end(),
                Err(fault) => {
                    stream.fail(&fault);
                    Step::Done
                }
            },
        };
    }
}

/// The stream leaves HTTP. What a request needs is given back; what a log line needs is kept until its end.
pub fn leave(mut stream: Box<Stream>) {
    stream.give_way(true);
    let (takeover, send) = (stream.request.response.takeover.take(), stream.send.take());
    let (Some(takeover), Some(send)) = (takeover, send) else { return };
    // The stream is its new owner's alone: when that drops it, it is given up.
    stream.reply = None;
    let settings = stream.settings();
    let recv = stream.recv.take().and_then(Rc::into_inner).map(RefCell::into_inner);
    let shared = stream.shared.clone();
    let layer = Box::new(StreamLayer::new(
        shared.clone(),
        send,
        recv,
        stream.request.is_tunnel,
        settings.http2.chunk,
    ));
    shared.give_up_silent(settings.send_timeout);
    let logged = !stream.request.location().loggers.is_empty();
    let mut lasting = Vec::new();
    let log: Option<Box<dyn FnOnce(u64)>> = match logged {
        true => {
            stream.request.compact(takeover.logs_contexts());
            Some(Box::new(move |sent| {
                stream.sent += sent;
                stream.request.is_answered = true;
                stream.log();
            }))
        }
        false => {
            lasting = stream.request.lasting.take();
            stream.logged = true;
            drop(stream);
            None
        }
    };
    let session = |conn| Session::new(Io::new(conn), End { log, lasting });
    if rt::nest(shared.conn, layer, |conn| takeover.start(session(conn), Vec::new())).is_none() {
        sys::log!(Alert, "*{} no memory for another stream", shared.conn.serial());
    }
}

/// A stream's task: a panic ends the stream, and nobody else's.
pub struct Guarded {
    task: Option<Pin<Box<dyn Future<Output = ()>>>>,
    reply: Option<Reply>,
    serial: u64,
}

impl Guarded {
    /// Of a stream, from its first wait to its end.
    pub fn new(stream: Box<Stream>, step: Step, serial: u64) -> Guarded {
        let reply = stream.reply();
        Guarded { task: Some(Box::pin(drive(stream, step))), reply, serial }
    }
}

impl Future for Guarded {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(mut task) = self.task.take() else { return Poll::Ready(()) };
        // In there: what the task has is dropped while the panic goes on, and knows of it.
        let poll = || {
            let result = task.as_mut().poll(cx);
            (result, task)
        };
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok((Poll::Pending, task)) => {
                self.task = Some(task);
                Poll::Pending
            }
            Ok((Poll::Ready(()), _)) => {
                self.reply = None;
                Poll::Ready(())
            }
            Err(_) => {
                panicked(self.serial, self.reply.take());
                Poll::Ready(())
            }
        }
    }
}

/// A request has panicked: its stream ends, if it can be reached.
pub fn panicked(serial: u64, reply: Option<Reply>) {
    sys::log!(Alert, "*{serial} a panic ended this stream");
    if let Some(reply) = reply
        && let Ok(mut reply) = reply.try_borrow_mut()
    {
        reply.send_reset(Reason::INTERNAL_ERROR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    #[test]
    fn a_panic_ends_a_stream_and_nobody_else() {
        let task: Pin<Box<dyn Future<Output = ()>>> =
            Box::pin(async { panic!("a module's fault") });
        let mut guarded = Guarded { task: Some(task), reply: None, serial: 1 };
        let poll = Pin::new(&mut guarded).poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(poll, Poll::Ready(()));
    }
}
