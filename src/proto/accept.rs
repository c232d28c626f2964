//! What a client accepts (RFC 9110 §12.5).

/// The elements of a list, each with its quality in thousandths.
fn elements(field: &[u8]) -> impl Iterator<Item = (&[u8], u32)> {
    field.split(|&byte| byte == b',').map(|element| {
        let mut parts = element.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        let name = parts.next().unwrap_or_default();
        let quality =
            parts.find_map(|part| part.strip_prefix(b"q=").or_else(|| part.strip_prefix(b"Q=")));
        let quality = quality.and_then(|text| std::str::from_utf8(text).ok()?.parse::<f32>().ok());
        (name, quality.map_or(1000, |quality| (quality.clamp(0.0, 1.0) * 1000.0) as u32))
    })
}

/// Whether an `Accept` field asks for JSON, and not for an event stream.
pub fn prefers_json(field: &[u8]) -> bool {
    names(field, b"application/json") && !names(field, b"text/event-stream")
}

/// Whether an `Accept` field names this media type, not as one of many.
pub fn names(field: &[u8], media_type: &[u8]) -> bool {
    elements(field).any(|(name, quality)| name.eq_ignore_ascii_case(media_type) && quality > 0)
}

/// Whether an `Accept` field allows a media type. Who says nothing takes everything.
pub fn accepts(field: &[u8], media_type: &[u8]) -> bool {
    quality_of_type(field, media_type).0 > 0
}

/// The quality in thousandths that an `Accept` field gives a media type, and how exactly the range is that says so: of those
/// that have the type the most exact one counts. 2 is the type itself, 1 all of its kind, 0 everything, which is also what
/// those take who say nothing.
pub fn quality_of_type(field: &[u8], media_type: &[u8]) -> (u32, u8) {
    let slash = media_type.iter().position(|&byte| byte == b'/').unwrap_or(media_type.len());
    let all_of_kind = [&media_type[..slash], b"/*"].concat();
    let quality_of = |range: &[u8]| {
        let mut all = elements(field);
        all.find(|(name, _)| name.eq_ignore_ascii_case(range)).map(|(_, quality)| quality)
    };
    for (range, exactness) in [(media_type, 2), (&all_of_kind, 1), (b"*/*", 0)] {
        if let Some(quality) = quality_of(range) {
            return (quality, exactness);
        }
    }
    (if field.trim_ascii().is_empty() { 1000 } else { 0 }, 0)
}

/// Whether an `Accept-Encoding` field allows gzip.
pub fn accepts_gzip(field: &[u8]) -> bool {
    let quality_of = |wanted: &[u8]| {
        let mut all = elements(field);
        all.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, quality)| quality)
    };
    quality_of(b"gzip").or_else(|| quality_of(b"*")).is_some_and(|quality| quality > 0)
}

/// The quality in thousandths that an `Accept-Encoding` field gives a coding, as nginx reads it for gzip: it is named, and a
/// star says nothing. 0: it is not taken.
pub fn coding_quality(field: &[u8], coding: &[u8]) -> u32 {
    let len = coding.len();
    let is_coding = |at: &usize| {
        let begins = *at == 0 || matches!(field[at - 1], b',' | b' ');
        begins && field[*at..at + len].eq_ignore_ascii_case(coding)
    };
    let Some(at) = (0..(field.len() + 1).saturating_sub(len)).find(is_coding) else { return 0 };
    let rest = field[at + len..].trim_ascii_start();
    let rest = match rest {
        [] | [b',', ..] => return 1000,
        [b';', rest @ ..] => rest.trim_ascii_start(),
        _ => return 0,
    };
    match rest {
        [] => 1000,
        [b'q' | b'Q', b'=', value @ ..] => quality(value).unwrap_or(0),
        _ => 0,
    }
}

/// A quality (RFC 9110 §12.4.2) in thousandths.
fn quality(value: &[u8]) -> Option<u32> {
    let end = value.iter().position(|byte| matches!(byte, b',' | b' ')).unwrap_or(value.len());
    let (whole, fraction) = match &value[..end] {
        [whole @ (b'0' | b'1')] => (whole, &[][..]),
        [whole @ (b'0' | b'1'), b'.', fraction @ ..] => (whole, fraction),
        _ => return None,
    };
    let digits = fraction.len() <= 3 && fraction.iter().all(u8::is_ascii_digit);
    let scale = [100, 10, 1];
    let thousandths: u32 = fraction
        .iter()
        .zip(scale)
        .map(|(digit, scale)| u32::from(digit.wrapping_sub(b'0')) * scale)
        .sum();
    let quality = u32::from(whole - b'0') * 1000 + thousandths;
    (digits && quality <= 1000).then_some(quality)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_allowed_by_name_or_by_the_star() {
        for (field, allowed) in [
            ("gzip, deflate, br", true),
            ("GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("gzip;q=0, *", false),
            ("identity", false),
            ("", false),
        ] {
            assert_eq!(accepts_gzip(field.as_bytes()), allowed, "{field}");
        }
    }

    #[test]
    fn codings_have_their_qualities() {
        for (field, quality) in [
            ("br", 1000),
            ("gzip, br;q=0.25", 250),
            ("gzip, BR; q=1.000", 1000),
            ("br;q=0.0", 0),
            ("br;q=0.001, gzip", 1),
            ("br;q=1.001", 0),
            ("br;q=0.2500", 0),
            ("br;q=x", 0),
            ("br;", 1000),
            ("*", 0),
            ("xbr", 0),
            ("", 0),
            ("b", 0),
        ] {
            assert_eq!(coding_quality(field.as_bytes(), b"br"), quality, "{field}");
        }
    }

    #[test]
    fn an_event_stream_goes_before_json() {
        assert!(prefers_json(b"application/json"));
        assert!(prefers_json(b"text/html, Application/JSON;q=0.9"));
        assert!(!prefers_json(b"application/json, text/event-stream"));
        assert!(!prefers_json(b"*/*") && !prefers_json(b""));
    }

    #[test]
    fn the_most_specific_range_counts() {
        let takes = |field: &str| accepts(field.as_bytes(), b"text/event-stream");
        for field in ["", " ", "*/*", "text/*", "Text/Event-Stream", "application/json, */*;q=0.1"]
        {
            assert!(takes(field), "{field}");
        }
        for field in
            ["application/json", "text/html", "text/event-stream;q=0, */*", "text/*;q=0, */*"]
        {
            assert!(!takes(field), "{field}");
        }
    }

    #[test]
    fn types_have_their_qualities() {
        let of = |field: &str| quality_of_type(field.as_bytes(), b"video/mp4");
        assert_eq!(of(""), (1000, 0));
        assert_eq!(of("*/*;q=0.8, video/*;q=0.5"), (500, 1));
        assert_eq!(of("video/*, VIDEO/MP4;q=0.25"), (250, 2));
        assert_eq!(of("text/html"), (0, 0));
        assert_eq!(of("video/mp4;q=0, */*"), (0, 2));
    }

    #[test]
    fn a_type_is_named_by_itself_alone() {
        assert!(names(b"text/html, Application/X;q=0.1", b"application/x"));
        assert!(!names(b"*/*, application/*, application/x;q=0", b"application/x"));
    }
}
