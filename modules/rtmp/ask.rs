//! Questions to all workers: what a page shows, and what an operator orders, concerns the clients of each.
//!
//! ```text
//! any worker ─▶ channel \0ask ─▶ every worker ─▶ channel \0answer/PID ─▶ the worker that has asked
//! ```
//! Questions and answers are lines of arguments (`a=1&b=2`), so that workers of different versions
//! understand each other.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use broadcast::{Attributes, ChannelId, Limits, Reading};

use crate::hub::Hub;
use crate::instance::Running;
use crate::{order, snapshot};
use proto::query;

const QUESTIONS: &[u8] = b"\0ask";
/// A worker that does not answer within this time is not waited for.
const PATIENCE_MS: u64 = 1000;
/// Questions and answers are of no use any more after this time.
const MAX_AGE_MS: u64 = 5000;

thread_local! {
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
}

/// Where this worker gets its answers. The channel is there from the beginning: a zone that is full of
/// streams does not keep an operator from looking.
struct Desk {
    name: Vec<u8>,
    channel: ChannelId,
    number: u64,
    waiters: Vec<Waker>,
}

/// From now on this worker answers, and may ask.
pub fn start(running: &'static Running) -> Result<(), String> {
    let hub = running.hub;
    let subscribe = |name: &[u8]| {
        let subscribed = hub.attachment.subscribe(name);
        let full = |_| "the rtmp_zone has no room for another channel".to_owned();
        subscribed.map(|(channel, _)| channel).map_err(full)
    };
    let channel = subscribe(QUESTIONS)?;
    let cursor = Cell::new(hub.attachment.zone().newest());
    hub.listen(
        channel,
        Rc::new(move || {
            let from = cursor.get();
            cursor.set(each(hub, channel, from, |question| answer(running, question)));
        }),
    );
    let name = format!("\0answer/{}", sys::process::pid()).into_bytes();
    let channel = subscribe(&name)?;
    hub.listen(channel, Rc::new(wake));
    DESK.set(Some(Desk { name, channel, number: 0, waiters: Vec::new() }));
    Ok(())
}

fn wake() {
    let waiters = DESK.with_borrow_mut(|desk| {
        desk.as_mut().map(|desk| std::mem::take(&mut desk.waiters)).unwrap_or_default()
    });
    waiters.into_iter().for_each(Waker::wake);
}

/// Calls `each` with the records behind `cursor`; gives the cursor behind them.
fn each(hub: &Hub, channel: ChannelId, cursor: u64, mut each: impl FnMut(&[u8])) -> u64 {
    let mut cursor = cursor;
    loop {
        match hub.attachment.read(&[channel], cursor, None, Limits::default()) {
            Reading::Batch(batch) => {
                let records = batch.records().to_vec();
                let mut all = Vec::with_capacity(records.len());
                for record in &records {
                    let mut bytes = Vec::with_capacity(record.len);
                    batch.copy(record, &mut bytes);
                    all.push(bytes);
                }
                // A batch is given up before anything else is read or appended.
                drop(batch);
                for (record, mut bytes) in records.iter().zip(all) {
                    while bytes.len() < record.len {
                        let rest = hub.attachment.read_rest(&[channel], record.seq, bytes.len());
                        let Reading::Batch(batch) = rest else { break };
                        batch.copy(&batch.records()[0], &mut bytes);
                    }
                    each(&bytes);
                    cursor = record.seq;
                }
            }
            Reading::Lagged { upto } => cursor = upto,
            Reading::Nothing | Reading::Torn => return cursor,
        }
    }
}

fn append(hub: &Hub, channel: &[u8], bytes: &[u8]) -> bool {
    let attributes = Attributes { max_age: MAX_AGE_MS, ..Attributes::default() };
    let appended = hub.attachment.zone().append(channel, &attributes, |_, _| {}, &[bytes]);
    if let Err(error) = appended {
        sys::log!(Error, "workers cannot talk to each other: {error}");
    }
    appended.is_ok()
}

fn answer(running: &'static Running, question: &[u8]) {
    let Some(to) = query::get(question, b"answer") else { return };
    let mut answer = Vec::new();
    query::add(&mut answer, "pid", sys::process::pid().to_string().as_bytes());
    query::add(&mut answer, "number", &query::get(question, b"number").unwrap_or_default());
    answer.push(b'\n');
    match query::get(question, b"call").as_deref() {
        Some(b"stat") => snapshot::write(running, &mut answer),
        Some(b"drop" | b"redirect") => {
            let count = order::obey(running, question);
            query::add(&mut answer, "count", count.to_string().as_bytes());
        }
        _ => {}
    }
    append(running.hub, &to, &answer);
}

/// What came of a question.
pub struct Answers {
    /// Of each worker that has answered, without the first line.
    pub all: Vec<Vec<u8>>,
    /// Workers that have not.
    pub missing: usize,
}

/// Asks all workers. `None`: they cannot be asked.
pub async fn all(running: &'static Running, question: &[u8]) -> Option<Answers> {
    let hub = running.hub;
    let (name, channel, number) = DESK.with_borrow_mut(|desk| {
        let desk = desk.as_mut()?;
        desk.number += 1;
        Some((desk.name.clone(), desk.channel, desk.number.to_string().into_bytes()))
    })?;
    let mut cursor = hub.attachment.zone().newest();
    let mut asked: HashSet<i32> = hub.attachment.zone().processes().into_iter().collect();
    let mut words = question.to_vec();
    query::add(&mut words, "number", &number);
    query::add(&mut words, "answer", &name);
    if !append(hub, QUESTIONS, &words) {
        return None;
    }
    let deadline = rt::now() + PATIENCE_MS;
    rt::after(PATIENCE_MS + 1, wake);
    let mut all = Vec::new();
    poll_fn(|context| {
        cursor = each(hub, channel, cursor, |answer| {
            let at = answer.iter().position(|&byte| byte == b'\n').unwrap_or(answer.len());
            let first = &answer[..at];
            let pid = query::get(first, b"pid");
            let pid = pid.and_then(|pid| std::str::from_utf8(&pid).ok()?.parse::<i32>().ok());
            let ours = query::get(first, b"number").as_ref() == Some(&number);
            if ours && pid.is_some_and(|pid| asked.remove(&pid)) {
                all.push(answer.get(at + 1..).unwrap_or_default().to_vec());
            }
        });
        asked.retain(|pid| sys::process::exists(*pid));
        if asked.is_empty() || rt::now() >= deadline {
            return Poll::Ready(());
        }
        DESK.with_borrow_mut(|desk| {
            desk.iter_mut().for_each(|desk| desk.waiters.push(context.waker().clone()));
        });
        Poll::Pending
    })
    .await;
    Some(Answers { all, missing: asked.len() })
}
