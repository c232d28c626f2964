//! Going on where another process has stopped.

use proto::media::AudioClock;

use crate::cue::Cues;
use crate::part::{ENDED, Head, LAST, Span};
use crate::segmenter::clock::Clock;
use crate::segmenter::cutter::Cutter;
use crate::segmenter::packer::{BEGIN_MS, Packer, VIDEO_MS};
use crate::segmenter::state::{Open, Options, Segmenter, Sink};
use crate::segmenter::tracks::Tracks;
use crate::segmenter::wall::Wall;

impl<S: Sink> Segmenter<S> {
    /// Goes on behind the part `last`, which tells of these cues, of a segment whose first part is `first` and has these tracks;
    /// `None`: that is not known any more. Then, as behind the end of a stream, what comes begins anew, and what was decided
    /// stays. `sound`: where that has ended, in its units, if these tracks have had some in a part of its own.
    pub fn resume(
        options: Options,
        sink: S,
        (first, last): (&Head, &Head),
        tracks: Option<Tracks>,
        cues: Option<&Cues>,
        sound: Option<u64>,
    ) -> Segmenter<S> {
        let mut segmenter = Segmenter::new(options, sink, last.msn, last.discontinuities);
        segmenter.cutter = Cutter::new(options.fragment, options.max_fragment, last.target);
        (segmenter.segment.version, segmenter.segment.begun) = (last.version, last.begun);
        segmenter.part_target = Some(u64::from(last.part_target)).filter(|target| *target > 0);
        segmenter.given = [last.video_upto, last.audio_upto];
        segmenter.continuity = last.continuity;
        segmenter.seen = last.video_upto.min(last.audio_upto);
        segmenter.segment.regular = last.regular;
        segmenter.cues = cues.cloned().unwrap_or_default();
        segmenter.cues_given = segmenter.cues.upto;
        segmenter.cues.happened(last.msn, last.wall);
        segmenter.wall = Wall::behind(last.wall, last.slewed);
        if last.has(ENDED) {
            return segmenter;
        }
        let Some(tracks) = tracks else {
            segmenter.segment.msn += 1;
            return segmenter;
        };
        let (start, end) = (begin_ms(first, &tracks), end_ms(last, &tracks));
        segmenter.clock = Clock::behind(end);
        segmenter.wall = Wall::at(start, first.wall, first.slewed);
        if let (Some(audio), Some(next)) = (&tracks.audio, sound) {
            let begin = BEGIN_MS * u64::from(audio.timescale()) / 1000;
            let clock = AudioClock::resume(audio.timescale(), next.saturating_sub(begin));
            segmenter.audio_clock = Some(clock);
        }
        segmenter.segment.parts = last.part + 1;
        (segmenter.segment.start, segmenter.segment.end) = (start, end);
        segmenter.tracks = tracks.clone();
        let packer = Packer::new(&tracks, Some(last.format), last.continuity);
        segmenter.packer = Some(Open { packer, tracks });
        if last.has(LAST) {
            segmenter.next_segment(end);
        }
        segmenter
    }
}

/// Where a time of the stream, in milliseconds, is on the tracks of video and audio.
pub(super) fn bases(at: u64, tracks: &Tracks) -> (u64, u64) {
    let rate = tracks.audio.as_ref().map_or(0, |audio| u64::from(audio.timescale()));
    // Rounded up, so that it is the same millisecond that comes back.
    ((at + BEGIN_MS) * VIDEO_MS, ((at + BEGIN_MS) * rate).div_ceil(1000))
}

/// When a part begins, in milliseconds of the stream.
pub(super) fn begin_ms(head: &Head, tracks: &Tracks) -> u64 {
    at_ms(head, tracks, |span| span.base)
}

/// When it ends.
fn end_ms(head: &Head, tracks: &Tracks) -> u64 {
    at_ms(head, tracks, |span| span.base + u64::from(span.duration))
}

fn at_ms(head: &Head, tracks: &Tracks, at: impl Fn(&Span) -> u64) -> u64 {
    let ms = match (&tracks.audio, head.video.len) {
        (Some(audio), 0) => at(&head.audio) * 1000 / u64::from(audio.timescale().max(1)),
        _ => at(&head.video) / VIDEO_MS,
    };
    ms.saturating_sub(BEGIN_MS)
}
