//! The head of a recording: what is known of it when it begins, and what is only known at its end.

use super::index::{Index, MAX_ENTRIES};
use crate::flv::file::{TAG_HEADER, header, previous_tag_size, tag_header};
use crate::flv::media::{AudioCodec, VideoCodec};
use crate::rtmp::amf;

/// The sound of a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sound {
    /// How it is coded.
    pub codec: AudioCodec,
    /// Samples a second; 0: not told.
    pub rate: u32,
    /// Loudspeakers; 0: not told.
    pub channels: u8,
}

/// What a recording consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Description {
    /// How its pictures are coded; `None`: there are none.
    pub video: Option<VideoCodec>,
    /// Width and height; 0: not told.
    pub size: (u32, u32),
    /// Frames a second; 0: not told.
    pub frame_rate: f64,
    /// `None`: there is no sound.
    pub audio: Option<Sound>,
}

/// What is known at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Milliseconds from the first frame to the end of the last.
    pub duration: u64,
    /// The milliseconds of the last tag.
    pub last: u64,
    /// Bytes of the file.
    pub size: u64,
}

/// What stands before the first number: everything up to it is the same in all files, but for the length of the tag and for the
/// number of members, which readers do not rely on.
const NAME: &[u8] = b"\x02\0\x0aonMetaData\x08";
const DURATION: &[u8] = b"\0\x08duration\0";
const SIZE: &[u8] = b"\0\x08filesize\0";
const LAST: &[u8] = b"\0\x0dlasttimestamp\0";
const POSITIONS: &[u8] = b"\0\x09keyframes\x03\0\x0dfilepositions\x0a";
const TIMES: &[u8] = b"\0\x05times\x0a";
const FILLER: &[u8] = b"\0\0\x09\0\x06filler\x0a";

/// A number: its type, and it.
const NUMBER: usize = 9;

/// The whole head, for an index of so many entries: a file's header, and the tag with what follows it. It says that nothing has
/// been recorded yet.
pub fn head(description: &Description, capacity: usize) -> Vec<u8> {
    let capacity = capacity.min(MAX_ENTRIES);
    let mut body = Vec::with_capacity(500 + 2 * NUMBER * capacity);
    body.extend_from_slice(NAME);
    let members = rest(description);
    body.extend_from_slice(&(5 + members.len() as u32).to_be_bytes());
    changing(&mut body, Totals::default(), &Index::new(0), capacity);
    for (name, value) in members {
        body.extend_from_slice(&(name.len() as u16).to_be_bytes());
        body.extend_from_slice(name.as_bytes());
        value.encode(&mut body);
    }
    body.extend_from_slice(&[0, 0, 9]);
    let mut out = header(description.audio.is_some(), description.video.is_some()).to_vec();
    out.extend_from_slice(&tag_header(18, body.len(), 0));
    out.extend_from_slice(&body);
    out.extend_from_slice(&previous_tag_size(body.len()));
    out
}

/// Writes into a head what is known at the end, with as much of the index as there is room for. `false`: it is none of
/// [`head`]'s, and was left as it is.
pub fn patch(head: &mut [u8], totals: Totals, index: &Index) -> bool {
    let Some((start, end, capacity)) = extent(head) else { return false };
    let mut made = Vec::with_capacity(end - start);
    changing(&mut made, totals, &index.within(capacity), capacity);
    if made.len() != end - start {
        return false;
    }
    head[start..end].copy_from_slice(&made);
    true
}

/// How many milliseconds a file that begins like this has by what its head says; `None`: the head is none of [`head`]'s.
pub fn duration(head: &[u8]) -> Option<u64> {
    let body = head.get(header(true, true).len() + TAG_HEADER..)?;
    let number = body.strip_prefix(NAME)?.get(4..)?.strip_prefix(DURATION)?.first_chunk()?;
    Some((f64::from_be_bytes(*number) * 1000.0) as u64)
}

/// Appends what changes, always of the same length.
fn changing(out: &mut Vec<u8>, totals: Totals, index: &Index, capacity: usize) {
    let mut number = |name: &[u8], value: f64| {
        out.extend_from_slice(name);
        out.extend_from_slice(&value.to_be_bytes());
    };
    number(DURATION, totals.duration as f64 / 1000.0);
    number(SIZE, totals.size as f64);
    number(LAST, totals.last as f64 / 1000.0);
    let entries = index.entries();
    let positions = entries.iter().map(|(position, _)| *position as f64);
    let times = entries.iter().map(|(_, ms)| *ms as f64 / 1000.0);
    array(out, POSITIONS, positions);
    array(out, TIMES, times);
    array(out, FILLER, (0..2 * capacity.saturating_sub(entries.len())).map(|_| 0.0));
}

fn array(out: &mut Vec<u8>, name: &[u8], values: impl ExactSizeIterator<Item = f64>) {
    out.extend_from_slice(name);
    out.extend_from_slice(&(values.len() as u32).to_be_bytes());
    values.for_each(|value| amf::number(out, value));
}

/// Where in a head that is which changes, and the capacity of its index.
fn extent(head: &[u8]) -> Option<(usize, usize, usize)> {
    let body = head.get(header(true, true).len() + TAG_HEADER..)?;
    let mut rest = body.strip_prefix(NAME)?.get(4..)?;
    let start = head.len() - rest.len();
    for name in [DURATION, SIZE, LAST] {
        rest = rest.strip_prefix(name)?.get(NUMBER - 1..)?;
    }
    let mut capacity = 0;
    for (name, share) in [(POSITIONS, 2), (TIMES, 0), (FILLER, 1)] {
        let (count, values) = rest.strip_prefix(name)?.split_first_chunk()?;
        let count = u32::from_be_bytes(*count) as usize;
        rest = values.get(count.checked_mul(NUMBER)?..)?;
        capacity += share * count;
    }
    Some((start, head.len() - rest.len(), capacity / 2))
}

type Member = (&'static str, amf::Value<'static>);

/// What does not change.
fn rest(description: &Description) -> Vec<Member> {
    let mut members: Vec<Member> = vec![
        ("hasVideo", description.video.is_some().into()),
        ("hasAudio", description.audio.is_some().into()),
        ("hasKeyframes", true.into()),
    ];
    let mut number = |name, value: f64| {
        if value > 0.0 {
            members.push((name, value.into()));
        }
    };
    if let Some(codec) = description.video {
        number("width", description.size.0.into());
        number("height", description.size.1.into());
        number("framerate", description.frame_rate);
        number("videocodecid", codec.flv_id().into());
    }
    if let Some(Sound { codec, rate, channels }) = description.audio {
        number("audiosamplerate", rate.into());
        number("audiosamplesize", 16.0);
        number("audiochannels", channels.into());
        number("audiocodecid", codec.flv_id().into());
        members.push(("stereo", (channels > 1).into()));
    }
    members
}
