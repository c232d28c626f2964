//! A recording's own playlist, as it comes back from the disk: somebody may have changed it.

use hls::{Earlier, Ours};
use proto::hls::{Key, Kind, Media, Segment, playlist};

use crate::media::Input;

/// Nobody has counted further: half of what a list is refused for.
const MOST: u64 = 1 << 52;

/// A playlist is refused, or put before what there is such that the result is read again and lists that in the same order; or
/// bytes are segments, and what is written of them is read.
pub fn hls_playlist(data: &[u8]) {
    let ours = Ours { files: "s-".to_owned(), keys: Some("k/s-".to_owned()) };
    if let Some(earlier) =
        std::str::from_utf8(data).ok().and_then(|text| Earlier::parse(text, &ours))
    {
        let segments: Vec<(u64, String)> =
            earlier.segments().map(|(msn, file, _)| (msn, file.to_owned())).collect();
        assert!(segments.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0));
        let end = segments.last().map_or(7, |(msn, _)| msn.saturating_add(1));
        for sequence in [0, end.saturating_sub(1), end, end.saturating_add(5), MOST] {
            for discontinuity_sequence in [0, 7, MOST] {
                let media = media(&mut Input(data), sequence.min(MOST), discontinuity_sequence);
                put_before(&earlier, media, &ours);
            }
        }
    }
    let mut input = Input(data);
    let (sequence, breaks) = (u64::from(input.byte()) << (input.byte() & 31), input.byte().into());
    let text = playlist(&media(&mut input, sequence, breaks), false);
    let earlier = Earlier::parse(&text, &ours).unwrap_or_else(|| panic!("it is ours: {text}"));
    put_before(&earlier, media(&mut input, sequence + u64::from(data.len() as u32), breaks), &ours);
}

fn put_before(earlier: &Earlier, mut media: Media, ours: &Ours) {
    let own = media.segments.len();
    let (before, sequence) = (media.earlier.len(), media.sequence);
    earlier.put_before(&mut media, ours);
    assert!(media.earlier.len() > before || media.sequence == sequence);
    let text = playlist(&media, false);
    let again = Earlier::parse(&text, ours).unwrap_or_else(|| panic!("it is read again: {text}"));
    let listed = text.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(again.segments().count(), listed, "{text}");
    // What is in memory has the numbers that it has.
    let first = again.segments().nth(listed - own).map(|(msn, ..)| msn);
    assert!(own == 0 || first == Some(sequence), "{first:?} for {sequence}: {text}");
}

/// ```text
/// count - 1 (1)  segments: flags (1) length (1)
/// ```
/// Of nothing no playlist is made.
fn media(input: &mut Input<'_>, sequence: u64, discontinuity_sequence: u64) -> Media {
    let count = u64::from(input.byte() & 15) + 1;
    let is_ts = input.byte() & 1 == 1;
    let segment = |at: u64| {
        let (flags, length) = (input.byte(), u64::from(input.byte()) + 1);
        let msn = sequence.saturating_add(at);
        let extension = if is_ts { "ts" } else { "m4s" };
        Segment {
            uri: Some(format!("s-{msn}.{extension}")),
            duration: (length, 10),
            wall: length << 20,
            discontinuity: flags & 1 == 1,
            gap: flags & 2 == 2,
            map: (!is_ts).then(|| format!("s-init-{}.mp4", flags >> 4)),
            key: (flags & 4 == 4).then(|| Key { uri: format!("k/s-{msn}.key"), iv: msn.into() }),
            ..Segment::default()
        }
    };
    Media {
        target: 26,
        sequence,
        discontinuity_sequence,
        kind: Kind::Event,
        segments: (0..count).map(segment).collect(),
        ..Media::default()
    }
}
