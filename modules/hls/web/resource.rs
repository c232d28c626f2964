//! What is asked for, by the last part of a path. Everything else is relative to the master playlist.
//!
//! | name | what it is |
//! |---|---|
//! | `index.m3u8` | the master playlist |
//! | `video.m3u8` `audio.m3u8` | the playlist of a track; of a transport stream `video` is everything |
//! | `video-init-VERSION.mp4` | what a decoder needs first |
//! | `video-MSN.m4s` `video-MSN.ts` | a segment |
//! | `video-MSN.PART.m4s` | a part of one |
//! | `NUMBER.key` | a key |
//! | `index.mpd` | the description for DASH |
//! | `video-VERSION-tTIME.m4s` | a segment by the time at which it begins, of tracks of this version |

use crate::part::Track;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// The master playlist.
    Master,
    /// A track's playlist.
    Playlist(Track),
    /// What a decoder needs first, for tracks of this version.
    Init(Track, u32),
    /// A segment.
    Segment(Track, u64),
    /// A part of one.
    Part(Track, u64, u32),
    /// A key.
    Key(u64),
    /// The description for DASH.
    Manifest,
    /// A segment, by the version of its tracks, and when it begins.
    Timed(Track, u32, u64),
}

impl Resource {
    /// By the last part of a path; `None`: there is no such thing.
    pub fn of(path: &[u8]) -> Option<Resource> {
        let name = path.rsplit(|&byte| byte == b'/').next()?;
        let name = std::str::from_utf8(name).ok()?;
        match name {
            "index.m3u8" => return Some(Resource::Master),
            "index.mpd" => return Some(Resource::Manifest),
            _ => {}
        }
        let (stem, extension) = name.rsplit_once('.')?;
        if extension == "key" {
            return number(stem).map(Resource::Key);
        }
        let (track, rest) = match (stem.strip_prefix("video"), stem.strip_prefix("audio")) {
            (Some(rest), _) => (Track::Video, rest),
            (_, Some(rest)) => (Track::Audio, rest),
            _ => return None,
        };
        match (extension, rest.strip_prefix('-')) {
            ("m3u8", None) if rest.is_empty() => Some(Resource::Playlist(track)),
            ("mp4", Some(rest)) => {
                Some(Resource::Init(track, number(rest.strip_prefix("init-")?)?.try_into().ok()?))
            }
            ("ts", Some(rest)) => Some(Resource::Segment(track, number(rest)?)),
            ("m4s", Some(rest)) => match (rest.split_once("-t"), rest.split_once('.')) {
                (Some((version, base)), _) => {
                    Some(Resource::Timed(track, number(version)?.try_into().ok()?, number(base)?))
                }
                (None, None) => Some(Resource::Segment(track, number(rest)?)),
                (None, Some((msn, part))) => {
                    Some(Resource::Part(track, number(msn)?, number(part)?.try_into().ok()?))
                }
            },
            _ => None,
        }
    }
}

/// Digits alone: each thing has one name.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit())
        && !(text.len() > 1 && text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        let of = |name: &str| Resource::of(format!("/hls/cam/{name}").as_bytes());
        assert_eq!(of("index.m3u8"), Some(Resource::Master));
        assert_eq!(of("audio.m3u8"), Some(Resource::Playlist(Track::Audio)));
        assert_eq!(of("video-17.ts"), Some(Resource::Segment(Track::Video, 17)));
        assert_eq!(of("video-17.3.m4s"), Some(Resource::Part(Track::Video, 17, 3)));
        assert_eq!(of("audio-17-t480000.m4s"), Some(Resource::Timed(Track::Audio, 17, 480_000)));
        assert_eq!(of("video-init-17.mp4"), Some(Resource::Init(Track::Video, 17)));
        for none in [
            "",
            "index",
            "video",
            "video-.ts",
            "video-t1.m4s",
            "video-1-t.m4s",
            "video-1-t1.1.m4s",
            "video-017.ts",
            "video-+1.ts",
            "video--1.ts",
            "video-1.2.3.m4s",
            "video-99999999999999999999.ts",
            "videox.m3u8",
            "video-1.4294967296.m4s",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
