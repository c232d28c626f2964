//! `limit_req_zone`: the keys of requests, and their rate.

use std::rc::Rc;

use conf::{Error, Setting, value};
use http::KeyedZone;

/// A zone as it was written.
pub struct Zone {
    /// Its keys.
    pub keyed: KeyedZone,
    /// Thousandths of requests in a second.
    pub rate: u64,
}

impl Zone {
    /// What it is declared with.
    pub const DIRECTIVE: &'static str = "limit_req_zone";

    /// Reads the directive; `before`: those that are declared already.
    pub fn read(setting: &Setting<'_>, before: &[Rc<Zone>]) -> Result<Zone, Error> {
        let mut rate = 1000;
        let further = |i: usize, text: &str| {
            if let Some(number) = text.strip_prefix("rate=") {
                let invalid = || setting.error_at(i, format!("invalid rate \"{text}\""));
                rate = thousandths(number).ok_or_else(invalid)?;
            } else if text == "sync" {
                setting.warn("sync has no effect: a zone is of one machine");
            } else {
                return Ok(false);
            }
            Ok(true)
        };
        let before = before.iter().map(|zone| &zone.keyed);
        let keyed = KeyedZone::read(Zone::DIRECTIVE, setting, false, before, further)?;
        Ok(Zone { keyed, rate })
    }
}

/// `10r/s`, `30r/m`; as in nginx a number alone is one a second, and of what is a minute's the rest is cut.
fn thousandths(text: &str) -> Option<u64> {
    let (number, seconds) = match (text.strip_suffix("r/s"), text.strip_suffix("r/m")) {
        (Some(number), _) => (number, 1),
        (_, Some(number)) => (number, 60),
        _ => (text, 1),
    };
    let number = value::number(number).filter(|&number| number > 0)?;
    Some(number.checked_mul(1000)? / seconds)
}

#[cfg(test)]
mod tests {
    use super::thousandths;

    #[test]
    fn rates() {
        let rates = ["10r/s", "1r/m", "30r/m", "5"].map(thousandths);
        assert_eq!(rates, [Some(10_000), Some(16), Some(500), Some(5000)]);
        for wrong in ["", "r/s", "0r/s", "-1r/s", "1r/h", "1.5r/s", "9223372036854775807r/s"] {
            assert_eq!(thousandths(wrong), None, "{wrong}");
        }
    }
}
