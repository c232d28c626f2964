//! Writing a program of one video track, one audio track, or both.

use super::audio::Audio;
use super::packets::{Adaptation, Packets, pes_header};
use super::tables;
use super::video::Video;
use super::{Continuity, PACKET};
use crate::media::{AudioTrack, VideoTrack};

/// What all times are later than the stream's: ten seconds.
const START: u64 = 900_000;

/// By how much the clock is behind: 0.7 s.
const DELAY: u64 = 63_000;

/// A clock is written with the first frame that is as much later as this than the last one: if frames are 100 ms apart at
/// most, clocks are, too.
const CLOCK_INTERVAL: u64 = 4_500;

/// Appends segments and parts of segments, one after the other.
#[derive(Clone, Debug)]
pub struct Muxer {
    video: Option<Video>,
    audio: Option<Audio>,
    pat: [u8; PACKET],
    pmt: [u8; PACKET],
    continuity: Continuity,
    /// The decoding time of the last frame that has the clock; `None`: the next one has it.
    clock: Option<u64>,
    /// The clock is another one than before.
    discontinuity: bool,
}

impl Muxer {
    /// A muxer that goes on from there; `None`: there is no track, or one of a codec that transport streams have no place for.
    pub fn new(
        video: Option<&VideoTrack>,
        audio: Option<&AudioTrack>,
        continuity: Continuity,
    ) -> Option<Muxer> {
        let video = video.map(|track| Video::of(track).ok_or(())).transpose().ok()?;
        let audio = audio.map(|track| Audio::of(track).ok_or(())).transpose().ok()?;
        let streams = video.iter().map(Video::stream).chain(audio.iter().map(Audio::stream));
        let streams: Vec<_> = streams.collect();
        if streams.is_empty() {
            return None;
        }
        let (pat, pmt) = (tables::pat(), tables::pmt(continuity.version, &streams));
        Some(Muxer { video, audio, pat, pmt, continuity, clock: None, discontinuity: false })
    }

    /// From where the next one has to go on.
    pub fn continuity(&self) -> Continuity {
        self.continuity
    }

    /// Begins a segment: with the tables, and with the clock in the next frame that may have it.
    pub fn begin_segment(&mut self, out: &mut Vec<u8>) {
        for (packet, counter) in
            [(&self.pat, &mut self.continuity.pat), (&self.pmt, &mut self.continuity.pmt)]
        {
            let at = out.len();
            out.extend_from_slice(packet);
            out[at + 3] |= *counter & 15;
            *counter = (*counter + 1) & 15;
        }
        self.clock = None;
    }

    /// Times do not go on from those before: the next clock says so.
    pub fn discontinuity(&mut self) {
        (self.clock, self.discontinuity) = (None, true);
    }

    /// Appends a frame of pictures as FLV has it, units after their lengths. Damaged units are left out, and so is a frame
    /// that has no other.
    pub fn video(&mut self, out: &mut Vec<u8>, frame: &[u8], dts_ms: u64, cts_ms: i32, key: bool) {
        let dts = dts_ms.wrapping_mul(90).wrapping_add(START);
        let pts = dts.saturating_add_signed(i64::from(cts_ms) * 90);
        let Some(video) = &self.video else { return };
        let Some(picture) = video.picture(frame, key) else { return };
        let first = Adaptation {
            random_access: picture.key,
            ..clock(&mut self.clock, &mut self.discontinuity, dts)
        };
        let (header, head) = pes_header(0xE0, 0, pts, (pts != dts).then_some(dts));
        let counter = &mut self.continuity.video;
        let mut packets = Packets::begin(out, tables::VIDEO, counter, first, head + picture.len);
        packets.put(&header[..head]);
        video.write(&picture, |piece| packets.put(piece));
    }

    /// Appends frames of sound that follow each other, raw as FLV has them; the first begins at `pts_90k` of the stream.
    /// What is longer than a frame can be is left out. They are one PES packet, unless they are too long for that. Without pictures
    /// the clock comes with them: then they should last no longer than 100 ms.
    pub fn audio(&mut self, out: &mut Vec<u8>, frames: &[&[u8]], pts_90k: u64) {
        let Some(audio) = &self.audio else { return };
        let (mut rest, mut pts) = (frames, pts_90k.wrapping_add(START));
        while !rest.is_empty() {
            let (count, len, ticks) = audio.fit(rest);
            // One frame always fits.
            let (now, later) = rest.split_at(count.max(1));
            rest = later;
            if len > 0 {
                let first = match self.video {
                    Some(_) => Adaptation::default(),
                    None => Adaptation {
                        random_access: true,
                        ..clock(&mut self.clock, &mut self.discontinuity, pts)
                    },
                };
                let (header, head) = pes_header(audio.stream_id(), len, pts, None);
                let counter = &mut self.continuity.audio;
                let mut packets = Packets::begin(out, tables::AUDIO, counter, first, head + len);
                packets.put(&header[..head]);
                audio.write(now, |piece| packets.put(piece));
            }
            pts = pts.wrapping_add(ticks);
        }
    }
}

/// The clock, if it is due at this decoding time.
fn clock(last: &mut Option<u64>, discontinuity: &mut bool, dts: u64) -> Adaptation {
    if last.is_some_and(|last| dts.wrapping_sub(last) < CLOCK_INTERVAL) {
        return Adaptation::default();
    }
    *last = Some(dts);
    let discontinuity = std::mem::take(discontinuity);
    Adaptation { pcr: Some(dts.wrapping_sub(DELAY)), random_access: false, discontinuity }
}
