//! What is asked for: `APP/NAME` and what is behind the name.
//!
//! | address | what it is |
//! |---|---|
//! | `NAME.flv` `NAME.ts` `NAME.mp4` | the stream as a file without an end |
//! | `NAME.m3u8` `NAME.mpd` | the master playlist of HLS, the description for DASH |
//! | `NAME/RESOURCE` | what these name: see `hls::Resource` |
//! | `NAME/thumbnail.mp4` | the newest key frame |
//! | `NAME` | what the client takes |
//!
//! Of a stream whose own name ends like this the suffix is the second one: `x.flv.flv`.

use hls::{Place, Resource};
use rtmp::Container;

/// In which form a stream is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A file without an end.
    File(Container),
    /// The master playlist.
    Playlist,
    /// The description for DASH.
    Manifest,
    /// What these name.
    Resource(Resource),
    /// The newest key frame.
    Picture,
    /// A page that plays it.
    Page,
}

const SUFFIXES: &[(&str, Form)] = &[
    (".flv", Form::File(Container::Flv)),
    (".ts", Form::File(Container::Ts)),
    (".mp4", Form::File(Container::Mp4)),
    (".m3u8", Form::Playlist),
    (".mpd", Form::Manifest),
];

const PICTURE: &[u8] = b"thumbnail.mp4";

/// The stream's path, and the form; `None`: the client is to choose.
pub fn split(path: &[u8]) -> (&[u8], Option<Form>) {
    let slash = path.iter().rposition(|&byte| byte == b'/');
    // There is a name before it, not the application alone.
    if let Some(at) = slash.filter(|&at| path[..at].contains(&b'/')) {
        if &path[at + 1..] == PICTURE {
            return (&path[..at], Some(Form::Picture));
        }
        if let Some(resource) = Resource::of(path) {
            return (&path[..at], Some(Form::Resource(resource)));
        }
    }
    for (suffix, form) in SUFFIXES {
        if let Some(stream) = path.strip_suffix(suffix.as_bytes()) {
            return (stream, Some(*form));
        }
    }
    (path, None)
}

/// Where the client thinks it is: the addresses that it is told are relative to that. `uri`: as it has sent it.
pub fn place(uri: &[u8]) -> Place {
    let directory = basename(uri);
    if directory.is_empty() { Place::Inside } else { Place::Beside(directory) }
}

/// The last part of an address without a suffix, as it may stand in another address, in quotes and in markup.
pub fn basename(uri: &[u8]) -> String {
    let path = uri.split(|&byte| byte == b'?').next().unwrap_or_default();
    let last = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let mut suffixes = SUFFIXES.iter().map(|(suffix, _)| suffix.as_bytes());
    let last = suffixes.find_map(|suffix| last.strip_suffix(suffix)).unwrap_or(last);
    let mut escaped = Vec::with_capacity(last.len());
    for piece in last.split_inclusive(|&byte| byte == b'%') {
        // What is escaped already stays so.
        let (plain, mark) = match piece.strip_suffix(b"%") {
            Some(plain) => (plain, &b"%"[..]),
            None => (piece, &b""[..]),
        };
        proto::escape::component(plain, &mut escaped);
        escaped.extend_from_slice(mark);
    }
    String::from_utf8_lossy(&escaped).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> (String, Option<Form>) {
        let (stream, form) = split(path.as_bytes());
        (String::from_utf8_lossy(stream).into_owned(), form)
    }

    #[test]
    fn suffixes_are_forms() {
        let flv = Some(Form::File(Container::Flv));
        assert_eq!(of("live/cam.flv"), ("live/cam".into(), flv));
        assert_eq!(of("live/x.flv.flv"), ("live/x.flv".into(), flv));
        assert_eq!(of("live/.flv"), ("live/".into(), flv));
        assert_eq!(of("live/cam.1"), ("live/cam.1".into(), None));
        assert_eq!(of("live/cam.FLV"), ("live/cam.FLV".into(), None));
        assert_eq!(of("live/a/b.ts"), ("live/a/b".into(), Some(Form::File(Container::Ts))));
        assert_eq!(of("live/cam.m3u8"), ("live/cam".into(), Some(Form::Playlist)));
        assert_eq!(of("live/cam.mpd"), ("live/cam".into(), Some(Form::Manifest)));
        assert_eq!(of("cam.flv"), ("cam".into(), flv));
        assert_eq!(of(""), (String::new(), None));
    }

    #[test]
    fn what_is_named_in_playlists_is_below_the_stream() {
        let (stream, form) = of("live/cam/video.m3u8");
        assert!(stream == "live/cam" && matches!(form, Some(Form::Resource(_))));
        assert_eq!(of("live/cam/thumbnail.mp4"), ("live/cam".into(), Some(Form::Picture)));
        // Without a name before them these are streams.
        assert_eq!(of("live/video.m3u8"), ("live/video".into(), Some(Form::Playlist)));
        let mp4 = Some(Form::File(Container::Mp4));
        assert_eq!(of("live/thumbnail.mp4"), ("live/thumbnail".into(), mp4));
    }

    #[test]
    fn addresses_are_relative_to_what_was_asked_for() {
        let beside = |name: &str| Place::Beside(name.into());
        assert_eq!(place(b"/live/cam.m3u8?key=a/b.c"), beside("cam"));
        assert_eq!(place(b"/live/cam.1"), beside("cam.1"));
        assert_eq!(place(b"/live/a%20b.mpd"), beside("a%20b"));
        assert_eq!(place(b"/live/rtmp:$x\"<.m3u8"), beside("rtmp%3A%24x%22%3C"));
        assert_eq!(place(b"/live/cam/"), Place::Inside);
    }
}
