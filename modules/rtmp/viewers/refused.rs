//! Viewers that an operator has sent away: in a channel of the zone, so that all workers know them, and those to come.

use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::rc::Rc;

use broadcast::{Attributes, ChannelId, ReadLimits, Reading, Start};

use crate::running::Running;

const CHANNEL: &[u8] = b"\0refused";
/// A token is not kept longer by most browsers than they are open.
const MAX_AGE_MS: u64 = 24 * 3600 * 1000;
/// So many are known, the newest.
const MOST: usize = 100_000;

struct Refused {
    channel: ChannelId,
    cursor: u64,
    ids: HashSet<u64>,
    order: VecDeque<u64>,
}

thread_local! {
    static REFUSED: RefCell<Option<Refused>> = const { RefCell::new(None) };
}

/// Whether a viewer was sent away.
pub fn has(running: &'static Running, id: u64) -> bool {
    if REFUSED.with_borrow(Option::is_none) {
        begin(running);
    }
    REFUSED.with_borrow(|refused| refused.as_ref().is_some_and(|refused| refused.ids.contains(&id)))
}

/// Sends one away.
pub fn add(running: &Running, id: u64) {
    let attributes = Attributes { max_age: MAX_AGE_MS, ..Attributes::default() };
    let zone = running.hub.attachment.zone();
    let appended = zone.append(CHANNEL, &attributes, |_, _| {}, &[&id.to_le_bytes()]);
    if let Err(error) = appended {
        sys::log!(Error, "a viewer is not sent away: {error}");
    }
}

/// The first of this worker's viewers has come: from now on it hears of those who are sent away.
fn begin(running: &'static Running) {
    let hub = running.hub;
    let Ok((channel, _)) = hub.attachment.subscribe(CHANNEL) else { return };
    let (cursor, _) = hub.attachment.start(&[channel], Start::Oldest);
    let (ids, order) = Default::default();
    REFUSED.set(Some(Refused { channel, cursor, ids, order }));
    let look = move || {
        REFUSED.with_borrow_mut(|refused| refused.iter_mut().for_each(|it| it.look(running)));
    };
    hub.listen(channel, Rc::new(look));
    look();
}

impl Refused {
    fn look(&mut self, running: &Running) {
        let attachment = running.hub.attachment;
        loop {
            let limits = ReadLimits { told: self.cursor, ..ReadLimits::default() };
            match attachment.read(&[self.channel], self.cursor, None, limits) {
                Reading::Batch(batch) => {
                    for record in batch.records() {
                        self.cursor = record.seq;
                        let mut bytes = Vec::new();
                        batch.copy(record, &mut bytes);
                        if let Some(id) = bytes.first_chunk() {
                            let id = u64::from_le_bytes(*id);
                            if self.ids.insert(id) {
                                self.order.push_back(id);
                            }
                        }
                    }
                }
                Reading::Lagged { upto } => self.cursor = upto,
                Reading::Nothing | Reading::Torn => break,
            }
        }
        while self.order.len() > MOST {
            self.order.pop_front().map(|oldest| self.ids.remove(&oldest));
        }
    }
}
