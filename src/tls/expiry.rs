//! When the servers' certificates end: said in the log in time (`ssl_certificate_warn`), and shown by variables.

use std::cell::RefCell;

use rustls::pki_types::CertificateDer;

use crate::x509::Certificate;

/// So often it is said again.
const DAY_MS: u64 = 86_400_000;
const DAY: u64 = 86_400;

/// One certificate.
#[derive(Debug)]
struct End {
    name: String,
    /// Seconds since 1970, and in words.
    seconds: i64,
    text: String,
    /// Seconds before that.
    warn: Vec<u64>,
    /// How many of these had come when it was said last, and when that was.
    said: Option<(usize, u64)>,
}

/// The certificates of a block's servers, in the master.
#[derive(Debug, Default)]
pub(crate) struct Expiry(RefCell<Vec<End>>);

impl Expiry {
    /// Another certificate. One that several servers have is said once, as early as one of them wants it.
    pub fn add(&self, name: String, own: &CertificateDer<'_>, warn: &[u64]) {
        let Ok(own) = Certificate::parse(own) else { return };
        let Some(seconds) = own.not_after.unix() else { return };
        let text = own.not_after.to_string();
        let mut all = self.0.borrow_mut();
        match all.iter_mut().find(|one| one.name == name) {
            Some(known) => known.warn.extend_from_slice(warn),
            None => all.push(End { name, seconds, text, warn: warn.to_vec(), said: None }),
        }
    }

    /// There is another one of that name; until when it is valid.
    pub fn renew(&self, name: &str, own: &CertificateDer<'_>) -> String {
        let Ok(own) = Certificate::parse(own) else { return String::new() };
        let text = own.not_after.to_string();
        for one in self.0.borrow_mut().iter_mut().filter(|one| one.name == name) {
            one.seconds = own.not_after.unix().unwrap_or(one.seconds);
            (one.text, one.said) = (text.clone(), None);
        }
        text
    }

    /// Says what is to be said now.
    pub fn look(&self) {
        let (wall, now) = (sys::clock::wall().as_secs() as i64, sys::clock::monotonic_ms());
        for one in self.0.borrow_mut().iter_mut() {
            if let Some(message) = one.due(wall, now) {
                sys::log!(Warn, "{message}");
            }
        }
    }
}

impl End {
    /// What is to be said: when one of the times has come, and once a day from then on.
    fn due(&mut self, wall: i64, now: u64) -> Option<String> {
        let left = u64::try_from(self.seconds.saturating_sub(wall)).unwrap_or(0);
        let come = self.warn.iter().filter(|before| left <= **before).count();
        let is_said = |(before, last): (usize, u64)| before >= come && now - last < DAY_MS;
        if come == 0 || self.said.is_some_and(is_said) {
            return None;
        }
        self.said = Some((come, now));
        let (name, text) = (&self.name, &self.text);
        Some(match left {
            0 => format!("the certificate \"{name}\" has expired, {text}"),
            left => {
                let (count, unit) = match left / DAY {
                    0 => (left.div_ceil(3600), "hour"),
                    days => (days, "day"),
                };
                let plural = if count == 1 { "" } else { "s" };
                format!("the certificate \"{name}\" ends in {count} {unit}{plural}, {text}")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(warn: &[u64]) -> End {
        let (name, text) = ("a.pem".to_owned(), "then".to_owned());
        End { name, seconds: 100 * DAY as i64, text, warn: warn.to_vec(), said: None }
    }

    fn at(end: &mut End, hours_before: i64) -> Option<String> {
        // The clock of the process goes on with the days.
        let now = (1_000_000 - hours_before) as u64 * 3_600_000;
        end.due(end.seconds - hours_before * 3600, now)
    }

    #[test]
    fn it_is_said_at_each_time_and_daily_from_then_on() {
        let mut end = end(&[14 * DAY, 12 * 3600]);
        assert_eq!(at(&mut end, 15 * 24), None);
        let first = at(&mut end, 14 * 24);
        assert_eq!(first.as_deref(), Some("the certificate \"a.pem\" ends in 14 days, then"));
        assert_eq!(at(&mut end, 14 * 24 - 23), None, "within a day");
        assert!(at(&mut end, 13 * 24).is_some(), "a day later");
        let last = at(&mut end, 24);
        assert_eq!(last.as_deref(), Some("the certificate \"a.pem\" ends in 1 day, then"));
        assert_eq!(at(&mut end, 13), None);
        let hours = at(&mut end, 12);
        assert_eq!(hours.as_deref(), Some("the certificate \"a.pem\" ends in 12 hours, then"));
        assert_eq!(at(&mut end, 11), None);
        let over = at(&mut end, -13);
        assert_eq!(over.as_deref(), Some("the certificate \"a.pem\" has expired, then"));
    }

    #[test]
    fn nothing_is_said_where_nothing_is_wanted() {
        assert_eq!(at(&mut end(&[]), -1), None);
    }
}
