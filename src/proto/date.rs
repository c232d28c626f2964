//! Dates of HTTP (RFC 9110, 5.6.7).
//!
//! ```text
//!   Sun, 06 Nov 1994 08:49:37 GMT      the form in use
//!   Sunday, 06-Nov-94 08:49:37 GMT     obsolete, still read
//!   Sun Nov  6 08:49:37 1994           obsolete, still read
//! ```

use httpdate::HttpDate;
use std::io::Write;
use std::time::{Duration, UNIX_EPOCH};

/// The length of every rendered date.
pub const LEN: usize = 29;

/// The last second of the year 9999, the last one that has a date of this form.
const LAST: u64 = 253_402_300_799;

/// Renders a time in seconds since 1970; later ones than the year 9999 become its last second.
pub fn format(seconds: u64) -> [u8; LEN] {
    let time = UNIX_EPOCH + Duration::from_secs(seconds.min(LAST));
    let mut date = [0; LEN];
    // A date of this form is always 29 bytes long, so it fits.
    let _ = write!(&mut date[..], "{}", HttpDate::from(time));
    date
}

/// Milliseconds since 1970 as ISO 8601 has them, in UTC: `1994-11-06T08:49:37.000Z`. Later ones than the year 9999 become its last.
pub fn iso_8601(ms: u64) -> String {
    let ms = ms.min(LAST * 1000 + 999);
    let date = format(ms / 1000);
    let month = month(&date[8..11]).unwrap_or(0) + 1;
    let [day, year, time] = [5..7, 12..16, 17..25].map(|part| date[part].escape_ascii());
    format!("{year}-{month:02}-{day}T{time}.{:03}Z", ms % 1000)
}

/// Reads a time as RFC 3339 has it, `1994-11-06T08:49:37.5+01:00`, as milliseconds since 1970. Without a zone it is in UTC; a space
/// for the `+` is taken, since that is what becomes of it in a URI.
pub fn parse_iso_8601(text: &[u8]) -> Option<u64> {
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let fixed = text.get(..19)?;
    if separators.iter().any(|&(at, separator)| fixed[at].to_ascii_uppercase() != separator) {
        return None;
    }
    let part = |from: usize, to: usize| number(&fixed[from..to]);
    let month = usize::try_from(part(5, 7)?).ok()?.checked_sub(1).filter(|month| *month < 12)?;
    let day = days(part(0, 4)?, month, part(8, 10)?)?;
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = day * 86_400 + hour * 3600 + minute * 60 + second;
    let (mut ms, mut rest) = (0, &text[19..]);
    if let Some(behind) = rest.strip_prefix(b".") {
        let len = behind.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let places = behind[..len].iter().map(|digit| u64::from(digit - b'0'));
        ms = places.chain([0, 0]).take(3).fold(0, |ms, digit| ms * 10 + digit);
        rest = if len > 0 { &behind[len..] } else { return None };
    }
    let zone = match *rest {
        [] | [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b' ' | b'-'), ref zone @ ..] => {
            let [a, b, b':', c, d] = *zone else { return None };
            let minutes = (number(&[a, b])? * 60 + number(&[c, d])?) as i64;
            if sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    seconds.checked_add_signed(-zone * 60)?.checked_mul(1000)?.checked_add(ms)
}

/// Reads a date in any of the three forms as seconds since 1970; `None` for an earlier one.
///
/// In the form in use, the day of the week and what follows the time are not looked at, as in
/// nginx: clients get the former wrong and append to the latter.
pub fn parse(date: &[u8]) -> Option<u64> {
    if date.get(3..5) == Some(b", ") {
        return fixed(date.get(5..25)?);
    }
    let time = httpdate::parse_http_date(std::str::from_utf8(date).ok()?).ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// `06 Nov 1994 08:49:37`
fn fixed(text: &[u8]) -> Option<u64> {
    let separators = [(2, b' '), (6, b' '), (11, b' '), (14, b':'), (17, b':')];
    if separators.iter().any(|&(at, separator)| text[at] != separator) {
        return None;
    }
    let (year, month, day) = (number(&text[7..11])?, month(&text[3..6])?, number(&text[..2])?);
    let (hour, minute, second) =
        (number(&text[12..14])?, number(&text[15..17])?, number(&text[18..20])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(days(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second)
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'))
    })
}

/// The number of the month, from 0.
fn month(name: &[u8]) -> Option<usize> {
    b"JanFebMarAprMayJunJulAugSepOctNovDec".chunks(3).position(|month| month == name)
}

/// The days from 1970 to a date of the Gregorian calendar.
fn days(year: u64, month: usize, day: u64) -> Option<u64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let february = if leap { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    if year < 1970 || !(1..=lengths[month]).contains(&day) {
        return None;
    }
    let before = year - 1;
    let leap_days =
        (before / 4 - before / 100 + before / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
    Some((year - 1970) * 365 + leap_days + lengths[..month].iter().sum::<u64>() + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_iso_8601() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1994-11-06T08:49:37", Some(784_111_777_000)),
            ("1994-11-06t08:49:37.25z", Some(784_111_777_250)),
            ("1994-11-06T08:49:37.123456Z", Some(784_111_777_123)),
            ("1994-11-06T09:49:37+01:00", Some(784_111_777_000)),
            ("1994-11-06T09:49:37 01:00", Some(784_111_777_000)),
            ("1994-11-06T03:19:37-05:30", Some(784_111_777_000)),
            ("1970-01-01T00:00:00+01:00", None),
            ("1994-13-06T08:49:37Z", None),
            ("1994-00-06T08:49:37Z", None),
            ("1994-02-29T08:49:37Z", None),
            ("1994-11-06T24:00:00Z", None),
            ("1994-11-06T08:49:37.Z", None),
            ("1994-11-06T08:49:37+1", None),
            ("1994-11-06", None),
            ("", None),
        ] {
            assert_eq!(parse_iso_8601(text.as_bytes()), expected, "{text}");
        }
        let text = iso_8601(1_790_000_000_123);
        assert_eq!(parse_iso_8601(text.as_bytes()), Some(1_790_000_000_123));
    }
}
