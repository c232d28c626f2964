//! What of a frame stands in a file.

use crate::media::{Units, VideoCodec, VideoTrack, av1, hevc};

/// Appends a picture as FLV has it to a fragment's data, and gives its bytes; 0: there is nothing in it.
///
/// What is damaged is left out. H.265's parameter sets are left out as well, for `hvc1` promises that they are in the head, and so
/// are AV1's delimiters (AV1 in ISOBMFF §2.4).
pub fn picture(track: &VideoTrack, frame: &[u8], out: &mut Vec<u8>) -> u32 {
    let start = out.len();
    match track.codec {
        VideoCodec::Avc | VideoCodec::Hevc => units(track, frame, out),
        VideoCodec::Av1 => {
            let units = av1::Units::of(frame);
            let kept = units.filter(|(kind, _)| *kind != av1::TEMPORAL_DELIMITER);
            kept.for_each(|(_, unit)| out.extend_from_slice(unit));
        }
        _ => out.extend_from_slice(frame),
    }
    u32::try_from(out.len() - start).unwrap_or_else(|_| {
        out.truncate(start);
        0
    })
}

fn units(track: &VideoTrack, frame: &[u8], out: &mut Vec<u8>) {
    let size = track.length_size();
    let out_of_band = track.codec == VideoCodec::Hevc && track.parameter_sets().next().is_some();
    for unit in Units::of(frame, size) {
        if out_of_band && matches!(hevc::kind(unit), Some(hevc::VPS..=hevc::PPS)) {
            continue;
        }
        // It had the same length before, in as many bytes.
        let length = (unit.len() as u32).to_be_bytes();
        out.extend_from_slice(&length[4 - usize::from(size)..]);
        out.extend_from_slice(unit);
    }
}
