//! What a section of SCTE-35 says of a break, for who passes it on (ANSI/SCTE 35 §9).
//!
//! ```text
//! 0    1      3       4                  9        10                13      14
//! ┌────┬──────┬───────┬──────────────────┬────────┬─────────────────┬───────┬─────────┬─────────────┬──────────────┐
//! │ FC │length│version│encrypted, pts (5)│cw index│tier, length (3) │command│ command │length (2)   │ descriptors …│
//! └────┴──────┴───────┴──────────────────┴────────┴─────────────────┴───────┴─────────┴─────────────┴──────────────┘
//! ```
//! Of splice_insert (5) and time_signal (6) it is told what they say; of others, and of what is encrypted, nothing. The
//! checksum is left to who plays the break.

/// What a section says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Which break it is about.
    pub event: Option<u32>,
    /// The break begins, or it ends; `None`: neither.
    pub out: Option<bool>,
    /// How long the break is to be, in milliseconds.
    pub duration: Option<u64>,
}

const TABLE: u8 = 0xFC;
const ENCRYPTED: u8 = 0x80;
const COMMAND: usize = 14;
const SPLICE_INSERT: u8 = 5;
const TIME_SIGNAL: u8 = 6;
const SEGMENTATION: u8 = 2;
/// Types of segments that a break begins with: break, advertisements, placement opportunities, blocks of advertisements
/// (§10.3.3.1). What ends them has the next number.
const STARTS: [u8; 7] = [0x22, 0x30, 0x32, 0x34, 0x36, 0x44, 0x46];

/// Reads a section. `None`: it is none, or is cut short.
pub fn read(bytes: &[u8]) -> Option<Section> {
    let head = bytes.first_chunk::<COMMAND>()?;
    let len = usize::from(u16::from_be_bytes([head[1] & 0x0F, head[2]]));
    if head[0] != TABLE || bytes.len() != 3 + len {
        return None;
    }
    if head[4] & ENCRYPTED != 0 {
        return Some(Section::default());
    }
    let section = match head[13] {
        SPLICE_INSERT => splice_insert(&bytes[COMMAND..]),
        TIME_SIGNAL => time_signal(&bytes[COMMAND..]),
        _ => None,
    };
    Some(section.unwrap_or_default())
}

fn splice_insert(bytes: &[u8]) -> Option<Section> {
    let event = Some(word(bytes, 0)?);
    if bytes.get(4)? & 0x80 != 0 {
        // It does not come after all.
        return Some(Section { event, ..Section::default() });
    }
    let flags = *bytes.get(5)?;
    let (is_out, is_program) = (flags & 0x80 != 0, flags & 0x40 != 0);
    let (has_duration, is_immediate) = (flags & 0x20 != 0, flags & 0x10 != 0);
    let mut at = 6;
    if !is_program {
        let count = *bytes.get(at)?;
        at += 1;
        for _ in 0..count {
            at += 1;
            at += if is_immediate { 0 } else { splice_time(bytes, at)? };
        }
    } else if !is_immediate {
        at += splice_time(bytes, at)?;
    }
    let duration = match has_duration {
        true => Some(ticks(bytes, at, 0x01)?),
        false => None,
    };
    Some(Section { event, out: Some(is_out), duration })
}

/// The descriptors of segmentation decide: a start among them, else an end.
fn time_signal(bytes: &[u8]) -> Option<Section> {
    let at = splice_time(bytes, 0)?;
    let len = usize::from(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let mut rest = bytes.get(at + 2..)?.get(..len)?;
    let mut found: Option<Section> = None;
    while let [tag, len, behind @ ..] = rest {
        let (descriptor, next) = behind.split_at_checked(usize::from(*len))?;
        let said = Some(descriptor).filter(|_| *tag == SEGMENTATION).and_then(segmentation);
        match (said.and_then(|said| said.out), found) {
            (Some(true), _) => return said,
            (Some(false), None) => found = said,
            _ => {}
        }
        rest = next;
    }
    found
}

fn segmentation(bytes: &[u8]) -> Option<Section> {
    if bytes.get(..4)? != b"CUEI" || bytes.get(8)? & 0x80 != 0 {
        return None;
    }
    let flags = *bytes.get(9)?;
    let mut at = 10;
    if flags & 0x80 == 0 {
        at += 1 + 6 * usize::from(*bytes.get(at)?);
    }
    let mut duration = None;
    if flags & 0x40 != 0 {
        duration = Some(ticks(bytes, at, 0xFF)?);
        at += 5;
    }
    at += 2 + usize::from(*bytes.get(at + 1)?);
    let kind = *bytes.get(at)?;
    let out = match kind {
        _ if STARTS.contains(&kind) => true,
        _ if STARTS.contains(&kind.wrapping_sub(1)) => false,
        _ => return None,
    };
    Some(Section { event: word(bytes, 4), out: Some(out), duration })
}

/// How many bytes a splice_time has.
fn splice_time(bytes: &[u8], at: usize) -> Option<usize> {
    Some(if bytes.get(at)? & 0x80 != 0 { 5 } else { 1 })
}

/// Five bytes, of the first of which these bits count: ticks of 90 kHz, as milliseconds.
fn ticks(bytes: &[u8], at: usize, mask: u8) -> Option<u64> {
    let ticks = u64::from(bytes.get(at)? & mask) << 32 | u64::from(word(bytes, at + 1)?);
    Some(ticks / 90)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}
