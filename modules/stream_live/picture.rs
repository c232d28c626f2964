//! The newest key frame of a stream as a movie of one picture.

use proto::fmp4::{self, Sample, VIDEO_TIMESCALE, VIDEO_TRACK};
use rtmp::Newest;

/// The movie and its number; `None`: there is no picture, or MP4 has no place for it.
pub fn of(newest: &Newest) -> Option<(u64, Vec<u8>)> {
    let track = newest.video.as_ref()?;
    let (seq, frame) = newest.picture.as_ref()?;
    let mut movie = fmp4::live_init(Some(track), None)?;
    let mut data = Vec::with_capacity(frame.len());
    let size = fmp4::picture(track, frame, &mut data);
    if size == 0 {
        return None;
    }
    let sample = Sample { size, duration: VIDEO_TIMESCALE, cts: 0, key: true };
    fmp4::fragment(&mut movie, 1, VIDEO_TRACK, 0, &[sample], &data, false);
    Some((*seq, movie))
}
