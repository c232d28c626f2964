//! An FLV file as if it were one of fragments.
//!
//! ```text
//! the file       head  tags from a frame to begin with, or a second, up to the next such   …
//! as fragments   init  moof mdat [moof mdat] free                                          …
//! ```
//! How long a unit is as fragments is told by the heads of its tags: what is less when it is made is filled up. So where each of them
//! is is known without reading their data, and what was told of a file that grows stays so.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

use proto::flv::media::{Audio, Video};
use proto::flv::recording::{TagHead, tag_head};
use proto::media::AudioClock;
use proto::rtmp::message;

use crate::file::muxer::{Muxer, TICKS_PER_MS, Tracks, picture_of, sound_of};

/// A unit is no longer, and has no more bytes, until the next frame that can begin one.
const LONGEST_MS: u32 = 1000;
const MOST: u64 = 1 << 20;
/// What stands before a file's first tag.
const BEFORE: u64 = 13;
const TAG: u64 = 11;
const BACK: u64 = 4;
/// A header of a track is no longer.
const LONGEST_HEADER: u32 = 64 << 10;
/// So many tags are looked at for the headers of the tracks.
const HEADERS: usize = 1000;

/// The file, as far as it was looked at.
#[derive(Clone, Debug)]
pub struct Units {
    /// What stands before the fragments.
    pub init: Vec<u8>,
    tracks: Tracks,
    units: Vec<Unit>,
    /// Where the fragments of all units end.
    pub end: u64,
    /// The same in ticks of each track: pictures, sound.
    pub ends: [u64; 2],
    /// The next tag.
    at: u64,
    /// The one that is not complete, and what it has.
    open: Option<(Unit, Count)>,
    clock: AudioClock,
    /// The newest picture, and how long the one before was shown, in milliseconds.
    picture: (u32, u32),
    /// Its tracks have other headers from there on.
    is_over: bool,
}

/// Tags in a row.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    /// Where they begin in the file.
    tags: u64,
    /// Where they begin as fragments.
    pub place: u64,
    /// When the first one is, in milliseconds.
    ms: u32,
    /// The same in ticks of what leads.
    pub time: u64,
    /// Decoding can begin with it.
    pub key: bool,
    /// Where its sound begins.
    clock: AudioClock,
    /// See `clock`, if it has some.
    pub sound: Option<u64>,
}

/// What tags have.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    tags: u64,
    bytes: u64,
}

impl Count {
    /// No shorter than the fragments that are made of them, and what fills up.
    fn len(self) -> u64 {
        /// All of a fragment but the rows of its samples, and but its data.
        const FRAGMENT: u64 = 112;
        const ROW: u64 = 16;
        const FREE: u64 = 8;
        2 * FRAGMENT + ROW * self.tags + self.bytes + FREE
    }
}

fn damaged() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the recording is not as it was")
}

/// A tag: where it is, its head, and how its payload begins.
struct Tag {
    head: TagHead,
    peek: Vec<u8>,
    end: u64,
}

/// The tag at this place, if it is whole in the first `size` bytes.
fn tag_at(file: &File, at: u64, size: u64) -> io::Result<Option<Tag>> {
    const PEEK: usize = 32;
    let mut bytes = [0; TAG as usize + PEEK];
    let count = sys::file::read_at(file, &mut bytes, at)?;
    let Some(head) = tag_head(&bytes[..count]) else { return Ok(None) };
    let end = at + TAG + u64::from(head.length) + BACK;
    let peek = &bytes[TAG as usize..count];
    let peek = peek[..peek.len().min(head.length as usize)].to_vec();
    Ok((end <= size).then_some(Tag { head, peek, end }))
}

fn payload(file: &File, at: u64, length: u32) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length.min(LONGEST_HEADER) as usize];
    file.read_exact_at(&mut bytes, at + TAG)?;
    Ok(bytes)
}

/// What a tag is.
enum Is {
    Header,
    Picture { key: bool },
    Sound { body: usize },
    Other,
}

impl Tag {
    fn is(&self) -> Is {
        match self.head.kind {
            message::VIDEO => match Video::of(&self.peek).filter(|it| it.track == 0) {
                Some(video) if video.header => Is::Header,
                Some(video) if !video.metadata && !video.end => Is::Picture { key: video.key },
                _ => Is::Other,
            },
            message::AUDIO => match Audio::of(&self.peek).filter(|it| it.track == 0) {
                Some(audio) if audio.header => Is::Header,
                Some(audio) if !audio.metadata && !audio.end => Is::Sound { body: audio.body },
                _ => Is::Other,
            },
            _ => Is::Other,
        }
    }
}

