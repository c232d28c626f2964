//! When another peer is asked (`proxy_next_upstream`), and which fields of an answer are not obeyed (`proxy_ignore_headers`).

use conf::{Error, Setting};
use proto::http1::Name;

/// For which failures another peer is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next(u32);

/// What went wrong, as `proxy_next_upstream` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It could not be reached, or the connection broke.
    Error,
    /// It took too long.
    Timeout,
    /// What it said was no answer.
    InvalidHeader,
    /// It answered with this status.
    Status(u16),
}

const ERROR: u32 = 1;
const TIMEOUT: u32 = 1 << 1;
const INVALID_HEADER: u32 = 1 << 2;
const NON_IDEMPOTENT: u32 = 1 << 3;
const OFF: u32 = 1 << 4;
/// The bit of the first of [`STATUSES`]; the others follow.
const FIRST_STATUS: u32 = 5;
const STATUSES: [u16; 7] = [500, 502, 503, 504, 403, 404, 429];
/// What no script answers: those of gateways.
const GATEWAYS: [u16; 2] = [502, 504];

impl Next {
    /// Reads the words that a family has.
    pub fn read(setting: &Setting<'_>, family: &str) -> Result<Next, Error> {
        let status = |text: &str| {
            let status: u16 = text.strip_prefix("http_")?.parse().ok()?;
            let is_known = family == "proxy" || !GATEWAYS.contains(&status);
            let at = STATUSES.iter().position(|&known| known == status && is_known)?;
            Some(1 << (FIRST_STATUS + at as u32))
        };
        Next::of_words(setting, |word| match word {
            "invalid_header" => Some(INVALID_HEADER),
            "non_idempotent" => Some(NON_IDEMPOTENT),
            // Of answers from a cache, which is no failure.
            "updating" => Some(0),
            text => status(text),
        })
    }

    /// The words where a value is asked for.
    pub fn read_of_values(setting: &Setting<'_>) -> Result<Next, Error> {
        Next::of_words(setting, |word| match word {
            "invalid_response" => Some(INVALID_HEADER),
            "not_found" => {
                let at = STATUSES.iter().position(|&known| known == 404)?;
                Some(1 << (FIRST_STATUS + at as u32))
            }
            _ => None,
        })
    }

    /// The words that all have, and others.
    fn of_words(setting: &Setting<'_>, other: impl Fn(&str) -> Option<u32>) -> Result<Next, Error> {
        let mut bits = 0;
        for (i, word) in setting.args().iter().enumerate() {
            let invalid = || setting.error_at(i, format!("invalid value \"{}\"", word.text));
            let bit = match &word.text[..] {
                "error" => ERROR,
                "timeout" => TIMEOUT,
                "off" => OFF,
                text => other(text).ok_or_else(invalid)?,
            };
            if bit != 0 && bits & bit != 0 {
                setting.warn(format!("duplicate value \"{}\"", word.text));
            }
            bits |= bit;
        }
        Ok(Next(if bits & OFF != 0 { OFF } else { bits }))
    }

    /// Whether another one is asked; `repeats`: the request has gone to one already, and may do something twice.
    pub fn has(&self, fault: Fault, repeats: bool) -> bool {
        let bit = match fault {
            Fault::Error => ERROR,
            Fault::Timeout => TIMEOUT,
            Fault::InvalidHeader => INVALID_HEADER,
            Fault::Status(status) => match STATUSES.iter().position(|&known| known == status) {
                Some(at) => 1 << (FIRST_STATUS + at as u32),
                None => return false,
            },
        };
        let wanted = if repeats { bit | NON_IDEMPOTENT } else { bit };
        self.0 & wanted == wanted
    }
}

impl Fault {
    /// Whether the peer is to blame: who finds nothing, or lets nobody in, has not failed.
    pub fn is_failure(self) -> bool {
        !matches!(self, Fault::Status(403 | 404))
    }

    /// The status of the answer, where no other peer is left.
    pub fn status(self) -> u16 {
        match self {
            Fault::Error | Fault::InvalidHeader => 502,
            Fault::Timeout => 504,
            Fault::Status(status) => status,
        }
    }
}

/// Fields of an answer that are not obeyed; they are passed on nevertheless.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ignored(u32);

const IGNORABLE: [(&str, Name); 9] = [
    ("X-Accel-Redirect", Name::XAccelRedirect),
    ("X-Accel-Expires", Name::XAccelExpires),
    ("X-Accel-Limit-Rate", Name::XAccelLimitRate),
    ("X-Accel-Buffering", Name::XAccelBuffering),
    ("X-Accel-Charset", Name::XAccelCharset),
    ("Expires", Name::Expires),
    ("Cache-Control", Name::CacheControl),
    ("Set-Cookie", Name::SetCookie),
    ("Vary", Name::Vary),
];

impl Ignored {
    /// Reads the names.
    pub fn read(setting: &Setting<'_>) -> Result<Ignored, Error> {
        let mut bits = 0;
        for (i, word) in setting.args().iter().enumerate() {
            let is_it = |(name, _): &(&str, Name)| name.eq_ignore_ascii_case(&word.text);
            let at = IGNORABLE.iter().position(is_it);
            let invalid = || setting.error_at(i, format!("invalid value \"{}\"", word.text));
            let at = at.ok_or_else(invalid)?;
            bits |= 1 << at;
        }
        Ok(Ignored(bits))
    }

    /// Whether it is one of them.
    pub fn has(self, name: Name) -> bool {
        let at = IGNORABLE.iter().position(|(_, known)| *known == name);
        at.is_some_and(|at| self.0 & 1 << at != 0)
    }
}
