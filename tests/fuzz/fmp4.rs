//! Fragmented MP4: hostile tracks and frames, files with torn ends.

use crate::media::{Input, audio, video};
use proto::fmp4::{Fragment, Sample, Walk, fragment, movie_init, picture, set_duration};
use proto::mp4::head;

/// Tracks, then frames: see `Input`. What was written is found again, and any file is walked through.
pub fn fmp4(data: &[u8]) {
    walk(data);
    let mut input = Input(data);
    let (video, audio) = (video(&mut input), audio(&mut input));
    let Some(mut out) = movie_init(video.as_ref(), audio.as_ref()) else { return };
    assert!(set_duration(&mut out, u64::MAX));
    boxes(&out);
    let (mut written, start) = (Vec::new(), out.len() as u64);
    let (mut samples, mut content, mut base) = (Vec::new(), Vec::new(), 0);
    let (track, mut sequence) = (1 + u32::from(data[0] & 1), 0);
    while let Some(frame) = input.frame() {
        let size = match &video {
            Some(track) => picture(track, frame.bytes, &mut content),
            None => {
                content.extend_from_slice(frame.bytes);
                frame.bytes.len() as u32
            }
        };
        let duration = audio.as_ref().map_or(frame.time as u32, |track| track.samples(frame.bytes));
        samples.push(Sample { size, duration, cts: frame.offset, key: frame.kind & 1 == 0 });
        if frame.kind & 2 == 0 {
            let start = out.len() as u64 + if frame.kind & 4 == 0 { 24 } else { 0 };
            fragment(&mut out, sequence, track, base, &samples, &content, frame.kind & 4 == 0);
            let end = out.len() as u64;
            let duration = samples.iter().map(|sample| u64::from(sample.duration)).sum();
            let key = samples[0].key;
            written.push(Fragment { start, end, sequence, track, base, duration, key });
            samples.clear();
            content.clear();
            (base, sequence) = (frame.time, sequence + 1);
        }
    }
    let end = written.last().map_or(start, |last| last.end);
    assert_eq!(walk(&out), (written, end));
    let cut = out.len() - usize::from(data[0]).min(out.len());
    assert!(walk(&out[..cut]).1 <= cut as u64);
}

fn walk(file: &[u8]) -> (Vec<Fragment>, u64) {
    let (mut walk, mut found, mut steps) = (Walk::new(file.len() as u64), Vec::new(), 0);
    while let Some((at, len)) = walk.wanted() {
        let rest = &file[file.len().min(at as usize)..];
        found.extend(walk.take(&rest[..rest.len().min(len)]));
        steps += 1;
        assert!(steps <= file.len() / 4 + 2);
    }
    assert!(walk.head() <= walk.end() && walk.end() <= file.len() as u64);
    (found, walk.end())
}

/// Boxes fill what they stand in.
fn boxes(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let found = head(bytes).expect("a box");
        let size = found.size.expect("its size") as usize;
        if matches!(&found.name, b"moov" | b"trak" | b"mdia" | b"minf" | b"stbl" | b"mvex") {
            boxes(&bytes[8..size]);
        }
        bytes = &bytes[size..];
    }
}
