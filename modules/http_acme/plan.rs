//! When a certificate is renewed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use acme::certificate_id;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tls::x509::Certificate;

/// The longest pause after failures.
const LONGEST: Duration = Duration::from_secs(86_400);

/// A number that nobody knows beforehand.
pub fn random() -> u64 {
    let mut bytes = [0; 8];
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}

/// A time below that.
fn part(of: Duration) -> Duration {
    let most = u64::try_from(of.as_millis()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(random() % most)
}

/// The life of a certificate.
pub struct Life {
    pub start: SystemTime,
    pub end: SystemTime,
    /// Its name for its issuer's advice (RFC 9773, 4.1).
    pub id: Option<String>,
}

impl Life {
    /// Of the first certificate in a PEM text.
    pub fn of(pem: &[u8]) -> Option<Life> {
        let der = CertificateDer::pem_slice_iter(pem).next()?.ok()?;
        let certificate = Certificate::parse(&der).ok()?;
        let time = |unix: i64| Some(UNIX_EPOCH + Duration::from_secs(u64::try_from(unix).ok()?));
        let (_, authority) = certificate.key_ids();
        Some(Life {
            start: time(certificate.not_before.unix()?)?,
            end: time(certificate.not_after.unix()?)?,
            id: authority.map(|key| certificate_id(key, certificate.raw_serial())),
        })
    }

    /// Its end has come.
    pub fn is_over(&self) -> bool {
        self.end <= SystemTime::now()
    }

    /// From its start to its end.
    pub fn length(&self) -> Duration {
        self.end.duration_since(self.start).unwrap_or_default()
    }

    /// Without advice: at two thirds, a little earlier or later, so that not all come at once.
    pub fn due(&self) -> SystemTime {
        let length = self.length();
        self.start + length * 2 / 3 - length / 40 + part(length / 20)
    }

    /// Not later than that, whatever is advised.
    pub fn latest(&self) -> SystemTime {
        self.start + self.length() * 19 / 20
    }
}

/// The pause after so many failures in a row, at least as long as the server wants it.
pub fn pause(failures: u32, first: Duration, wanted: Option<Duration>) -> Duration {
    let own = first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST);
    let own = own / 2 + part(own / 2);
    wanted.map_or(own, |wanted| own.max(wanted + part(wanted / 20)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewals_are_spread_around_two_thirds() {
        let end = UNIX_EPOCH + Duration::from_secs(90 * 86_400);
        let life = Life { start: UNIX_EPOCH, end, id: None };
        let days = |time: SystemTime| {
            time.duration_since(UNIX_EPOCH).expect("later").as_secs_f64() / 86_400.0
        };
        let all: Vec<_> = (0..100).map(|_| days(life.due())).collect();
        assert!(all.iter().all(|day| (57.7..62.3).contains(day)), "{all:?}");
        assert!(all.iter().any(|day| *day != all[0]));
    }

    #[test]
    fn pauses_grow_and_end_at_a_day() {
        let first = Duration::from_secs(60);
        let many = pause(40, first, None);
        assert!(many <= LONGEST && many >= LONGEST / 2);
        assert!(pause(1, first, None) <= first);
        let wanted = Duration::from_secs(3600);
        assert!(pause(1, first, Some(wanted)) >= wanted, "Retry-After holds");
    }
}
