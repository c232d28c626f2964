//! Streams whose publisher's connection broke: it may come back, for a while.

use broadcast::{Attachment, Attributes, ChannelId, ReadLimits, Reading, Start, Zone};

use crate::play::view::View;
use crate::record::{CHANGE, Change, Head};
use crate::settings::app::App;

/// How long, in milliseconds, a record of a stream is kept when nothing comes after it: longer than anybody
/// may need it.
pub fn max_age(app: &App) -> u64 {
    let needed = [app.live_window + app.delay, app.publish_grace, 60_000];
    2 * needed.into_iter().max().unwrap_or(0)
}

/// What is known of a stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct Last {
    /// The stream's clock at its last message, and the zone's time then.
    pub frame: Option<(u32, u64)>,
    /// What happened last, and when.
    pub change: Option<(Change, u64)>,
    /// The seq of that.
    pub seq: u64,
}

/// Looks at the newest records of a stream.
pub fn last(attachment: &Attachment, id: ChannelId) -> Last {
    let mut last = Last::default();
    let (mut cursor, told) = attachment.start(&[id], Start::Last(16));
    loop {
        match attachment.read(&[id], cursor, None, ReadLimits { told, ..ReadLimits::default() }) {
            Reading::Batch(batch) => {
                let Some(end) = batch.records().last().map(|record| record.seq) else {
                    return last;
                };
                let view = View::of(&batch);
                for item in &view.items {
                    match item.head.event().filter(|_| item.flags & CHANGE != 0) {
                        Some(change) => {
                            last.change = Some((change, item.time));
                            last.seq = item.seq;
                        }
                        None => last.frame = Some((item.head.time, item.time)),
                    }
                }
                cursor = end;
            }
            Reading::Lagged { upto } => cursor = upto,
            Reading::Nothing | Reading::Torn => return last,
        }
    }
}

impl Last {
    /// Whether its publisher has said that it leaves.
    pub fn has_left(&self) -> bool {
        matches!(self.change, Some((Change::Ended | Change::Broke, _)))
    }

    /// Whether the stream, which has no owner, waits for its publisher to come back. That of a dead worker does so before
    /// anybody has said that it broke.
    pub fn is_waiting(&self, publish_grace: u64, now: u64) -> bool {
        let since = match self.change {
            Some((Change::Ended, _)) => None,
            Some((Change::Broke, time)) => Some(time),
            Some((Change::Began | Change::Resumed, _)) | None => self.frame.map(|(_, time)| time),
        };
        since.is_some_and(|since| now < since + publish_grace)
    }
}

/// Whether a stream has a publisher, or waits for it to come back.
pub fn is_live(attachment: &Attachment, id: ChannelId, app: &App) -> bool {
    let zone = attachment.zone();
    zone.owner(id).is_some() || last(attachment, id).is_waiting(app.publish_grace, zone.now())
}

/// Tells that a publisher's connection broke, without waiting for anybody: `false`, if the zone is locked.
pub fn try_tell_broken(zone: &Zone, channel: &[u8], max_age: u64) -> bool {
    let attributes = Attributes { flags: CHANGE, max_age, ..Attributes::default() };
    let head = Head::change(Change::Broke, 0).bytes();
    zone.try_append(channel, &attributes, |_, out| out.extend_from_slice(&head), &[]).is_some()
}

/// Appends a change of a stream that has no owner. A second one of the same kind is a duplicate.
pub fn append_change(zone: &Zone, channel: &[u8], change: Change, about: u64, max_age: u64) {
    let key = match about {
        0 => 0,
        about => zone.key(format!("{about} {}", change as u16).as_bytes()),
    };
    let attributes = Attributes { flags: CHANGE, key, max_age, ..Attributes::default() };
    let head = Head::change(change, 0).bytes();
    // The stream has a publisher again, or the zone is full of what is being read: then it is no change.
    let _ = zone.append(channel, &attributes, |_, out| out.extend_from_slice(&head), &[]);
}

/// Ends a stream whose publisher had its time to come back, unless somebody has done it already.
pub fn end_if_broken(attachment: &Attachment, id: ChannelId, app: &App) {
    let zone = attachment.zone();
    let last = last(attachment, id);
    let broke = last.change.is_some_and(|(change, _)| change == Change::Broke);
    if broke && !last.is_waiting(app.publish_grace, zone.now()) && zone.owner(id).is_none() {
        let mut name = Vec::new();
        if zone.channel_of(id.index(), |channel| name.extend_from_slice(channel)) == Some(id) {
            append_change(zone, &name, Change::Ended, last.seq, max_age(app));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stream_without_an_owner_waits_for() {
        let waits = |change: Option<Change>, now| {
            let (frame, change) = (Some((40, 1000)), change.map(|change| (change, 1500)));
            Last { frame, change, seq: 1 }.is_waiting(1000, now)
        };
        assert!(waits(Some(Change::Broke), 2499));
        assert!(!waits(Some(Change::Broke), 2500), "it had its time");
        assert!(!waits(Some(Change::Ended), 1500));
        // Its worker has died, and the master has not yet told.
        for change in [Some(Change::Began), Some(Change::Resumed), None] {
            assert!(waits(change, 1999), "{change:?}");
            assert!(!waits(change, 2000), "{change:?}");
        }
        assert!(!Last::default().is_waiting(1000, 0), "nobody has ever published it");
    }
}
