//! An event's id: `EPOCH-SEQ`, or `EPOCH-SEQ-SUFFIX` with an id of the publisher's.
//!
//! Letters, digits and `-` only: a browser sends it back in `Last-Event-ID` without asking first
//! (Fetch standard, CORS-safelisted request-header).

use std::io::Write;

/// The longest id that is looked at.
const LONGEST: usize = 128;

/// The place of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventId {
    /// Names one life of a log. Written in base 36.
    pub epoch: u32,
    /// The event's number in it.
    pub seq: u64,
}

impl EventId {
    /// Appends its text.
    pub fn write(&self, out: &mut Vec<u8>, suffix: Option<&[u8]>) {
        let mut digits = [0; 7];
        let (mut at, mut rest) = (digits.len(), self.epoch);
        loop {
            at -= 1;
            digits[at] = char::from_digit(rest % 36, 36).map_or(b'0', |digit| digit as u8);
            rest /= 36;
            if rest == 0 {
                break;
            }
        }
        out.extend_from_slice(&digits[at..]);
        // Writing into memory does not fail.
        let _ = write!(out, "-{}", self.seq);
        if let Some(suffix) = suffix {
            out.push(b'-');
            out.extend_from_slice(suffix);
        }
    }

    /// Reads its text; what the publisher has added is passed over.
    pub fn parse(text: &[u8]) -> Option<EventId> {
        if text.len() > LONGEST {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        let (epoch, rest) = text.split_once('-')?;
        let (seq, suffix) = match rest.split_once('-') {
            Some((seq, suffix)) => (seq, Some(suffix)),
            None => (rest, None),
        };
        if suffix.is_some_and(|suffix| super::check_id(suffix.as_bytes()).is_err()) {
            return None;
        }
        let canonical = |digits: &str, is_digit: fn(&u8) -> bool| {
            digits.bytes().all(|byte| is_digit(&byte))
                && (digits == "0" || !digits.starts_with('0'))
        };
        let lower = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
        if !canonical(epoch, lower) || !canonical(seq, u8::is_ascii_digit) {
            return None;
        }
        Some(EventId { epoch: u32::from_str_radix(epoch, 36).ok()?, seq: seq.parse().ok()? })
    }
}
