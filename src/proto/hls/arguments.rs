//! What a client wants of a live playlist: `_HLS_msn`, `_HLS_part`, `_HLS_skip` (bis, §6.2.5).

use super::SECOND;
use crate::query;

/// A request's arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The segment, or the part of it, that shall be there. Numbers that do not fit are the greatest.
    pub msn: Option<u64>,
    /// The part.
    pub part: Option<u64>,
    /// An update is enough.
    pub skip: bool,
}

/// What there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct There {
    /// The number of the segment that is not whole yet, or not even begun: one more than the last whole one's.
    pub next_msn: u64,
    /// How many parts of it are there.
    pub parts: u64,
    /// How many parts the last whole segment has.
    pub last_parts: u64,
    /// The longest part, in microseconds; `None`: there are no parts.
    pub part_target: Option<u64>,
    /// Requests may wait.
    pub block_reload: bool,
    /// Updates are offered.
    pub can_skip: bool,
    /// Nothing comes any more.
    pub ended: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Answer, with an update if `delta`.
    Now {
        /// An update is enough.
        delta: bool,
    },
    /// Wait for news, for three target durations at most, and look again.
    Wait,
    /// 400.
    BadRequest,
}

impl Asked {
    /// Reads a query; `None`: it is a bad request, unless the playlist has ended, for then nothing of this is looked at.
    pub fn of(query: &[u8]) -> Option<Asked> {
        let number = |name: &[u8]| match query::get(query, name) {
            Some(digits) => number(&digits).map(Some),
            None => Some(None),
        };
        let (msn, part) = (number(b"_HLS_msn")?, number(b"_HLS_part")?);
        if part.is_some() && msn.is_none() {
            return None;
        }
        let skip = matches!(query::get(query, b"_HLS_skip").as_deref(), Some(b"YES" | b"v2"));
        Some(Asked { msn, part, skip })
    }

    /// What to do with a query.
    pub fn answer_to(query: &[u8], there: &There) -> Answer {
        match Asked::of(query) {
            Some(asked) => asked.answer(there),
            None if there.ended => Answer::Now { delta: false },
            None => Answer::BadRequest,
        }
    }

    /// What to do with it; to be asked again when something has come.
    pub fn answer(&self, there: &There) -> Answer {
        let delta = self.skip && there.can_skip && !there.ended;
        let now = Answer::Now { delta };
        let Some(msn) = self.msn.filter(|_| there.block_reload && !there.ended) else { return now };
        // The last segment is the one before the next; two after that is as far as one may look ahead.
        if msn > there.next_msn.saturating_add(1) {
            return Answer::BadRequest;
        }
        let Some((target, part)) = there.part_target.zip(self.part) else {
            return if msn < there.next_msn { now } else { Answer::Wait };
        };
        if msn.saturating_add(1) < there.next_msn {
            return now;
        }
        // A part behind a segment's last is the first of the next one.
        let (parts, is_there) = if msn < there.next_msn {
            (there.last_parts, part < there.last_parts || there.parts > 0)
        } else if msn == there.next_msn {
            (there.parts, part < there.parts)
        } else {
            (0, false)
        };
        let ahead = if target >= SECOND { 3 } else { (3 * SECOND).div_ceil(target.max(1)) };
        match part >= parts.saturating_add(ahead) {
            true => Answer::BadRequest,
            false if is_there => now,
            false => Answer::Wait,
        }
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add =
        |number: u64, digit: &u8| number.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Some(digits.iter().fold(0, add))
}
