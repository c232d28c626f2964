//! What a request for a media playlist asks for besides: `_HLS_msn`, `_HLS_part`, `_HLS_skip` (§6.2.5).

use std::cmp::Ordering;

use crate::query;

/// What a request asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// A playlist with this segment.
    pub msn: Option<u64>,
    /// With this part of it.
    pub part: Option<u64>,
    /// Without the segments that the client has.
    pub skip: bool,
}

/// What there is of a playlist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Available {
    /// The newest whole segment.
    pub whole: u64,
    /// Parts that it has.
    pub whole_parts: u64,
    /// The segment behind it has so many parts.
    pub parts: u64,
    /// It has begun, if not in this playlist, then in that of another track.
    pub begun: bool,
    /// Milliseconds of a part at most; `None`: parts are not shown.
    pub part_target: Option<u32>,
    /// Nothing comes any more.
    pub ended: bool,
}

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// At once.
    Now,
    /// When there is what it asks for.
    Wait,
    /// It asks for what will not come for long, or for what makes no sense.
    Bad,
}

impl Arguments {
    /// Reads the arguments of a request; `None`: they are no numbers, or a part is asked for of no segment.
    pub fn of(args: &[u8]) -> Option<Arguments> {
        let number = |name: &[u8]| match query::get(args, name) {
            None => Ok(None),
            Some(text) => {
                let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
                let text = std::str::from_utf8(&text).ok().filter(|_| digits);
                text.and_then(|text| text.parse::<u64>().ok()).map(Some).ok_or(())
            }
        };
        let msn = number(b"_HLS_msn").ok()?;
        let part = number(b"_HLS_part").ok()?;
        if part.is_some() && msn.is_none() {
            return None;
        }
        let skip = query::get(args, b"_HLS_skip");
        let skip = matches!(skip.as_deref(), Some(b"YES" | b"v2"));
        Some(Arguments { msn, part, skip })
    }
}

/// How a request for a playlist is answered that has this.
pub fn answer(asked: Arguments, there: Available) -> Answer {
    let Some(msn) = asked.msn else { return Answer::Now };
    if there.ended {
        return Answer::Now;
    }
    let (Some(target), open) = (there.part_target, there.whole + 1) else { return Answer::Now };
    if msn > there.whole + 2 {
        return Answer::Bad;
    }
    let part = match asked.part {
        // The whole segment: the playlist with the first part of the next one has it for certain, this one has it too.
        None => return if msn <= there.whole { Answer::Now } else { Answer::Wait },
        Some(part) => part,
    };
    // A few parts ahead of what there is; short ones are more to a second.
    let ahead = if target >= 1000 { 3 } else { 3000 / u64::from(target.max(1)) };
    if msn < there.whole {
        return Answer::Now;
    }
    let (parts, is_there) = match msn.cmp(&open) {
        // Of a part beyond a segment's last the first of the next segment is meant.
        Ordering::Less => (there.whole_parts, part < there.whole_parts || there.begun),
        Ordering::Equal => (there.parts, part < there.parts),
        Ordering::Greater => (0, false),
    };
    match is_there {
        true => Answer::Now,
        false if part > parts + ahead => Answer::Bad,
        false => Answer::Wait,
    }
}
