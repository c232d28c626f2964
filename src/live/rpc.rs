//! Calls from a worker to all: what a page shows, and what an operator wants done, concerns the clients of each.
//!
//! ```text
//! any worker ─▶ channel \0call ─▶ every worker ─▶ channel \0reply/PID ─▶ the worker that has called
//! ```
//! Calls and replies are lines of arguments (`a=1&b=2`), so that workers of different versions understand each other.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use broadcast::{Attributes, ChannelId, ReadLimits, Reading};
use proto::query;

use crate::hub::Hub;
use crate::long;
use crate::protocol::Protocol;

const CALLS: &[u8] = b"\0call";
/// A worker that does not reply within this time is not waited for.
const PATIENCE_MS: u64 = 1000;
/// Calls and replies are of no use any more after this time.
const MAX_AGE_MS: u64 = 5000;

/// A worker's end: it replies to calls, and makes some. Its channels are there from the beginning: a zone that is full
/// of streams does not keep an operator from looking.
pub struct Rpc<P: Protocol> {
    hub: &'static Hub<P>,
    /// The channel of the replies to it.
    name: Vec<u8>,
    channel: ChannelId,
    number: Cell<u64>,
    waiters: RefCell<Vec<Waker>>,
}

/// What came of a call.
#[derive(Debug, Default)]
pub struct Replies {
    /// Of each worker that has replied.
    pub all: Vec<Vec<u8>>,
    /// Workers that have not.
    pub missing: usize,
}

impl<P: Protocol> Rpc<P> {
    /// From now on this worker replies: `reply` is given a call's arguments, and writes what is to be said.
    pub fn start(
        hub: &'static Hub<P>,
        reply: impl Fn(&[u8], &mut Vec<u8>) + 'static,
    ) -> Result<&'static Rpc<P>, String> {
        let subscribe = |name: &[u8]| {
            let subscribed = hub.attachment.subscribe(name);
            let full = |_| "the zone has no room for another channel".to_owned();
            subscribed.map(|(channel, _)| channel).map_err(full)
        };
        let channel = subscribe(CALLS)?;
        let cursor = Cell::new(hub.attachment.zone().newest());
        let name = format!("\0reply/{}", sys::process::pid()).into_bytes();
        let rpc: &'static Rpc<P> = Box::leak(Box::new(Rpc {
            hub,
            channel: subscribe(&name)?,
            name,
            number: Cell::new(0),
            waiters: RefCell::default(),
        }));
        let listener =
            move || cursor.set(rpc.each(channel, cursor.get(), |call| rpc.reply(call, &reply)));
        hub.listen(channel, Rc::new(listener));
        hub.listen(rpc.channel, Rc::new(|| rpc.wake()));
        Ok(rpc)
    }

    fn wake(&self) {
        self.waiters.take().into_iter().for_each(Waker::wake);
    }

    fn reply(&self, call: &[u8], reply: impl Fn(&[u8], &mut Vec<u8>)) {
        let Some(to) = query::get(call, b"reply_to") else { return };
        let mut out = Vec::new();
        query::add(&mut out, "pid", sys::process::pid().to_string().as_bytes());
        query::add(&mut out, "number", &query::get(call, b"number").unwrap_or_default());
        out.push(b'\n');
        reply(call, &mut out);
        self.append(&to, &out);
    }

    fn append(&self, channel: &[u8], bytes: &[u8]) -> bool {
        let attributes = Attributes { max_age: MAX_AGE_MS, ..Attributes::default() };
        let zone = self.hub.attachment.zone();
        let appended = zone.append(channel, &attributes, |_, _| {}, &[bytes]);
        if let Err(error) = &appended {
            sys::log!(Error, "workers cannot talk to each other: {error}");
        }
        appended.is_ok()
    }

    /// Calls `each` with the records behind `cursor`; gives the cursor behind them.
    fn each(&self, channel: ChannelId, cursor: u64, mut each: impl FnMut(&[u8])) -> u64 {
        let (attachment, mut cursor) = (self.hub.attachment, cursor);
        let one = ReadLimits { records: 1, ..ReadLimits::default() };
        loop {
            match attachment.read(&[channel], cursor, None, one) {
                Reading::Batch(batch) => {
                    cursor = batch.records()[0].seq;
                    // A batch is given up before anything is appended.
                    let record = long::whole(attachment, channel, batch);
                    record.into_iter().for_each(|bytes| each(&bytes));
                }
                Reading::Lagged { upto } => cursor = upto,
                Reading::Nothing | Reading::Torn => return cursor,
            }
        }
    }

    /// Calls all workers with these arguments. `None`: they cannot be called.
    pub async fn call(&'static self, arguments: &[u8]) -> Option<Replies> {
        self.number.set(self.number.get() + 1);
        let number = self.number.get().to_string().into_bytes();
        let zone = self.hub.attachment.zone();
        let mut cursor = zone.newest();
        let mut called: HashSet<i32> = zone.processes().into_iter().collect();
        let mut call = arguments.to_vec();
        query::add(&mut call, "number", &number);
        query::add(&mut call, "reply_to", &self.name);
        if !self.append(CALLS, &call) {
            return None;
        }
        let deadline = rt::now() + PATIENCE_MS;
        rt::after(PATIENCE_MS + 1, || self.wake());
        let mut all = Vec::new();
        poll_fn(|context| {
            cursor = self.each(self.channel, cursor, |reply| {
                let at = reply.iter().position(|&byte| byte == b'\n').unwrap_or(reply.len());
                let first = &reply[..at];
                let pid = query::get(first, b"pid");
                let pid = pid.and_then(|pid| std::str::from_utf8(&pid).ok()?.parse::<i32>().ok());
                let ours = query::get(first, b"number").as_ref() == Some(&number);
                if ours && pid.is_some_and(|pid| called.remove(&pid)) {
                    all.push(reply.get(at + 1..).unwrap_or_default().to_vec());
                }
            });
            called.retain(|pid| sys::process::exists(*pid));
            if called.is_empty() || rt::now() >= deadline {
                return Poll::Ready(());
            }
            self.waiters.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
        Some(Replies { all, missing: called.len() })
    }
}
