//! Questions to all workers: what a page shows, and what an operator orders, concerns the clients of each.
//!
//! ```text
//! any worker ─▶ channel \0ask ─▶ every worker ─▶ channel \0answer/PID.N ─▶ the worker that has asked
//! ```
//! Questions and answers are lines of arguments (`a=1&b=2`), so that workers of different versions
//! understand each other.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use broadcast::{Attributes, ChannelId, Kind, Limits, Reading};

use crate::args;
use crate::hub::Hub;
use crate::instance::Running;
use crate::{order, snapshot};

const QUESTIONS: &[u8] = b"\0ask";
/// A worker that does not answer within this time is not waited for.
const PATIENCE_MS: u64 = 1000;
/// Questions and answers are of no use any more after this time.
const MAX_AGE_MS: u64 = 5000;

thread_local! {
    static NUMBER: Cell<u32> = const { Cell::new(0) };
}

/// From now on this worker answers.
pub fn start(running: &'static Running) -> Result<(), String> {
    let hub = running.hub;
    let (channel, _) = hub
        .attachment
        .subscribe(QUESTIONS, Kind::Channel, u32::MAX)
        .map_err(|_| "the rtmp_zone has no room for another channel".to_owned())?;
    let cursor = Cell::new(hub.attachment.zone().newest());
    hub.listen(
        channel,
        Rc::new(move || {
            let from = cursor.get();
            cursor.set(each(hub, channel, from, |question| answer(running, question)));
        }),
    );
    Ok(())
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

fn append(hub: &Hub, channel: &[u8], bytes: &[u8]) {
    let attributes = Attributes { max_age: MAX_AGE_MS, ..Attributes::default() };
    if let Err(error) = hub.attachment.zone().append(channel, &attributes, |_, _| {}, &[bytes]) {
        sys::log!(Error, "workers cannot talk to each other: {error}");
    }
}

fn answer(running: &'static Running, question: &[u8]) {
    let Some(to) = args::get(question, b"answer") else { return };
    let mut answer = Vec::new();
    args::add(&mut answer, "pid", sys::process::pid().to_string().as_bytes());
    answer.push(b'\n');
    match args::get(question, b"call").as_deref() {
        Some(b"stat") => snapshot::write(running, &mut answer),
        Some(b"drop" | b"redirect") => {
            let count = order::obey(running, question);
            args::add(&mut answer, "count", count.to_string().as_bytes());
        }
        _ => {}
    }
    append(running.hub, &[b"\0answer/", &to[..]].concat(), &answer);
}

/// Asks all workers. Gives their answers, each without its first line.
pub async fn all(running: &'static Running, question: &[u8]) -> Vec<Vec<u8>> {
    let hub = running.hub;
    let number = NUMBER.get();
    NUMBER.set(number.wrapping_add(1));
    let name = format!("{}.{number}", sys::process::pid());
    let channel = [b"\0answer/", name.as_bytes()].concat();
    let subscribed = hub.attachment.subscribe(&channel, Kind::Channel, u32::MAX);
    let Ok((channel, _)) = subscribed else { return Vec::new() };
    let heard = Rc::new(RefCell::new(Waiter(None)));
    let theirs = heard.clone();
    hub.listen(channel, Rc::new(move || theirs.borrow_mut().wake()));
    let before = hub.attachment.zone().newest();
    let mut asked: HashSet<i32> = hub.attachment.zone().processes().into_iter().collect();
    let mut words = question.to_vec();
    args::add(&mut words, "answer", name.as_bytes());
    append(hub, QUESTIONS, &words);
    let deadline = rt::now() + PATIENCE_MS;
    let alarm = heard.clone();
    rt::after(PATIENCE_MS + 1, move || alarm.borrow_mut().wake());
    let (mut answers, mut cursor) = (Vec::new(), before);
    poll_fn(|context| {
        heard.borrow_mut().0 = Some(context.waker().clone());
        cursor = each(hub, channel, cursor, |answer| {
            let at = answer.iter().position(|&byte| byte == b'\n').unwrap_or(answer.len());
            let pid = args::get(&answer[..at], b"pid");
            let pid = pid.and_then(|pid| std::str::from_utf8(&pid).ok()?.parse::<i32>().ok());
            if pid.is_some_and(|pid| asked.remove(&pid)) {
                answers.push(answer.get(at + 1..).unwrap_or_default().to_vec());
            }
        });
        asked.retain(|pid| sys::process::exists(*pid));
        match asked.is_empty() || rt::now() >= deadline {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    hub.listen_no_more(channel);
    answers
}

/// Who waits for answers.
struct Waiter(Option<Waker>);

impl Waiter {
    fn wake(&mut self) {
        if let Some(waiter) = self.0.take() {
            waiter.wake();
        }
    }
}