impl Units {
    /// Of a file with so many bytes; `is_complete`: no more will come. `None`: it is not known yet what is in it, or nothing that MP4 has a
    /// place for.
    pub fn of(file: &File, size: u64, is_complete: bool) -> io::Result<Option<Units>> {
        let mut tracks = Tracks::default();
        let mut flags = [0; 5];
        if sys::file::read_at(file, &mut flags, 0)? < flags.len() {
            return Ok(None);
        }
        let is_there = |bit: u8| flags[4] & bit != 0;
        let (mut at, mut lasts) = (BEFORE, (!is_there(1), !is_there(4)));
        for _ in 0..HEADERS {
            let tag = match tag_at(file, at, size)? {
                Some(tag) => tag,
                None if is_complete => break,
                None => return Ok(None),
            };
            match tag.is() {
                Is::Header if tag.head.kind == message::VIDEO => {
                    tracks.video = picture_of(&payload(file, at, tag.head.length)?);
                    lasts.0 = !tracks.lack_size();
                }
                Is::Picture { key: true } if tracks.lack_size() => {
                    let payload = payload(file, at, tag.head.length)?;
                    let frame = Video::of(&payload).map_or(0, |video| video.body);
                    tracks.see_picture(&payload[frame..]);
                    lasts.0 = true;
                }
                Is::Header => {
                    tracks.audio = sound_of(&payload(file, at, tag.head.length)?);
                    lasts.1 = true;
                }
                // Codecs without a header tell by a frame.
                Is::Sound { .. } if tracks.audio.is_none() => {
                    tracks.audio = sound_of(&payload(file, at, tag.head.length)?);
                    lasts.1 |= tracks.audio.is_some();
                }
                _ => {}
            }
            if lasts == (true, true) {
                break;
            }
            at = tag.end;
        }
        let Some(init) = tracks.head() else { return Ok(None) };
        let clock = AudioClock::new(tracks.scale());
        Ok(Some(Units {
            end: init.len() as u64,
            init,
            tracks,
            units: Vec::new(),
            ends: [0; 2],
            at: BEFORE,
            open: None,
            clock,
            picture: (0, 0),
            is_over: false,
        }))
    }

    /// Where the next tag is looked for: the file is no shorter.
    pub fn seen(&self) -> u64 {
        self.at
    }

    /// Those that are complete.
    pub fn complete(&self) -> &[Unit] {
        &self.units
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.init.len() + self.units.capacity() * size_of::<Unit>()
    }

    /// Looks on, up to so many bytes of the file; `is_complete`: no more will come.
    pub fn extend(&mut self, file: &File, size: u64, is_complete: bool) -> io::Result<()> {
        while !self.is_over
            && let Some(tag) = tag_at(file, self.at, size)?
        {
            self.take(file, &tag)?;
        }
        if is_complete {
            let (last, step) = self.picture;
            self.close(last.saturating_add(step.min(LONGEST_MS)));
        }
        Ok(())
    }

    fn take(&mut self, file: &File, tag: &Tag) -> io::Result<()> {
        let (leads, key) = match tag.is() {
            Is::Header if !self.has(file, tag)? => {
                self.close(tag.head.timestamp);
                self.is_over = true;
                return Ok(());
            }
            Is::Picture { key } if self.tracks.video.is_some() => (true, key),
            Is::Sound { .. } => (self.tracks.video.is_none(), self.tracks.video.is_none()),
            _ => (false, false),
        };
        if self.open.is_none() && !matches!(tag.is(), Is::Picture { .. } | Is::Sound { .. }) {
            self.at = tag.end;
            return Ok(());
        }
        let ms = tag.head.timestamp;
        let is_due = |(unit, count): &(Unit, Count)| {
            let is_long = ms.saturating_sub(unit.ms) >= LONGEST_MS || count.bytes >= MOST;
            leads && (self.tracks.video.is_some() && key || is_long)
        };
        if self.open.as_ref().is_none_or(is_due) {
            self.close(ms);
            self.begin(ms, leads && key);
        }
        self.count(tag, ms);
        self.at = tag.end;
        Ok(())
    }

    fn count(&mut self, tag: &Tag, ms: u32) {
        let Some((unit, count)) = &mut self.open else { return };
        match tag.is() {
            Is::Sound { body } => {
                let frame = tag.peek.get(body..).unwrap_or_default();
                let samples = self.tracks.audio.as_ref().map_or(0, |track| track.samples(frame));
                if samples > 0 {
                    let time = self.clock.at(ms.into(), samples);
                    unit.sound.get_or_insert(time);
                    if self.tracks.video.is_none() && count.tags == 0 {
                        unit.time = time;
                    }
                    self.ends[1] = self.ends[1].max(time);
                }
            }
            Is::Picture { .. } => self.picture = (ms, ms.saturating_sub(self.picture.0)),
            _ => {}
        }
        if matches!(tag.head.kind, message::AUDIO | message::VIDEO) {
            *count =
                Count { tags: count.tags + 1, bytes: count.bytes + u64::from(tag.head.length) };
        }
    }

