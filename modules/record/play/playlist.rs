//! A span of time as a playlist: segments are ranges of bytes of the files.

use proto::hls::{self, Kind, Media, Segment};

use crate::play::clip::{Clip, cell};

/// What is told as the longest of a playlist that grows may not change (RFC 8216 §6.2.1), nor when it has grown: it does not while key
/// frames are no farther apart.
const TARGET: u32 = 10;

/// Writes it. `names` gives the address of a file; `ended`: nothing more is to come.
pub fn playlist(clips: &[Clip], ended: bool, names: impl Fn(&Clip) -> String) -> String {
    let mut segments = Vec::new();
    for clip in clips {
        let uri = names(clip);
        let first = segments.len();
        segments.extend(cut(clip).map(|cut| Segment {
            uri: Some(uri.clone()),
            range: Some((cut.to.1 - cut.from.1, cut.from.1)),
            duration: (cut.to.0.saturating_sub(cut.from.0), clip.scale as u32),
            wall: clip.wall(cut.from.0),
            map: Some(uri.clone()),
            map_range: Some((clip.head.len() as u64, clip.head_at)),
            ..Segment::default()
        }));
        if clip.grows {
            // It is not known yet where it ends.
            segments.pop();
        }
        if let Some(segment) = segments.get_mut(first) {
            segment.discontinuity = first > 0;
        }
    }
    let seconds = |segment: &Segment| segment.duration.0.div_ceil(segment.duration.1.max(1).into());
    let longest = segments.iter().map(seconds).max().unwrap_or(0) as u32;
    let media = Media {
        target: longest.max(TARGET),
        kind: if ended { Kind::Vod } else { Kind::Event },
        independent: true,
        segments,
        ended,
        ..Media::default()
    };
    hls::playlist(&media, false)
}

/// Time and place of a segment's beginning and end.
struct Cut {
    from: (u64, u64),
    to: (u64, u64),
}

fn cut(clip: &Clip) -> impl Iterator<Item = Cut> {
    let is_first = |at: usize| {
        at == 0 || cell(clip.keys[at - 1].0, clip.scale) != cell(clip.keys[at].0, clip.scale)
    };
    let firsts: Vec<_> =
        (0..clip.keys.len()).filter(|at| is_first(*at)).map(|at| clip.keys[at]).collect();
    let ends: Vec<_> = firsts.iter().skip(1).copied().chain([clip.end]).collect();
    firsts.into_iter().zip(ends).map(|(from, to)| Cut { from, to })
}
