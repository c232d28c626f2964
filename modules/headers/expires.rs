//! `expires`: until when an answer may be kept.
//!
//! ```text
//! expires [modified] [-]TIME | @TIME-OF-DAY | epoch | max | off      any of it may come from a variable
//! ```

use conf::{Error, Setting, Word};
use http::{Filter, Hooks, Request, Template};
use mem::Str;

/// What is written.
#[derive(Clone, Debug)]
pub struct Written {
    word: Word,
    from_change: bool,
}

/// How long, and from when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expires {
    Off,
    Epoch,
    Max,
    /// Seconds from now on.
    After(i64),
    /// Seconds from the last change on.
    Modified(i64),
    /// Seconds of the day, here.
    Daily(i64),
}

const DAY: i64 = 86_400;

/// Reads `expires [modified] TIME`.
pub fn read(setting: &Setting<'_>) -> Result<Written, Error> {
    let args = setting.args();
    let from_change = args.len() == 2;
    if from_change && args[0].text != "modified" {
        return Err(setting.error_at(0, format!("invalid value \"{}\"", args[0].text)));
    }
    let at = args.len() - 1;
    let written = Written { word: args[at].clone(), from_change };
    if !written.word.text.contains('$') {
        parse(&written.word.text, from_change).map_err(|why| setting.error_at(at, why))?;
    }
    Ok(written)
}

fn parse(text: &str, from_change: bool) -> Result<Expires, &'static str> {
    match text {
        "off" => return Ok(Expires::Off),
        "epoch" => return Ok(Expires::Epoch),
        "max" => return Ok(Expires::Max),
        _ => {}
    }
    let seconds = |text: &str| {
        let seconds = conf::value::seconds(text).and_then(|seconds| i64::try_from(seconds).ok());
        seconds.ok_or("invalid value")
    };
    if let Some(time) = text.strip_prefix('@') {
        return match seconds(time)? {
            _ if from_change => Err("daily time cannot be used with \"modified\" parameter"),
            time if time > DAY => Err("daily time value must be less than 24 hours"),
            time => Ok(Expires::Daily(time)),
        };
    }
    let seconds = match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(time), _) => seconds(time)?,
        (_, Some(time)) => -seconds(time)?,
        _ => seconds(text)?,
    };
    Ok(if from_change { Expires::Modified(seconds) } else { Expires::After(seconds) })
}

/// The filter of a location.
pub struct Expiry {
    template: Template,
    from_change: bool,
    /// It has no variables.
    fixed: Option<Expires>,
}

impl Expiry {
    /// Compiles it; `None`: it is off.
    pub fn compile(written: &Written, hooks: &Hooks<'_, '_>) -> Result<Option<Expiry>, Error> {
        let template = hooks.template(&written.word)?;
        let from_change = written.from_change;
        let fixed = match template.as_literal() {
            Some(_) => {
                let fixed = parse(&written.word.text, from_change);
                Some(fixed.map_err(|why| hooks.error(&written.word, why))?)
            }
            None => None,
        };
        if fixed == Some(Expires::Off) {
            return Ok(None);
        }
        Ok(Some(Expiry { template, from_change, fixed }))
    }

    fn of(&self, request: &mut Request) -> Expires {
        self.fixed.unwrap_or_else(|| {
            let text = self.template.evaluate(request);
            let parsed = text.as_str().map(|text| parse(text, self.from_change));
            // As nginx: what a variable says that is no time says nothing.
            parsed.and_then(Result::ok).unwrap_or(Expires::Off)
        })
    }
}

impl Filter for Expiry {
    fn header(&self, request: &mut Request) -> Option<u16> {
        if !crate::is_usual(request.response.status) {
            return None;
        }
        let wall = rt::wall().as_secs();
        let now = i64::try_from(wall).unwrap_or(i64::MAX);
        let modified = request.response.last_modified.and_then(|time| i64::try_from(time).ok());
        let (at, age) = match self.of(request) {
            Expires::Off => return None,
            Expires::Epoch => (1, None),
            Expires::Max => (2_145_916_555, Some(315_360_000)),
            Expires::Daily(time) => {
                let at = next(time, wall);
                (at, Some(at - now))
            }
            Expires::Modified(seconds) if modified.is_some() && seconds != 0 => {
                let at = modified.unwrap_or(now).saturating_add(seconds);
                (at, Some(at - now).filter(|age| seconds >= 0 && *age >= 0))
            }
            Expires::After(seconds) | Expires::Modified(seconds) => {
                (now.saturating_add(seconds), Some(seconds).filter(|seconds| *seconds >= 0))
            }
        };
        let date = proto::date::format(u64::try_from(at).unwrap_or(0));
        let control = match age {
            Some(age) => request.pool.format(format_args!("max-age={age}")),
            None => Str::from("no-cache"),
        };
        let date = request.pool.copy(&date);
        replace(request, "Expires", date);
        replace(request, "Cache-Control", control);
        None
    }
}

/// The next moment at which it is so late here.
fn next(time: i64, wall: u64) -> i64 {
    let local = sys::clock::local(wall);
    let past =
        i64::from(local.hour) * 3600 + i64::from(local.minute) * 60 + i64::from(local.second);
    let at = i64::try_from(wall).unwrap_or(i64::MAX) - past + time;
    if time > past { at } else { at + DAY }
}

/// Takes the place of what the answer says itself.
fn replace(request: &mut Request, name: &'static str, value: Str) {
    request.response.remove_header(&name.to_ascii_lowercase().replace('-', "_"));
    request.response.add_header(name, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (text, from_change, expected) in [
            ("off", false, Ok(Expires::Off)),
            ("epoch", true, Ok(Expires::Epoch)),
            ("1h 30m", false, Ok(Expires::After(5400))),
            ("-1", false, Ok(Expires::After(-1))),
            ("+2d", true, Ok(Expires::Modified(172_800))),
            ("@15h30m", false, Ok(Expires::Daily(55_800))),
            ("@25h", false, Err("daily time value must be less than 24 hours")),
            ("@1h", true, Err("daily time cannot be used with \"modified\" parameter")),
            ("1x", false, Err("invalid value")),
            ("", false, Err("invalid value")),
            ("--1", false, Err("invalid value")),
        ] {
            assert_eq!(parse(text, from_change), expected, "{text}");
        }
    }

    #[test]
    fn the_next_time_of_day_is_within_a_day() {
        for wall in [0, 1_000_000_000, 1_234_567_890] {
            for time in [0, 1, 43_200, 86_399] {
                let after = next(time, wall) - wall as i64;
                assert!((1..=DAY).contains(&after), "{wall} {time} {after}");
            }
        }
    }
}
