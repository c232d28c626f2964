//! An answer's body on its way: at once if it is all there and fits, else piece by piece as there is room.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use super::output::Fault;
use super::piece::Piece;
use super::priority::Priority;
use super::render;
use super::stream::{Step, Stream};
use super::waits;
use crate::error::Error;

/// An answer up to this size is sent without a task, if it fits.
const AT_ONCE: u64 = 64 << 10;
/// So much room is asked for at once.
const ROOM: u64 = 64 << 10;

impl Stream {
    /// The body, if it is all there and fits.
    pub(super) fn send_at_once(&mut self) -> Step {
        let len = self.output.chain.len();
        let Some(send) = &mut self.send else { return Step::Done };
        if self.source.is_some() || self.pace.is_limited() || len > AT_ONCE {
            return Step::Send;
        }
        if len > 0 {
            send.reserve_capacity(len as usize);
            if (send.capacity() as u64) < len {
                return Step::Send;
            }
        }
        match self.push(len) {
            Ok(()) => self.end(),
            Err(fault) => {
                self.fail(&fault);
                Step::Done
            }
        }
    }

    /// Whether nothing follows what is in the output.
    fn is_last(&self) -> bool {
        self.source.is_none()
            && !self.request.response.has_trailers
            && self.request.response.takeover.is_none()
    }

    /// Sends up to `room` bytes of what waits, for which there is room.
    fn push(&mut self, mut room: u64) -> Result<(), Fault> {
        let chunk = self.settings().http2.chunk as u64;
        while room > 0 && !self.output.chain.is_empty() {
            let piece = self.output.take(chunk.min(room) as usize, room as usize)?;
            let len = piece.len() as u64;
            let ends = self.output.chain.is_empty() && self.is_last();
            let Some(send) = &mut self.send else { return Err(Fault::Gone) };
            send.send_data(piece.into(), ends).map_err(|_| Fault::Gone)?;
            room -= len;
            self.sent += len;
            self.shared.traffic.borrow_mut().sent(len);
            self.shared.schedule.borrow_mut().gave(len);
            if ends {
                self.is_complete = true;
            }
        }
        Ok(())
    }

    /// All of the body has gone out.
    pub(super) fn end(&mut self) -> Step {
        if self.is_complete {
            return self.finish();
        }
        if self.request.response.takeover.is_some() {
            return Step::Takeover;
        }
        let mut fields = self.source.take().and_then(|mut source| source.trailers());
        if self.request.response.has_trailers {
            let fields = fields.get_or_insert_default();
            for trailers in &self.request.location().trailers {
                trailers.fields(&mut self.request, fields);
            }
        }
        self.request.sent_trailers.clone_from(fields.get_or_insert_default());
        let Some(send) = &mut self.send else { return Step::Done };
        let sent = match fields {
            Some(fields) if !fields.is_empty() => send.send_trailers(render::trailers(&fields)),
            _ => send.send_data(Piece::default(), true),
        };
        match sent {
            Ok(()) => self.finish(),
            Err(_) => {
                self.fail(&Fault::Gone);
                Step::Done
            }
        }
    }

    /// There are clients that take the word that they need not go on for a failure, even behind the whole answer, and some only
    /// if they read both at once: they have a while to come to their end, or to give up. Their window is not opened again, so
    /// that they send no more than what is left of it.
    pub(super) async fn linger(&mut self) {
        let Some(recv) = self.recv.take() else { return };
        let settings = self.settings();
        let mut sleep = rt::sleep(settings.lingering_timeout.min(settings.lingering_time));
        poll_fn(|cx| {
            loop {
                match recv.borrow_mut().poll_data(cx) {
                    Poll::Ready(Some(Ok(_))) => {}
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => return Pin::new(&mut sleep).poll(cx),
                }
            }
        })
        .await;
    }

    /// The next piece of the body is there; `false`: that was all.
    async fn produce(&mut self) -> Result<bool, Fault> {
        let (Some(source), Some(send)) = (&mut self.source, &mut self.send) else {
            return Ok(false);
        };
        let wrong = |why: &str| Err(Fault::Source(Error::invalid(why)));
        self.shared.schedule.borrow_mut().pauses(send.stream_id().as_u32());
        match waits::source(send, &mut **source).await? {
            Some(mut piece) => {
                if let Some(left) = &mut self.promised {
                    match left.checked_sub(piece.len()) {
                        Some(rest) => *left = rest,
                        None => return wrong("it gives more than it has promised"),
                    }
                }
                self.output.chain.append(&mut piece);
                Ok(true)
            }
            None if self.promised.is_some_and(|left| left > 0) => {
                wrong("it gives less than it has promised")
            }
            None => Ok(false),
        }
    }

    /// How much may go out now, once something may (`limit_rate`).
    async fn share(&mut self) -> Result<u64, Fault> {
        let left = self.output.chain.len();
        loop {
            let passed = rt::now().saturating_sub(self.request.started);
            match self.pace.share(passed, self.sent, left) {
                Ok(share) => return Ok(share.min(left).min(ROOM)),
                Err(ms) => {
                    self.give_way(false);
                    let Some(send) = &mut self.send else { return Err(Fault::Gone) };
                    waits::pause(send, ms).await?;
                }
            }
        }
    }

    /// Takes its place among those that have something to send.
    fn enter(&self) {
        let Some(send) = &self.send else { return };
        let asked = self.request.header_list("priority");
        let mut priority = match asked.is_empty() {
            true => Priority::default(),
            false => Priority::parse(&asked),
        };
        if let Some(said) = self.request.response.header("priority") {
            priority = priority.overridden(said);
        }
        self.shared.schedule.borrow_mut().enter(send.stream_id().as_u32(), priority);
    }

    /// It has nothing to send for now, or for good.
    pub(super) fn give_way(&self, for_good: bool) {
        let Some(send) = &self.send else { return };
        let mut schedule = self.shared.schedule.borrow_mut();
        match for_good {
            true => schedule.leave(send.stream_id().as_u32()),
            false => schedule.pauses(send.stream_id().as_u32()),
        }
    }

    /// Waits for room. While there is none, what comes of the rest of the body may be looked after.
    async fn room(&mut self, wanted: usize, timeout: u64) -> Result<usize, Fault> {
        let Some(send) = &mut self.send else { return Err(Fault::Gone) };
        let mut room = pin!(waits::room(send, &self.shared, wanted, timeout));
        let source = &mut self.source;
        poll_fn(|cx| {
            source.iter_mut().for_each(|source| source.prepare(cx));
            room.as_mut().poll(cx)
        })
        .await
    }

    pub(super) async fn send_body(&mut self) -> Result<(), Fault> {
        let timeout = self.settings().send_timeout;
        self.enter();
        loop {
            if self.output.chain.is_empty() {
                match self.produce().await? {
                    true => continue,
                    false => return Ok(()),
                }
            }
            let share = self.share().await?;
            let room = self.room(share as usize, timeout).await?;
            self.push(share.min(room as u64))?;
        }
    }
}
