//! From the log to the timeline, and to the bytes of a segment.

use std::ops::Range;

use broadcast::{Attachment, Batch, ChannelId, ReadLimits, Reading, RecordRef};

use crate::part::{FIXED, Head};
use crate::segmenter::tracks::Tracks;
use crate::timeline::timeline::{Part, Segment, Timeline, Track};

/// Learns of all parts that have come. `true`: there were some.
pub fn follow(timeline: &mut Timeline, attachment: &Attachment, id: ChannelId) -> bool {
    let (mut told, mut news) = (0, false);
    loop {
        let limits = ReadLimits { told, ..ReadLimits::default() };
        match attachment.read(&[id], timeline.cursor, None, limits) {
            Reading::Nothing | Reading::Torn => return news,
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
    let tracks = head.get(FIXED..).filter(|rest| !rest.is_empty());
    let tracks = tracks.and_then(|rest| Tracks::read(rest).map(|(tracks, _)| tracks));
    timeline.add(record.seq, &known, tracks, record.head);
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
    let ranges = || parts.iter().map(|part| (part, range(part, track)));
    let mut out = Vec::with_capacity(ranges().map(|(_, range)| range.len()).sum());
    for (part, range) in ranges() {
        copy(attachment, id, part.seq, range, &mut out)?;
    }
    Some(out)
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
