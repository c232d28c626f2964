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
    let has = |wanted: &[u8]| {
        elements(field).any(|(name, quality)| name.eq_ignore_ascii_case(wanted) && quality > 0)
    };
    has(b"application/json") && !has(b"text/event-stream")
}

/// Whether an `Accept-Encoding` field allows gzip.
pub fn accepts_gzip(field: &[u8]) -> bool {
    let quality_of = |wanted: &[u8]| {
        let mut all = elements(field);
        all.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, quality)| quality)
    };
    quality_of(b"gzip").or_else(|| quality_of(b"*")).is_some_and(|quality| quality > 0)
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
    fn an_event_stream_goes_before_json() {
        assert!(prefers_json(b"application/json"));
        assert!(prefers_json(b"text/html, Application/JSON;q=0.9"));
        assert!(!prefers_json(b"application/json, text/event-stream"));
        assert!(!prefers_json(b"*/*") && !prefers_json(b""));
    }
}
