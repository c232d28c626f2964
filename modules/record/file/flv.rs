//! An FLV file that is being recorded: tags go to its end, and at the end its head is written over.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use live::appender::Appender;
use proto::flv::recording::{Description, Index, Totals, Walked, head, tag};
use proto::rtmp::message;

use crate::file::open::seal;

/// A file.
pub struct Flv {
    /// Who writes it.
    pub appender: Appender,
    /// Bytes of its head; 0: it has none of ours.
    head: u64,
    index: Index,
    /// There are pictures in it.
    pub has_video: bool,
    /// Sound, and pictures.
    tracks: [Track; 2],
}

/// The milliseconds of a track's last frame, and how long the one before lasted.
#[derive(Clone, Copy, Debug, Default)]
struct Track {
    last: u32,
    step: u32,
}

impl Flv {
    /// A new one, with this in it and an index of so many key frames.
    pub fn create(
        file: Arc<File>,
        path: PathBuf,
        description: &Description,
        index: usize,
        told: impl Fn() + 'static,
    ) -> Flv {
        let appender = Appender::new(file, path, 0, told);
        appender.append(|out| *out = head(description, index));
        Flv {
            head: appender.len(),
            appender,
            index: Index::new(index),
            has_video: description.video.is_some(),
            tracks: [Track::default(); 2],
        }
    }

    /// One that goes on behind what was found in it.
    pub fn go_on(
        file: Arc<File>,
        path: PathBuf,
        walked: Walked,
        has_video: bool,
        told: impl Fn() + 'static,
    ) -> Flv {
        let appender = Appender::new(file, path, walked.end, told);
        Flv {
            appender,
            head: walked.head,
            has_video,
            tracks: [Track { last: walked.last.unwrap_or(0), step: 0 }; 2],
            index: walked.index,
        }
    }

    /// Appends a tag. `key`: decoding can begin with it.
    pub fn tag(&mut self, kind: u8, time: u32, payload: &[u8], key: bool) {
        let place = self.appender.len();
        let mut written = false;
        self.appender.append(|out| written = tag(out, kind, time, payload));
        if !written {
            return;
        }
        match kind {
            message::VIDEO if key => self.index.add(place, time.into()),
            message::AUDIO if !self.has_video => self.index.add_sound(place, time.into()),
            _ => {}
        }
        let track = &mut self.tracks[usize::from(kind == message::VIDEO)];
        if time > track.last {
            *track = Track { step: time - track.last, last: time };
        }
    }

    /// From its beginning to the end of its last frame, in milliseconds.
    pub fn duration(&self) -> u64 {
        let end = |track: &Track| u64::from(track.last) + u64::from(track.step.min(1000));
        self.tracks.iter().map(end).max().unwrap_or(0)
    }

    /// Has its head say what there is in it. More may come.
    pub fn seal(&self) {
        let last = self.tracks.iter().map(|track| track.last.into()).max().unwrap_or(0);
        let duration = self.duration();
        let totals = Totals { duration, last, size: self.appender.len() };
        let (head, index) = (self.head, self.index.clone());
        if head > 0 {
            self.appender.edit(move |file| seal(file, head, totals, &index));
        }
    }
}
