//! Typed values: sizes, times, numbers and flags, as nginx writes them.
//!
//! These functions only read; [`Setting`](crate::Setting) adds nginx's messages.

/// A size in bytes: `512`, `4k`, `10m`, `1g`.
///
/// nginx knows `g` only for file offsets; it is accepted for any size here.
pub fn size(text: &str) -> Option<u64> {
    let (digits, shift) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (&text[..at], 10),
        (at, 'm' | 'M') => (&text[..at], 20),
        (at, 'g' | 'G') => (&text[..at], 30),
        _ => (text, 0),
    };
    let size = number(digits)?.checked_mul(1 << shift)?;
    // As in nginx, a size fits a signed offset.
    i64::try_from(size).is_ok().then_some(size)
}

/// A number without sign.
pub fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|n| i64::try_from(*n).is_ok())
}

/// `on` or `off`, in any case.
pub fn flag(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("on") {
        return Some(true);
    }
    text.eq_ignore_ascii_case("off").then_some(false)
}

/// A time in seconds: `30`, `90s`, `1h 30m`, `2d`, `1M` (30 days), `1y` (365 days).
pub fn seconds(text: &str) -> Option<u64> {
    Some(time(text, &UNITS[..7])? / 1000)
}

/// A time in milliseconds: as [`seconds`], and `500ms`, `1s 500ms`.
///
/// nginx refuses years and months in times that it keeps in milliseconds; they are accepted here.
pub fn milliseconds(text: &str) -> Option<u64> {
    time(text, &UNITS)
}

/// The units in the order in which they may follow each other, in milliseconds.
const UNITS: [(&str, u64); 8] = [
    ("y", 365 * 86_400_000),
    ("M", 30 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// The sum of numbers with falling units; the last may be without, for seconds.
fn time(text: &str, mut units: &[(&str, u64)]) -> Option<u64> {
    let mut rest = text;
    let mut total = 0_u64;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let value = number(&rest[..digits])?;
        rest = &rest[digits..];
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let unit = if letters == 0 { "s" } else { &rest[..letters] };
        let step = units.iter().position(|(name, _)| *name == unit)?;
        total = total.checked_add(value.checked_mul(units[step].1)?)?;
        // A number without unit is the last.
        units = if letters == 0 { &[] } else { &units[step + 1..] };
        rest = rest[letters..].trim_start_matches(' ');
    }
    (!text.is_empty() && i64::try_from(total).is_ok()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in
            [("0", 0), ("512", 512), ("4k", 4096), ("10M", 10 << 20), ("1g", 1 << 30)]
        {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in ["", "k", "-1", "+1", "1x", "1kk", "1.5m", " 1", "9223372036854775808", "é"] {
            assert_eq!(size(text), None, "{text}");
        }
        assert_eq!(size("9223372036854775807"), Some(i64::MAX as u64));
        assert_eq!(size("9223372036854775807k"), None);
    }

    #[test]
    fn times() {
        for (text, secs) in [
            ("0", 0),
            ("60", 60),
            ("1m", 60),
            ("1h 30m", 5400),
            ("1h30m", 5400),
            ("1d 5", 86_405),
            ("1M", 30 * 86_400),
            ("1y", 365 * 86_400),
            ("1s ", 1),
        ] {
            assert_eq!(seconds(text), Some(secs), "{text}");
            assert_eq!(milliseconds(text), Some(secs * 1000), "{text}");
        }
        assert_eq!(milliseconds("500ms"), Some(500));
        assert_eq!(milliseconds("1s500ms"), Some(1500));
        assert_eq!(seconds("500ms"), None);
        for text in ["", " ", "s", "-1", "1x", "30m 1h", "1h 1h", "5 5", "5 1s", "1mss", "1é"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
        assert_eq!(milliseconds("9223372036854775807y"), None);
    }

    #[test]
    fn flags() {
        assert_eq!(flag("on"), Some(true));
        assert_eq!(flag("OFF"), Some(false));
        assert_eq!(flag("yes"), None);
    }
}
