//! What comes before all fragments.

use super::{AUDIO_TRACK, VIDEO_TIMESCALE, VIDEO_TRACK, entry};
use crate::media::{AudioTrack, VideoTrack};
use crate::mp4::boxes::{self, put, write};

/// Ticks a second of the movie, which only its whole duration is told in.
const MOVIE_TIMESCALE: u32 = 1000;

/// No rotation, no scaling.
const MATRIX: [u32; 9] = [1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30];

/// The flags of samples: one that decoding can begin with, and one that needs others.
pub(super) const SYNC: u32 = 0x0200_0000;
pub(super) const OTHER: u32 = 0x0101_0000;

/// The init segment of the pictures; `None`: MP4 has no place for the codec.
pub fn video_init(track: &VideoTrack) -> Option<Vec<u8>> {
    init(Some(track), None, false)
}

/// That of the sound.
pub fn audio_init(track: &AudioTrack) -> Option<Vec<u8>> {
    init(None, Some(track), false)
}

/// The head of a file with both, or with one of them; [`set_duration`] says later how long it is. `None`: there is no track, or one
/// that MP4 has no place for.
pub fn movie_init(video: Option<&VideoTrack>, audio: Option<&AudioTrack>) -> Option<Vec<u8>> {
    init(video, audio, true)
}

/// The head of what is sent while it is made, with both or one of them: nothing in it tells how long it will be. `None` as in
/// [`movie_init`].
pub fn live_init(video: Option<&VideoTrack>, audio: Option<&AudioTrack>) -> Option<Vec<u8>> {
    init(video, audio, false)
}

/// Writes into the head of a file how many milliseconds it has. `false`: there is no place for it, and nothing was changed.
pub fn set_duration(head: &mut [u8], milliseconds: u64) -> bool {
    let Some(at) = duration_at(head) else { return false };
    let Some(place) = head.get_mut(at..at + 8) else { return false };
    place.copy_from_slice(&milliseconds.to_be_bytes());
    true
}

/// How many milliseconds a file has by what its head says; `None`: it does not say so.
pub fn duration(head: &[u8]) -> Option<u64> {
    boxes::u64_at(head, duration_at(head)?)
}

fn duration_at(head: &[u8]) -> Option<usize> {
    // Version 1 and no flags: the content of the box whose name this is has 12 bytes.
    const NAME: &[u8] = b"\0\0\0\x14mehd\x01\0\0\0";
    memchr::memmem::rfind(head, NAME).map(|at| at + NAME.len())
}

fn init(video: Option<&VideoTrack>, audio: Option<&AudioTrack>, file: bool) -> Option<Vec<u8>> {
    if video.is_none() && audio.is_none() {
        return None;
    }
    let mut entries = (Vec::new(), Vec::new());
    if let Some(track) = video {
        entry::video(&mut entries.0, track)?;
    }
    if let Some(track) = audio {
        entry::audio(&mut entries.1, track)?;
    }
    let mut out = Vec::with_capacity(1000 + entries.0.len() + entries.1.len());
    write(&mut out, b"ftyp", |out| out.extend_from_slice(b"iso6\0\0\0\0iso6cmfcmp41"));
    write(&mut out, b"moov", |out| {
        movie(out);
        if let Some(track) = video {
            trak(out, &Track::of_video(track), &entries.0);
        }
        if let Some(track) = audio {
            trak(out, &Track::of_audio(track), &entries.1);
        }
        write(out, b"mvex", |out| {
            if file {
                write(out, b"mehd", |out| {
                    [1 << 24, 0, 0].into_iter().for_each(|word| put(out, word))
                });
            }
            let tracks =
                [(video.is_some(), VIDEO_TRACK, OTHER), (audio.is_some(), AUDIO_TRACK, SYNC)];
            for (_, id, flags) in tracks.into_iter().filter(|(there, ..)| *there) {
                write(out, b"trex", |out| {
                    [0, id, 1, 0, 0, flags].into_iter().for_each(|word| put(out, word));
                });
            }
        });
    });
    Some(out)
}

fn movie(out: &mut Vec<u8>) {
    write(out, b"mvhd", |out| {
        // Made and changed at no time; a rate of 1, full volume.
        words(out, &[0, 0, 0, MOVIE_TIMESCALE, 0, 1 << 16, 0x0100_0000, 0, 0]);
        words(out, &MATRIX);
        words(out, &[0; 6]);
        put(out, AUDIO_TRACK + 1);
    });
}

/// What distinguishes a track from others.
struct Track {
    id: u32,
    timescale: u32,
    size: (u32, u32),
    volume: u32,
    handler: &'static [u8],
}

impl Track {
    fn of_video(track: &VideoTrack) -> Track {
        let handler = b"vide\0\0\0\0\0\0\0\0\0\0\0\0video\0";
        Track { id: VIDEO_TRACK, timescale: VIDEO_TIMESCALE, size: track.size, volume: 0, handler }
    }

    fn of_audio(track: &AudioTrack) -> Track {
        let handler = b"soun\0\0\0\0\0\0\0\0\0\0\0\0audio\0";
        let timescale = track.timescale();
        Track { id: AUDIO_TRACK, timescale, size: (0, 0), volume: 0x0100_0000, handler }
    }

    fn is_video(&self) -> bool {
        self.id == VIDEO_TRACK
    }
}

fn trak(out: &mut Vec<u8>, track: &Track, entry: &[u8]) {
    write(out, b"trak", |out| {
        write(out, b"tkhd", |out| {
            // Enabled, and in the movie.
            words(out, &[3, 0, 0, track.id, 0, 0, 0, 0, 0, track.volume]);
            words(out, &MATRIX);
            let side = |pixels: u32| u16::try_from(pixels).map_or(0, u32::from) << 16;
            words(out, &[side(track.size.0), side(track.size.1)]);
        });
        write(out, b"mdia", |out| {
            // The language is not told: `und`.
            write(out, b"mdhd", |out| words(out, &[0, 0, 0, track.timescale, 0, 0x55C4_0000]));
            write(out, b"hdlr", |out| {
                words(out, &[0, 0]);
                out.extend_from_slice(track.handler);
            });
            write(out, b"minf", |out| {
                match track.is_video() {
                    true => write(out, b"vmhd", |out| words(out, &[1, 0, 0])),
                    false => write(out, b"smhd", |out| words(out, &[0, 0])),
                }
                tables(out, entry);
            });
        });
    });
}

/// Where the samples are: in this file, in fragments.
fn tables(out: &mut Vec<u8>, entry: &[u8]) {
    write(out, b"dinf", |out| {
        write(out, b"dref", |out| {
            words(out, &[0, 1]);
            write(out, b"url ", |out| put(out, 1));
        });
    });
    write(out, b"stbl", |out| {
        write(out, b"stsd", |out| {
            words(out, &[0, 1]);
            out.extend_from_slice(entry);
        });
        write(out, b"stts", |out| words(out, &[0, 0]));
        write(out, b"stsc", |out| words(out, &[0, 0]));
        write(out, b"stsz", |out| words(out, &[0, 0, 0]));
        write(out, b"stco", |out| words(out, &[0, 0]));
    });
}

fn words(out: &mut Vec<u8>, words: &[u32]) {
    words.iter().for_each(|word| boxes::put(out, *word));
}
