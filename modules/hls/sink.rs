//! Where a segmenter's parts go: to the zone, and who waits for whole segments is told.

use std::cell::RefCell;
use std::rc::Rc;

use broadcast::{AppendError, Attributes, ChannelId, MARK, Owner};

use crate::archive::Archive;
use crate::cue::Cues;
use crate::files::Output;
use crate::part::{ALONE, ENDED, Head, LAST};
use crate::segmenter::tracks::Tracks;
use crate::segmenter::{Given, Sink};
use crate::tell::Teller;
use crate::timeline::{Segment, Timeline};
use crate::zone::Hub;

/// Parts go to the zone.
pub struct ZoneSink {
    /// The zone, the channel in it, and who writes to that.
    pub hub: &'static Hub,
    /// See `hub`.
    pub id: ChannelId,
    /// See `hub`.
    pub owner: Owner,
    /// What is there.
    pub timeline: Rc<RefCell<Timeline>>,
    /// Files, where there are to be some.
    pub outputs: Vec<Rc<Output>>,
    /// What goes on behind memory, where there is to be more.
    pub archive: Option<Rc<Archive>>,
    /// Listeners, where there are to be some.
    pub teller: Option<Teller>,
    /// The end stays for so many milliseconds.
    pub max_age: u64,
    /// What is there when the next segment begins is not shown any more.
    pub clear: bool,
    /// That parts are lost was said.
    pub told: bool,
    /// Records up to here were too old, and not too many; `u64::MAX`: that segments are gone too soon was said.
    pub expired: u64,
    /// The stream, for the log.
    pub name: String,
}

impl ZoneSink {
    /// A segment is whole, and listed.
    fn tell(&self, msn: u64) {
        let Some(teller) = &self.teller else { return };
        let timeline = self.timeline.borrow();
        let is_it = |segment: &&Segment| segment.msn == msn && !segment.parts.is_empty();
        timeline.segments.back().filter(is_it).into_iter().for_each(|it| teller.tell(it));
    }

    /// Records up to `unneeded` may go. More than that are gone, if the zone has no room for them.
    fn look_for_lost(&mut self, unneeded: u64) {
        let evicted = self.hub.attachment.zone().evicted_upto(self.id);
        if evicted > unneeded.max(self.expired) {
            self.expired = u64::MAX;
            let name = &self.name;
            sys::log!(
                Warn,
                "the oldest segments of the stream \"{name}\" are gone too soon: the hls_zone is too small"
            );
        }
    }
}

impl Sink for ZoneSink {
    fn part(
        &mut self,
        head: &Head,
        tracks: Option<&Tracks>,
        cues: Option<&Cues>,
        media: &[&[u8]],
    ) -> Given {
        let ended = head.has(ENDED);
        let mut timeline = self.timeline.borrow_mut();
        let begins_again = timeline.ended.is_some() && !ended;
        let (mut head, mut unneeded) = (*head, timeline.unneeded());
        if tracks.is_some() && std::mem::take(&mut self.clear) {
            unneeded = timeline.cursor;
            head.flags |= ALONE;
        }
        let attributes = Attributes {
            flags: if tracks.is_some() { MARK } else { 0 },
            owner: Some(self.owner),
            max_age: if ended { self.max_age } else { 0 },
            unneeded,
            ..Attributes::default()
        };
        if begins_again {
            self.expired = self.expired.max(self.hub.attachment.zone().evicted_upto(self.id));
        }
        let mut len = 0;
        let front = |_, out: &mut Vec<u8>| {
            head.write(out);
            if let Some(tracks) = tracks {
                tracks.write(out);
            }
            if let Some(cues) = cues {
                cues.write(out);
            }
            len = out.len();
        };
        let appended = self.hub.attachment.zone().append_to(self.id, &attributes, front, media);
        match appended {
            Ok(appended) => {
                self.told = false;
                timeline.add(appended.seq, &head, (tracks.cloned(), cues.cloned()), len);
                drop(timeline);
                if head.flags & (LAST | ENDED) != 0 {
                    self.outputs.iter().for_each(|output| output.update());
                }
                // At an end it was noted that no other number was shown.
                if head.flags & (LAST | ENDED) != 0 || begins_again {
                    self.archive.iter().for_each(|archive| archive.update());
                }
                if let (Some(teller), Some(cues)) = (&self.teller, cues) {
                    teller.tell_cues(cues, &head);
                }
                if head.has(LAST) {
                    self.look_for_lost(unneeded);
                    self.tell(head.msn);
                }
                Given::Kept
            }
            Err(AppendError::NotOwner) => Given::Over,
            Err(error) => {
                if !std::mem::replace(&mut self.told, true) {
                    sys::log!(Error, "segments of the stream \"{}\" are lost: {error}", self.name);
                }
                Given::Lost
            }
        }
    }
}
