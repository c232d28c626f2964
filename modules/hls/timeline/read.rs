//! From the log to the timeline, and to the bytes of a segment.

use std::ops::Range;

use broadcast::{Attachment, Batch, ChannelId, ReadLimits, Reading, RecordRef};

use crate::cue::{self, Cues};
use crate::part::{FIXED, Head, Track};
use crate::segmenter::tracks::Tracks;
use crate::timeline::known::Timeline;
use crate::timeline::segments::{Part, Segment};

/// Learns of all parts that have come, and of those that are gone. `true`: some have come.
pub fn follow(timeline: &mut Timeline, attachment: &Attachment, id: ChannelId) -> bool {
    let (mut told, mut news) = (0, false);
    loop {
        let limits = ReadLimits { told, ..ReadLimits::default() };
        match attachment.read(&[id], timeline.cursor, None, limits) {
            Reading::Nothing | Reading::Torn => {
                // Whoever is up to date is not told of it by reading.
                timeline.evicted(attachment.zone().evicted_upto(id));
                return news;
            }
            Reading::Lagged { upto } => {
                told = upto;
                timeline.lost(upto);
            }
            Reading::Batch(batch) => {
                news = true;
                for record in batch.records() {
                    add(timeline, &batch, record);
                }
            }
        }
    }
}

fn add(timeline: &mut Timeline, batch: &Batch<'_>, record: &RecordRef) {
    let mut head = Vec::with_capacity(record.head);
    for slice in &batch.slices()[record.slices.clone()] {
        let take = slice.len().min(record.head - head.len());
        head.extend_from_slice(&slice[..take]);
    }
    timeline.cursor = record.seq;
    let Some(known) = Head::read(&head) else { return };
    let (tracks, cues) = behind(head.get(FIXED..).unwrap_or_default());
    timeline.add(record.seq, &known, (tracks, cues), record.head);
}

/// What stands behind the part that all heads have: tracks, cues, or both.
pub fn behind(bytes: &[u8]) -> (Option<Tracks>, Option<Cues>) {
    let tracks = Some(bytes).filter(|bytes| !bytes.is_empty() && !cue::is_cues(bytes));
    let (tracks, len) = tracks.and_then(Tracks::read).unzip();
    (tracks, bytes.get(len.unwrap_or(0)..).and_then(Cues::read))
}

/// The bytes of a segment's track, of all of its tracks, or of one of its parts. `None`: they are gone.
pub fn bytes(
    attachment: &Attachment,
    id: ChannelId,
    segment: &Segment,
    track: Option<Track>,
    part: Option<usize>,
) -> Option<Vec<u8>> {
    let parts = match part {
        Some(part) => std::slice::from_ref(segment.parts.get(part)?),
        None => &segment.parts[..],
    };
    let mut out = Vec::new();
    copy_all(attachment, id, parts, track, &mut out)?;
    Some(out)
}

/// Appends the bytes of a segment's track, or of all of its tracks. `None`: they are gone.
pub fn read(
    attachment: &Attachment,
    id: ChannelId,
    segment: &Segment,
    track: Option<Track>,
    out: &mut Vec<u8>,
) -> Option<()> {
    copy_all(attachment, id, &segment.parts, track, out)
}

fn copy_all(
    attachment: &Attachment,
    id: ChannelId,
    parts: &[Part],
    track: Option<Track>,
    out: &mut Vec<u8>,
) -> Option<()> {
    let ranges = || parts.iter().map(|part| (part, range(part, track)));
    out.reserve_exact(ranges().map(|(_, range)| range.len()).sum());
    ranges().try_for_each(|(part, range)| copy(attachment, id, part.seq, range, out))
}

/// Whether all of a segment is still in memory: what is older goes first.
pub fn is_in_memory(attachment: &Attachment, id: ChannelId, segment: &Segment) -> bool {
    let first = segment.parts.first().filter(|_| !segment.archived);
    first.is_some_and(|part| matches!(attachment.read_rest(&[id], part.seq, 0), Reading::Batch(_)))
}

/// Where in its record a part has the bytes of a track.
fn range(part: &Part, track: Option<Track>) -> Range<usize> {
    let (begin, video, audio) = (part.head, part.video.len as usize, part.audio.len as usize);
    match track {
        Some(Track::Video) => begin..begin + video,
        Some(Track::Audio) => begin + video..begin + video + audio,
        None => begin..begin + video + audio,
    }
}

fn copy(
    attachment: &Attachment,
    id: ChannelId,
    seq: u64,
    range: Range<usize>,
    out: &mut Vec<u8>,
) -> Option<()> {
    let mut at = range.start;
    while at < range.end {
        let Reading::Batch(batch) = attachment.read_rest(&[id], seq, at) else { return None };
        let record = batch.records().first()?;
        for slice in &batch.slices()[record.slices.clone()] {
            let take = slice.len().min(range.end - at);
            out.extend_from_slice(&slice[..take]);
            at += take;
        }
    }
    Some(())
}
