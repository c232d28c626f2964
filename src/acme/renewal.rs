//! When a certificate should be renewed, as the server says (ARI, RFC 9773).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::client::{Client, get};
use crate::error::Error;
use crate::key::encode;
use crate::message::{RenewalInfo, read};
use crate::transport::Transport;

/// The server's suggestion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// From when.
    pub start: SystemTime,
    /// Until when.
    pub end: SystemTime,
    /// Why, where it has a page of that.
    pub explanation: Option<String>,
    /// When to ask again.
    pub ask_after: Duration,
}

impl Renewal {
    /// A time in the window, by a random number: so that not all come at once (RFC 9773, 4.2).
    pub fn at(&self, random: u64) -> SystemTime {
        let window = self.end.duration_since(self.start).unwrap_or_default().as_millis() as u64;
        self.start + Duration::from_millis(random % window.max(1))
    }
}

/// The name of a certificate (RFC 9773, 4.1): its authority's key identifier and its serial number's bytes.
pub fn certificate_id(authority_key: &[u8], serial: &[u8]) -> String {
    format!("{}.{}", encode(authority_key), encode(serial))
}

/// How often it is asked at most, and at least (RFC 9773, 4.3.1 and 4.3.2).
const SOONEST: Duration = Duration::from_secs(60);
const LATEST: Duration = Duration::from_secs(86_400);
const USUAL: Duration = Duration::from_secs(6 * 3600);

impl<T: Transport> Client<T> {
    /// Asks when a certificate should be renewed. `None`: this server does not say.
    pub async fn renewal(&mut self, certificate_id: &str) -> Result<Option<Renewal>, Error> {
        let Some(base) = &self.directory.renewal_info else { return Ok(None) };
        let url = format!("{}/{certificate_id}", base.trim_end_matches('/'));
        let response = get(&mut self.transport, "GET", &url).await?;
        let info: RenewalInfo = read(&response, "renewal information")?;
        let window = [&info.suggested_window.start, &info.suggested_window.end];
        let [Some(start), Some(end)] = window.map(|text| time(text)) else {
            return Err(Error::protocol("window of time"));
        };
        if end < start {
            return Err(Error::protocol("window of time"));
        }
        let said = response.retry_after(self.transport.now()).unwrap_or(USUAL);
        let explanation = info.explanation;
        Ok(Some(Renewal { start, end, explanation, ask_after: said.clamp(SOONEST, LATEST) }))
    }
}

/// A time of RFC 3339: `2026-11-28T18:00:00.5+01:00`.
fn time(text: &str) -> Option<SystemTime> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let at = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = rest.split_at(at);
    // Fractions of a second do not matter here.
    let clock = clock.split_once('.').map_or(clock, |(clock, _)| clock);
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(clock, ':')?;
    let offset = match zone.split_at(1) {
        ("Z" | "z", "") => 0,
        (sign, offset) => {
            let [hours, minutes] = numbers(offset, ':')?;
            (hours * 3600 + minutes * 60) * if sign == "-" { -1 } else { 1 }
        }
    };
    let fits = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    // Years begin in March, so that the leap day is the last.
    let (year, shifted) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap = year / 4 - year / 100 + year / 400;
    let days = year * 365 + leap + (153 * shifted + 2) / 5 + day - 1 - 719_468;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
    let seconds = u64::try_from(seconds).ok().filter(|_| fits)?;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

fn numbers<const N: usize>(text: &str, between: char) -> Option<[i64; N]> {
    let plain =
        |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let parts = text.split(between).map(|part| part.parse().ok().filter(|_| plain(part)));
    parts.collect::<Option<Vec<i64>>>()?.try_into().ok()
}
