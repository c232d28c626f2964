//! A file of fragments that is being recorded: a run of frames is collected, and goes to its end as one piece.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use live::appender::{Appender, buffer};
use proto::flv::recording::Index;
use proto::fmp4::{AUDIO_TRACK, VIDEO_TRACK, mfra, roomy};
use proto::media::AudioClock;
use proto::rtmp::message;

use crate::file::duration::tell_duration;
use crate::file::muxer::{Muxer, TICKS_PER_MS, Tracks, picture_of};
use crate::file::open::Fragments;
use crate::file::whole::finish;

/// A fragment is no longer: so much is lost with the power, and so long a reader of the growing file waits.
const LONGEST_MS: u64 = 1000;
/// Nor has it more bytes, by much.
const MOST: usize = 2 << 20;

/// Fewer bytes than these are rather copied than written by themselves.
const FEW: usize = 16 << 10;

/// So many places are known at which it can be entered: of three days, one a second. Of more than those, every second one.
const MOST_ENTRIES: usize = 1 << 18;

/// What a file begins with.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// Its first bytes.
    pub bytes: Vec<u8>,
    /// How many follow that mean nothing, until it is a movie.
    pub room: usize,
}

impl Head {
    /// That of a file of fragments; with room for what makes it a movie, if it is to become one.
    pub fn of(init: Vec<u8>, room: Option<u32>) -> Head {
        match room.and_then(|room| Some((roomy(&init, room)?, room))) {
            Some((bytes, room)) => Head { bytes, room: room.saturating_sub(8) as usize },
            None => Head { bytes: init, room: 0 },
        }
    }
}

/// A file.
pub struct Fmp4 {
    /// Who writes it.
    pub appender: Appender,
    muxer: Muxer,
    /// Bytes of its head.
    head: u64,
    sequence: u32,
    /// Places of the fragments to begin with, and their times in ticks.
    index: Index,
    /// Where each track ends, in its ticks.
    ends: [u64; 2],
}

impl Fmp4 {
    /// One with this head, or one that goes on behind what was found in it.
    pub fn new(
        file: Arc<File>,
        path: PathBuf,
        tracks: Tracks,
        head: &Head,
        found: Option<Fragments>,
        told: impl Fn() + 'static,
    ) -> Fmp4 {
        let appender = Appender::new(file, path, found.as_ref().map_or(0, |it| it.end), told);
        if found.is_none() {
            appender.append(|out| {
                out.extend_from_slice(&head.bytes);
                out.resize(out.len() + head.room, 0);
            });
        }
        let found = found.unwrap_or_default();
        let mut index = Index::new(MOST_ENTRIES);
        found.index.iter().for_each(|(time, place)| index.add(*place, *time));
        let scale = tracks.scale();
        let clock = match found.ends[1] {
            0 => AudioClock::new(scale),
            end => AudioClock::resume(scale, end),
        };
        Fmp4 {
            appender,
            muxer: Muxer::new(tracks, clock),
            head: if found.head > 0 { found.head } else { head.bytes.len() as u64 },
            sequence: found.sequence,
            index,
            ends: found.ends,
        }
    }

    /// Takes a frame. `true`: those before it went to the file.
    pub fn frame(&mut self, kind: u8, time: u32, payload: &[u8], key: bool) -> bool {
        let is_video = kind == message::VIDEO;
        let leads = is_video || self.muxer.tracks.video.is_none();
        let since = self.muxer.since(is_video, time).filter(|_| leads);
        let is_due = since.is_some_and(|since| is_video && key || since >= LONGEST_MS);
        let cuts = is_due || self.muxer.len() >= MOST;
        if cuts {
            if is_video {
                self.muxer.reaches(time);
            }
            self.emit();
        }
        self.muxer.frame(kind, time, payload, key);
        cuts
    }

    /// Whether this header is one of its own: a file has one for each track.
    pub fn has(&self, kind: u8, payload: &[u8]) -> bool {
        let told = |same: Option<bool>| same.unwrap_or(true);
        match kind {
            message::VIDEO => {
                told(picture_of(payload).map(|it| {
                    self.muxer.tracks.video.as_ref().is_some_and(|own| own.is_same_as(&it))
                }))
            }
            message::AUDIO => !self.muxer.is_other_sound(payload),
            _ => true,
        }
    }

    /// Whether a frame of sound is the first that is heard of a track without a header.
    pub fn is_new_sound(&self, payload: &[u8]) -> bool {
        self.muxer.tracks.audio.is_none() && self.muxer.is_other_sound(payload)
    }

    /// What is heard from now on is of another track.
    pub fn mute(&mut self) {
        self.muxer.mute();
    }

    /// What is collected becomes fragments.
    fn emit(&mut self) {
        let Fmp4 { appender, index, ends, muxer, sequence, .. } = self;
        muxer.emit(sequence, |made, head, data| {
            if made.enters {
                index.add(appender.len(), made.time.0);
            }
            ends[usize::from(made.track == AUDIO_TRACK)] = made.time.1;
            match data.len() < FEW {
                true => appender.append(|out| {
                    head(out);
                    out.extend_from_slice(data);
                }),
                false => appender.append_with(std::mem::replace(data, buffer()), head),
            }
        });
    }

    /// Whether nothing is collected.
    pub fn is_settled(&self) -> bool {
        self.muxer.is_empty()
    }

    /// What is collected goes to the file.
    pub fn settle(&mut self) {
        self.muxer.settle();
        self.emit();
    }

    /// Its head says how long it is. `last`: its end says where its fragments are, or it becomes a movie; `sync`: so that a loss of power
    /// leaves one or the other.
    pub fn seal(&mut self, last: bool, sync: bool) {
        let (head, duration) = (self.head, self.duration());
        self.appender.edit(move |file| tell_duration(file, head, duration));
        if last {
            let track = if self.muxer.tracks.video.is_some() { VIDEO_TRACK } else { AUDIO_TRACK };
            let places = self.index.entries().iter().map(|(place, time)| (*time, *place));
            let end = mfra(&[(track, &places.collect::<Vec<_>>())]);
            self.appender.extend(move |file| finish(file, &end, sync));
        }
    }

    /// What is collected will not be written.
    pub fn forget(&mut self) {
        self.muxer.forget();
    }

    /// Bytes that it has, what is collected included.
    pub fn len(&self) -> u64 {
        self.appender.len() + self.muxer.len() as u64
    }

    /// Milliseconds up to the end of the last frame in it.
    pub fn duration(&self) -> u64 {
        let [pictures, sounds] = self.ends;
        (pictures / TICKS_PER_MS).max(sounds.saturating_mul(1000) / self.muxer.scale().max(1))
    }

    /// Whether there are pictures in it, and sound.
    pub fn tracks(&self) -> (bool, bool) {
        (self.muxer.tracks.video.is_some(), self.muxer.tracks.audio.is_some())
    }
}
