//! Records of the log, given to a follower as messages and changes.

use broadcast::Attachment;

use crate::follow::api::{Follow, Message};
use crate::play::view::View;
use crate::record::Change;

/// What adds up with the zone's time to Unix time.
#[derive(Clone, Copy)]
pub struct Wall {
    zone: u64,
    unix: u64,
}

impl Wall {
    /// As it is now.
    pub fn new(attachment: &Attachment) -> Wall {
        Wall { zone: attachment.zone().time_of(rt::now()), unix: rt::wall().as_millis() as u64 }
    }

    fn of(self, zone: u64) -> u64 {
        (self.unix + zone).saturating_sub(self.zone)
    }
}

/// Gives a follower what a view has; `last` becomes what happened last to the stream. `copy` is for what is not in one piece.
pub fn give(
    view: &View<'_>,
    copy: &mut Vec<u8>,
    follow: &mut dyn Follow,
    last: &mut Option<Change>,
    clock: Wall,
) {
    for item in &view.items {
        let payload = match &view.whole[item.whole.clone()] {
            [] => &[],
            [whole] => *whole,
            pieces => {
                copy.clear();
                pieces.iter().for_each(|piece| copy.extend_from_slice(piece));
                &copy[..]
            }
        };
        let message = Message {
            seq: item.seq,
            kind: item.head.kind,
            time: item.head.time,
            wall: clock.of(item.time),
            payload,
            flags: item.flags,
        };
        match item.head.event().filter(|_| message.is_change()) {
            Some(change) => {
                *last = Some(change);
                follow.change(change, item.seq, message.wall);
            }
            None => follow.message(&message),
        }
    }
}
