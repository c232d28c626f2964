//! Which form a client takes that names none (RFC 9110 §12.5.1).

use proto::accept;
use rtmp::Container;

use crate::address::Form;

/// The forms and their types. Of those that a client takes equally the first is sent: MP4 is what browsers, VLC and FFmpeg
/// play alike, and those say `*/*`.
const FORMS: &[(Form, &[&str])] = &[
    (Form::File(Container::Mp4), &["video/mp4"]),
    (Form::Playlist, &["application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl"]),
    (Form::File(Container::Ts), &["video/mp2t"]),
    (Form::File(Container::Flv), &["video/x-flv"]),
    (Form::Manifest, &["application/dash+xml"]),
    (Form::Page, &["text/html"]),
];

/// The form that an `Accept` field asks for, of those that are there; `None`: it takes none of them. What it names goes
/// before what it takes along with others.
pub fn choose(field: &[u8], is_there: impl Fn(Form) -> bool) -> Option<Form> {
    let mut best = (0, 0);
    let mut chosen = None;
    for (form, types) in FORMS {
        let wanted = wanted(field, types);
        if wanted.0 > 0 && (chosen.is_none() || wanted > best) && is_there(*form) {
            (best, chosen) = (wanted, Some(*form));
        }
    }
    chosen
}

/// How much, and how exactly, a form is wanted. Its other names count where they are named: ranges have the first one.
fn wanted(field: &[u8], types: &[&str]) -> (u32, u8) {
    let qualities = types.iter().map(|name| accept::quality_of_type(field, name.as_bytes()));
    let named = qualities.clone().filter(|(_, exactness)| *exactness == 2).max();
    named.or(qualities.into_iter().next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MP4: Option<Form> = Some(Form::File(Container::Mp4));

    fn of(field: &str) -> Option<Form> {
        choose(field.as_bytes(), |_| true)
    }

    #[test]
    fn what_clients_say() {
        for everything in ["", "*/*", "video/*", "video/webm,video/ogg,video/*;q=0.9,*/*;q=0.5"] {
            assert_eq!(of(everything), MP4, "{everything}");
        }
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        assert_eq!(of(browser), Some(Form::Page));
        assert_eq!(of("application/x-mpegURL, */*;q=0.1"), Some(Form::Playlist));
        assert_eq!(of("video/x-flv, video/mp4;q=0.9"), Some(Form::File(Container::Flv)));
        assert_eq!(of("video/mp2t, */*"), Some(Form::File(Container::Ts)), "it is named");
        assert_eq!(of("*/*, video/mp4;q=0"), Some(Form::Playlist));
        assert_eq!(of("application/dash+xml;q=0.2"), Some(Form::Manifest));
        for nothing in ["image/png", "*/*;q=0", "text/plain"] {
            assert_eq!(of(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_chosen() {
        let no_hls = |form| form != Form::Playlist;
        assert_eq!(choose(b"application/vnd.apple.mpegurl", no_hls), None);
        assert_eq!(choose(b"application/vnd.apple.mpegurl, video/mp4;q=0.1", no_hls), MP4);
    }
}
