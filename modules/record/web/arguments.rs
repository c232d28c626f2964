//! What a request asks for by its arguments.

use proto::date::parse_iso_8601;
use proto::query;

/// A moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// Milliseconds of Unix time.
    At(u64),
    /// So many before now.
    Before(u64),
}

impl Time {
    /// Seconds of Unix time, ISO 8601, or a negative number of seconds: before now.
    fn of(text: &[u8]) -> Option<Time> {
        match text {
            [b'-', seconds @ ..] => milliseconds(seconds).map(Time::Before),
            _ => milliseconds(text).or_else(|| parse_iso_8601(text)).map(Time::At),
        }
    }

    /// In milliseconds of Unix time.
    pub fn at(self, now: u64) -> u64 {
        match self {
            Time::At(time) => time,
            Time::Before(ago) => now.saturating_sub(ago),
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// `start`
    pub start: Option<Time>,
    /// `duration`, in milliseconds.
    pub duration: Option<u64>,
    /// `before`
    pub before: Option<Time>,
    /// `limit`
    pub limit: Option<usize>,
    /// `recorder`
    pub recorder: Option<Vec<u8>>,
    /// `file`: what is asked for is a file, whatever its name.
    pub file: bool,
    /// `fmp4`: an FLV file is wanted as fragments.
    pub fmp4: bool,
}

/// The names that are read here.
pub const NAMES: [&[u8]; 7] =
    [b"start", b"duration", b"before", b"limit", b"recorder", b"file", b"fmp4"];

impl Arguments {
    /// Reads the arguments of a request; `None`: one of them makes no sense.
    pub fn of(args: &[u8]) -> Option<Arguments> {
        let get = |name: &[u8]| query::get(args, name);
        let read = |name: &[u8]| get(name).map(|text| Time::of(&text).ok_or(())).transpose();
        let duration =
            get(b"duration").map(|text| milliseconds(&text).filter(|ms| *ms > 0).ok_or(()));
        let limit = get(b"limit").map(|text| {
            let text = std::str::from_utf8(&text).map_err(drop)?;
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|limit| digits && *limit > 0).ok_or(())
        });
        Some(Arguments {
            start: read(b"start").ok()?,
            duration: duration.transpose().ok()?,
            before: read(b"before").ok()?,
            limit: limit.transpose().ok()?,
            recorder: get(b"recorder"),
            file: get(b"file").is_some(),
            fmp4: get(b"fmp4").is_some(),
        })
    }
}

/// `12.5` as 12500; up to the year 9999.
fn milliseconds(text: &[u8]) -> Option<u64> {
    const MOST: u64 = 253_402_300_800;
    let text = std::str::from_utf8(text).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let ms = fraction
        .bytes()
        .chain(*b"00")
        .take(3)
        .fold(0, |ms, digit| ms * 10 + u64::from(digit - b'0'));
    let seconds = whole.parse::<u64>().ok().filter(|seconds| *seconds < MOST)?;
    Some(seconds * 1000 + ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read() {
        let time = |text: &str| Time::of(text.as_bytes());
        assert_eq!(time("12.5"), Some(Time::At(12_500)));
        assert_eq!(time("1790000000.0625"), Some(Time::At(1_790_000_000_062)));
        assert_eq!(time("-3600"), Some(Time::Before(3_600_000)));
        assert_eq!(time("1970-01-01T00:00:01Z"), Some(Time::At(1000)));
        for none in [
            "",
            "-",
            "1e999",
            "inf",
            "NaN",
            "1.",
            ".5",
            "--1",
            "+1",
            "0x10",
            "1,5",
            "999999999999999999999",
        ] {
            assert_eq!(time(none), None, "{none}");
        }
        assert_eq!(Time::Before(5).at(3), 0);
        let of = |text: &str| Arguments::of(text.as_bytes());
        assert_eq!(of(""), Some(Arguments::default()));
        let all = of("start=1&duration=2.5&before=-1&limit=7&recorder=a%20b&file&x=1");
        assert_eq!(
            all,
            Some(Arguments {
                start: Some(Time::At(1000)),
                duration: Some(2500),
                before: Some(Time::Before(1000)),
                limit: Some(7),
                recorder: Some(b"a b".to_vec()),
                file: true,
                fmp4: false,
            })
        );
        for none in [
            "duration=-1",
            "duration=0",
            "duration=1e999",
            "limit=0",
            "limit=-1",
            "limit=+1",
            "limit=x",
            "start=",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
