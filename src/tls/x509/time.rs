//! A certificate's times (RFC 5280, 4.1.2.5), as OpenSSL prints them.
//!
//! ```text
//! UTCTime:         YYMMDDhhmm[ss]Z        50…99: 19YY
//! GeneralizedTime: YYYYMMDDhhmmss[.f*]Z
//! ```

use std::fmt;

use crate::der::{Malformed, Reader, tag};

/// A time as it stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time<'a> {
    text: &'a [u8],
    generalized: bool,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

struct Parts {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl<'a> Time<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Time<'a>, Malformed> {
        let value = reader.any()?;
        match value.tag {
            tag::UTC_TIME => Ok(Time { text: value.bytes, generalized: false }),
            tag::GENERALIZED_TIME => Ok(Time { text: value.bytes, generalized: true }),
            _ => Err(reader.malformed()),
        }
    }

    /// Seconds since 1970. `None`: it is no time.
    pub fn unix(&self) -> Option<i64> {
        let at = self.parts()?;
        Some(days(at.year, at.month, at.day) * 86_400 + at.hour * 3600 + at.minute * 60 + at.second)
    }

    fn fraction(&self) -> &'a [u8] {
        self.text
            .iter()
            .position(|byte| *byte == b'.')
            .map_or(&[], |at| &self.text[at..self.text.len() - 1])
    }

    fn parts(&self) -> Option<Parts> {
        let text = self.text.strip_suffix(b"Z")?;
        let text = match self.fraction() {
            [] => text,
            [_, digits @ ..] if self.generalized && !digits.is_empty() => {
                let plain = digits.iter().all(u8::is_ascii_digit);
                text.get(..text.len() - digits.len() - 1).filter(|_| plain)?
            }
            _ => return None,
        };
        let wanted = if self.generalized { 14 } else { 12 };
        if !text.iter().all(u8::is_ascii_digit)
            || !(text.len() == wanted || text.len() == wanted - 2)
        {
            return None;
        }
        let pair = |at: usize| {
            text.get(at..at + 2)
                .map_or(0, |two| i64::from(two[0] - b'0') * 10 + i64::from(two[1] - b'0'))
        };
        let start = wanted - 10;
        let year = match (self.generalized, pair(0)) {
            (true, century) => century * 100 + pair(2),
            (false, year) if year < 50 => 2000 + year,
            (false, year) => 1900 + year,
        };
        let [month, day, hour, minute, second] =
            std::array::from_fn(|field| pair(start + 2 * field));
        let fits = (1..=12).contains(&month)
            && day >= 1
            && day <= days_of(year, month)
            && hour < 24
            && minute < 60
            && second < 60;
        fits.then_some(Parts { year, month, day, hour, minute, second })
    }
}

/// As `ASN1_TIME_print`: `Nov 28 18:00:00 2026 GMT`.
impl fmt::Display for Time<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Some(at) = self.parts() else { return write!(f, "Bad time value") };
        let month = MONTHS[at.month as usize - 1];
        let fraction = String::from_utf8_lossy(self.fraction());
        let clock = format!("{:02}:{:02}:{:02}{fraction}", at.hour, at.minute, at.second);
        write!(f, "{month} {:2} {clock} {} GMT", at.day, at.year)
    }
}

fn days_of(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970 in the Gregorian calendar: years begin in March, so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year
        - 719_468
}
