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

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

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
            if input.expects_continue {
                match input.io.write(&[IoSlice::new(CONTINUE)], false) {
                    Ok(_) => input.expects_continue = false,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        input.io.wakes(cx);
                        return Poll::Pending;
                    }
                    Err(error) => return Poll::Ready(Err(failed(error))),
                }
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
                    if !std::mem::replace(&mut input.waits, true) {
                        input.io.set_timeout(input.timeout);
                    } else if input.io.timed_out() {
                        return Poll::Ready(Err(failed(Cause::TimedOut)));
                    }
                    input.io.wakes(cx);
                    return Poll::Pending;
                }
                Err(error) => return Poll::Ready(Err(failed(error))),
            }
        }
    }
}
