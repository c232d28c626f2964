//! When a publisher sends what.

use crate::client::Client;
use crate::media::{AUDIO_RATE, Mark, Media};
use crate::tally::{Tally, now};

/// The clock of one publisher.
pub struct Pace {
    /// When its stream begins, in nanoseconds.
    pub start: u64,
    /// What the frames' numbers begin with.
    first: u64,
    video: u64,
    audio: u64,
}

impl Pace {
    /// A stream whose beginning is not known yet.
    pub fn new(first: u64) -> Pace {
        Pace { start: u64::MAX, first, video: 0, audio: 0 }
    }

    /// Frames behind the latest key frame.
    pub fn behind_key(&self, media: &Media) -> u64 {
        self.video.saturating_sub(1) % media.shape.group
    }

    /// When the next frame is due.
    pub fn due(&self, media: &Media) -> u64 {
        self.start.saturating_add(self.next(media).0)
    }

    /// When after the start the next frame is due, and whether it is audio.
    fn next(&self, media: &Media) -> (u64, bool) {
        let nanoseconds = |number: u64, rate: f64| (number as f64 * 1e9 / rate) as u64;
        let video = nanoseconds(self.video, media.shape.rate);
        let audio = nanoseconds(self.audio, AUDIO_RATE);
        if media.shape.audio && audio < video { (audio, true) } else { (video, false) }
    }

    /// Sends what is due.
    pub fn send(
        &mut self,
        client: &mut Client,
        media: &mut Media,
        tally: &mut Tally,
    ) -> Result<(), String> {
        let Some(stream) = client.running() else { return Ok(()) };
        loop {
            let (due, audio) = self.next(media);
            let sent = now();
            if self.start.saturating_add(due) > sent {
                return Ok(());
            }
            let timestamp = (due / 1_000_000) as u32;
            let number = if audio { &mut self.audio } else { &mut self.video };
            let mark = Mark { number: self.first + *number, sent };
            let key = *number % media.shape.group == 0;
            *number += 1;
            tally.published += 1;
            client.send(match audio {
                true => media.audio(stream, timestamp, mark),
                false => media.video(stream, timestamp, key, mark),
            })?;
        }
    }
}
