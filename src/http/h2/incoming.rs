//! The body of a request, as it comes on a stream. What somebody has taken of it makes room for more: nothing else does.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use h2::RecvStream;
use http_types::{Response, StatusCode};
use mem::Chain;

use super::head::share;
use super::waits::Reply;
use crate::body::Source;
use crate::error::{Cause, Error, Phase};

/// What a body must keep to, as the location says in which its request is by then.
#[derive(Default)]
pub struct Terms {
    /// Bytes that have come, for the log.
    pub received: Cell<u64>,
    /// There may be so many; 0: any number.
    pub most: Cell<u64>,
    /// Between two pieces, in milliseconds.
    pub timeout: Cell<u64>,
}

/// A body that is still to come.
pub struct Incoming {
    body: Rc<RefCell<RecvStream>>,
    reply: Reply,
    /// The client waits for our word before it sends.
    pub owes_continue: bool,
    /// Bytes that are to come, if that is known.
    pub left: Option<u64>,
    terms: Rc<Terms>,
    clock: Option<rt::Sleep>,
}

fn failed(cause: Cause) -> Error {
    Error::new(Phase::Client, cause)
}

impl Incoming {
    /// Of a stream.
    pub fn new(body: Rc<RefCell<RecvStream>>, reply: Reply, terms: Rc<Terms>) -> Incoming {
        let (owes_continue, left, clock) = (false, None, None);
        Incoming { body, reply, owes_continue, left, terms, clock }
    }

    fn say_continue(&mut self) {
        let mut word = Response::new(());
        *word.status_mut() = StatusCode::CONTINUE;
        // If it cannot be said, the client has heard more than that already.
        let _ = self.reply.borrow_mut().send_informational(word);
        self.owes_continue = false;
    }

    fn take(&mut self, bytes: &bytes::Bytes) -> Result<Option<Chain>, Error> {
        let len = bytes.len();
        let received = self.terms.received.get() + len as u64;
        self.terms.received.set(received);
        let most = self.terms.most.get();
        if most != 0 && received > most {
            let why = "client intended to send too large body";
            return Err(failed(Cause::Refused(413, why)));
        }
        self.left = self.left.map(|left| left.saturating_sub(len as u64));
        // It fails where the stream has ended: nobody needs room there.
        let _ = self.body.borrow_mut().flow_control().release_capacity(len);
        let mut piece = Chain::new();
        piece.push_str(share(bytes));
        Ok(Some(piece))
    }
}

impl Source for Incoming {
    fn length(&self) -> Option<u64> {
        self.left
    }

    fn poll(&mut self, cx: &mut Context<'_>, _: usize) -> Poll<Result<Option<Chain>, Error>> {
        if self.owes_continue {
            self.say_continue();
        }
        loop {
            let data = self.body.borrow_mut().poll_data(cx);
            match data {
                Poll::Ready(None) => return Poll::Ready(Ok(None)),
                Poll::Ready(Some(Ok(bytes))) if bytes.is_empty() => {}
                Poll::Ready(Some(Ok(bytes))) => {
                    self.clock = None;
                    return Poll::Ready(self.take(&bytes));
                }
                Poll::Ready(Some(Err(_))) => {
                    let why = "client closed stream while sending its request's body";
                    return Poll::Ready(Err(failed(Cause::Refused(499, why))));
                }
                Poll::Pending => {
                    let timeout = self.terms.timeout.get();
                    let clock = self.clock.get_or_insert_with(|| rt::sleep(timeout));
                    return Pin::new(clock).poll(cx).map(|()| Err(failed(Cause::TimedOut)));
                }
            }
        }
    }
}
