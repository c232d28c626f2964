//! The cookie that carries the number (RFC 6265).

use conf::{Error, Setting};
use http::Request;
use mem::Str;
use proto::http1::Name;

use crate::number::Uid;

/// How it is written.
pub struct Cookie {
    pub name: Str,
    pub domain: Option<Str>,
    pub path: Str,
    pub expires: Expires,
    pub flags: Vec<Flag>,
    /// What stands in the place of the first `=` at the end of its value.
    pub mark: Option<u8>,
}

/// When a browser forgets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expires {
    Off,
    Max,
    /// In so many seconds.
    After(u64),
}

/// What else is said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag(&'static str);

/// Reads `userid_expires TIME | max | off`.
pub fn expires(setting: &Setting<'_>) -> Result<Expires, Error> {
    match setting.arg(0) {
        "off" => Ok(Expires::Off),
        "max" => Ok(Expires::Max),
        _ => Ok(Expires::After(setting.time_secs(0)?)),
    }
}

/// Reads `userid_mark off | CHARACTER`.
pub fn mark(setting: &Setting<'_>) -> Result<Option<u8>, Error> {
    match setting.arg(0).as_bytes() {
        b"off" => Ok(None),
        [mark] if mark.is_ascii_alphanumeric() || *mark == b'=' => Ok(Some(*mark)),
        _ => {
            let what = "value must be \"off\" or a single letter, digit or \"=\"";
            Err(setting.error_at(0, format!("\"{}\" directive {what}", setting.name())))
        }
    }
}

/// Reads `userid_flags FLAG… | off`.
pub fn flags(setting: &Setting<'_>) -> Result<Vec<Flag>, Error> {
    const FLAGS: [&str; 5] =
        ["secure", "httponly", "samesite=strict", "samesite=lax", "samesite=none"];
    if setting.args().len() == 1 && setting.arg(0) == "off" {
        return Ok(Vec::new());
    }
    let flag = |(at, word): (usize, &conf::Word)| {
        let known = FLAGS.iter().find(|known| known.eq_ignore_ascii_case(&word.text));
        known
            .map(|flag| Flag(flag))
            .ok_or_else(|| setting.error_at(at, format!("invalid value \"{}\"", word.text)))
    };
    setting.args().iter().enumerate().map(flag).collect()
}

impl Cookie {
    /// Its value in the request.
    pub fn find<'r>(&self, request: &'r Request) -> Option<&'r [u8]> {
        let lines = request.head.values(Name::Cookie, &request.bytes);
        let mut pairs = lines.flat_map(|line| line.split(|&byte| byte == b';'));
        pairs.find_map(|pair| pair.trim_ascii().strip_prefix(&self.name[..])?.strip_prefix(b"="))
    }

    /// The field that gives it to the client.
    pub fn line(&self, uid: Uid) -> Str {
        let mut line = [&self.name[..], b"="].concat();
        let mut value = uid.encoded().into_bytes();
        if let (Some(mark), Some(place)) = (self.mark, value.get_mut(22)) {
            *place = mark;
        }
        line.extend_from_slice(&value);
        match self.expires {
            Expires::Off => {}
            Expires::Max => line.extend_from_slice(b"; expires=Thu, 31-Dec-37 23:55:55 GMT"),
            Expires::After(seconds) => {
                line.extend_from_slice(b"; expires=");
                line.extend_from_slice(&date(rt::wall().as_secs().saturating_add(seconds)));
            }
        }
        if let Some(domain) = &self.domain {
            line.extend_from_slice(b"; domain=");
            line.extend_from_slice(domain);
        }
        line.extend_from_slice(b"; path=");
        line.extend_from_slice(&self.path);
        for Flag(flag) in &self.flags {
            line.extend_from_slice(b"; ");
            line.extend_from_slice(flag.as_bytes());
        }
        Str::from(line)
    }
}

/// As cookies have dates, with a year of two digits while that is the same for all who read it.
fn date(seconds: u64) -> Vec<u8> {
    let date = proto::date::format(seconds);
    let (day, month, year, time) = (&date[..7], &date[8..11], &date[12..16], &date[16..]);
    // From 2038 on some take two digits for years of the century before.
    let year = if year >= &b"2038"[..] { year } else { &year[2..] };
    [day, b"-", month, b"-", year, time].concat()
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates() {
        assert_eq!(super::date(784_111_777), b"Sun, 06-Nov-94 08:49:37 GMT");
        assert_eq!(super::date(4_102_444_800), b"Fri, 01-Jan-2100 00:00:00 GMT");
    }
}