    fn begin(&mut self, ms: u32, key: bool) {
        let unit = Unit {
            tags: self.at,
            place: self.end,
            ms,
            time: u64::from(ms) * TICKS_PER_MS,
            key,
            clock: self.clock,
            sound: None,
        };
        self.open = Some((unit, Count::default()));
    }

    /// What was open is complete, and lasts until then.
    fn close(&mut self, ms: u32) {
        let Some((unit, count)) = self.open.take() else { return };
        self.end += count.len();
        if self.tracks.video.is_some() {
            self.ends[0] = u64::from(ms) * TICKS_PER_MS;
        }
        self.units.push(unit);
    }

    /// Whether a header is that of a track as it was.
    fn has(&self, file: &File, tag: &Tag) -> io::Result<bool> {
        let payload = payload(file, self.at, tag.head.length)?;
        Ok(match tag.head.kind {
            message::VIDEO => match (picture_of(&payload), &self.tracks.video) {
                (Some(new), Some(own)) => own.is_same_as(&new),
                (new, own) => new.is_none() || own.is_none(),
            },
            _ => match (sound_of(&payload), &self.tracks.audio) {
                (Some(new), Some(own)) => own.is_same_as(&new),
                (new, own) => new.is_none() || own.is_none(),
            },
        })
    }

    /// Makes the fragments of the unit at this place; gives where they begin, too.
    fn make(&self, file: &File, place: u64) -> io::Result<(u64, Vec<u8>)> {
        let number = self.units.partition_point(|unit| unit.place <= place).checked_sub(1);
        let number = number.filter(|_| place < self.end).ok_or_else(damaged)?;
        let (unit, next) = (self.units[number], self.units.get(number + 1));
        let open = self.open.as_ref().map(|(unit, _)| unit);
        let until = next.or(open).map_or(self.at, |next| next.tags);
        let len = next.map_or(self.end, |next| next.place) - unit.place;
        let mut tags = vec![0; (until - unit.tags) as usize];
        file.read_exact_at(&mut tags, unit.tags)?;
        let mut muxer = Muxer::new(self.tracks.clone(), unit.clock);
        let mut rest = &tags[..];
        while let Some(head) = tag_head(rest) {
            let end = TAG as usize + head.length as usize;
            let payload = rest.get(TAG as usize..end).ok_or_else(damaged)?;
            let key = || Video::of(payload).is_some_and(|video| video.key);
            match head.kind {
                message::VIDEO => muxer.frame(head.kind, head.timestamp, payload, key()),
                message::AUDIO => muxer.frame(head.kind, head.timestamp, payload, false),
                _ => {}
            }
            rest = rest.get(end + BACK as usize..).ok_or_else(damaged)?;
        }
        match next.or(open) {
            Some(next) => muxer.reaches(next.ms),
            None => muxer.settle(),
        }
        let (mut out, mut sequence) = (Vec::with_capacity(len as usize), 2 * number as u32);
        muxer.emit(&mut sequence, |_, head, data| {
            head(&mut out);
            out.extend_from_slice(data);
        });
        let free = len.checked_sub(out.len() as u64).filter(|free| *free >= 8);
        let free = free.and_then(|free| u32::try_from(free).ok()).ok_or_else(damaged)?;
        out.extend_from_slice(&free.to_be_bytes());
        out.extend_from_slice(b"free");
        out.resize(len as usize, 0);
        Ok((unit.place, out))
    }
}

/// The bytes of a file as fragments.
pub struct View {
    file: File,
    units: std::sync::Arc<Units>,
    /// The unit that was made last: where it begins, and it.
    made: (u64, Vec<u8>),
}

impl View {
    /// Of this file.
    pub fn new(file: File, units: std::sync::Arc<Units>) -> View {
        View { file, units, made: (0, Vec::new()) }
    }

    /// Reads from a place on; fewer bytes than there is room for are all that there are.
    pub fn read_at(&mut self, out: &mut [u8], place: u64) -> io::Result<usize> {
        let mut count = 0;
        while count < out.len() && place + (count as u64) < self.units.end {
            let at = place + count as u64;
            let (begin, bytes) = match at < self.units.init.len() as u64 {
                true => (0, &self.units.init),
                false => {
                    let (begin, bytes) = &self.made;
                    if at < *begin || at >= begin + bytes.len() as u64 {
                        self.made = self.units.make(&self.file, at)?;
                    }
                    (self.made.0, &self.made.1)
                }
            };
            let rest = bytes.get((at - begin) as usize..).ok_or_else(damaged)?;
            let some = rest.len().min(out.len() - count);
            out[count..count + some].copy_from_slice(&rest[..some]);
            count += some;
        }
        Ok(count)
    }
}
