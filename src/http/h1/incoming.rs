//! The body of a request as a source, as its framing on the connection has it.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::task::{Context, Poll};

use mem::{Buf, Chain};

use super::connection::READS;
use super::decoder::Decoder;
use super::input::Input;
use crate::body::Source;
use crate::error::{Cause, Error, Phase};

/// A body that is still to be read. It knows which request's it is: of another one's it gives nothing.
pub struct Incoming {
    input: Rc<RefCell<Input>>,
    serial: u64,
    /// Reads since others had their turn.
    reads: u32,
}

fn failed(cause: impl Into<Cause>) -> Error {
    Error::new(Phase::Client, cause)
}

impl Incoming {
    /// The body of the request at hand.
    pub fn new(input: &Rc<RefCell<Input>>) -> Incoming {
        Incoming { input: input.clone(), serial: input.borrow().serial, reads: 0 }
    }

    /// What the input has of it; none: more is to be read.
    fn take(&self, input: &mut Input) -> Result<Option<Chain>, Error> {
        let mut piece = Chain::new();
        let done = input.take_body(|bytes| piece.push(Buf::memory(bytes)));
        let done = done.map_err(|reject| failed(Cause::Refused(reject.status, reject.reason)))?;
        Ok((done || !piece.is_empty()).then_some(piece))
    }
}

/// Waits for the client, until the deadline that begins with it.
fn wait<T>(input: &mut Input, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
    if !std::mem::replace(&mut input.waits, true) {
        input.io.set_timeout(input.timeout);
    } else if input.io.timed_out() {
        return Poll::Ready(Err(failed(Cause::TimedOut)));
    }
    input.io.wakes(cx);
    Poll::Pending
}

impl Source for Incoming {
    fn length(&self) -> Option<u64> {
        match self.input.borrow().decoder {
            Decoder::Done => Some(0),
            Decoder::Length(left) => Some(left),
            Decoder::Chunks(_) => None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, _: usize) -> Poll<Result<Option<Chain>, Error>> {
        let shared = self.input.clone();
        let input = &mut *shared.borrow_mut();
        if input.serial != self.serial {
            return Poll::Ready(Err(failed(Cause::Closed(0))));
        }
        loop {
            if input.decoder.is_done() {
                return Poll::Ready(Ok(None));
            }
            if let Some(piece) = self.take(input).transpose() {
                let empty = piece.as_ref().is_ok_and(Chain::is_empty);
                return Poll::Ready(piece.map(|piece| (!empty).then_some(piece)));
            }
            if input.expects_continue() {
                match input.io.write(&[IoSlice::new(input.owed)], false) {
                    Ok(count) => input.owed = &input.owed[count..],
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        return wait(input, cx);
                    }
                    Err(error) => return Poll::Ready(Err(failed(error))),
                }
                input.waits = false;
                continue;
            }
            // A client that sends without a pause must not keep the worker to itself.
            if self.reads == READS {
                self.reads = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.reads += 1;
            match input.read() {
                Ok(0) => return Poll::Ready(Err(failed(Cause::Closed(0)))),
                Ok(_) => input.waits = false,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    input.release_if_empty();
                    return wait(input, cx);
                }
                Err(error) => return Poll::Ready(Err(failed(error))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h1::input::CONTINUE;
    use std::task::Waker;

    fn poll(body: &mut Incoming) -> Poll<Result<Option<Chain>, Error>> {
        body.poll(&mut Context::from_waker(Waker::noop()), 0)
    }

    /// A body of ten bytes, and its client.
    fn stage() -> (Rc<RefCell<Input>>, rt::Socket, rt::Socket) {
        rt::create(rt::Config { slots: 4, multi_accept: false }).expect("a loop");
        let (server, client) = rt::pair().expect("two sockets");
        let mut input = Input::new(rt::Io::new(*server));
        input.decoder = Decoder::Length(10);
        input.timeout = 1;
        (Rc::new(RefCell::new(input)), server, client)
    }

    /// Writes until the socket takes no more; gives how much that was.
    fn stuff(socket: &rt::Socket) -> usize {
        let mut sent = 0;
        while let Ok(count) = socket.write(&[IoSlice::new(&[b'x'; 4096])], false) {
            sent += count;
        }
        sent
    }

    /// A client that does not take `100 Continue` has as long for that as for its body.
    #[test]
    fn a_word_that_is_not_taken_is_not_waited_for_without_end() {
        let (input, server, _client) = stage();
        input.borrow_mut().owed = CONTINUE;
        stuff(&server);
        let mut body = Incoming::new(&input);
        let ended = Rc::new(RefCell::new(None));
        let told = ended.clone();
        rt::spawn(async move {
            let end = std::future::poll_fn(|cx| body.poll(cx, 0)).await;
            *told.borrow_mut() = end.err().map(|error| error.status());
            rt::stop();
        });
        rt::run().expect("it runs");
        assert_eq!(*ended.borrow(), Some(408));
    }

    /// RFC 9110 §10.1.1: it is sent once, and as a whole, however many writes that takes.
    #[test]
    fn a_word_is_completed_before_anything_else_is_said() {
        let (input, _server, client) = stage();
        input.borrow_mut().owed = &CONTINUE[5..];
        assert!(poll(&mut Incoming::new(&input)).is_pending());
        let mut said = [0; 64];
        let count = client.read(&mut said).expect("the rest");
        assert_eq!(&said[..count], &CONTINUE[5..]);
        assert!(!input.borrow().expects_continue());
        // What was not begun need not be said; what was, must be.
        input.borrow_mut().owed = CONTINUE;
        assert_eq!(input.borrow_mut().end_continue(), b"");
        input.borrow_mut().owed = &CONTINUE[24..];
        assert_eq!(input.borrow_mut().end_continue(), b"\n");
        assert!(!input.borrow().expects_continue());
    }
}
