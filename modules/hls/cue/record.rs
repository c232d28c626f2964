//! Cues behind the head of a part.
//!
//! ```text
//! 0          4    5      13      14
//! ┌──────────┬────┬──────┬───────┬────────────────────────────────────┬─────┬────────┬─────┬────────┐
//! │ FFFFFFFF │ 01 │ upto │break 1│msn (8) place start (8) elapsed (8) cue│count│ marks …│count│ waiting │
//! └──────────┴────┴──────┴───────┴────────────────────────────────────┴─────┴────────┴─────┴────────┘
//!                         0: there is none, and nothing of it
//! a cue:  action  wall (8)  duration (4)  length, id  length, name  length (2), section of SCTE-35
//! ```
//! Numbers are little-endian. Who does not know of cues takes what is behind a head for tracks, which begin with a length:
//! this one is that of none.

use super::point::{Action, Break, Cue, MOST};
use super::state::Cues;

const MAGIC: [u8; 5] = [0xFF, 0xFF, 0xFF, 0xFF, 1];

/// Whether cues stand there, and not tracks.
pub fn is_cues(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC[..4])
}

impl Cues {
    /// As they stand behind a head.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.upto.to_le_bytes());
        out.push(self.before.is_some().into());
        if let Some(Break { cue, msn, place, start, elapsed }) = &self.before {
            out.extend_from_slice(&msn.to_le_bytes());
            out.push(*place);
            out.extend_from_slice(&start.to_le_bytes());
            out.extend_from_slice(&elapsed.to_le_bytes());
            cue.write(out);
        }
        for cues in [&self.marks, &self.waiting] {
            out.push(cues.len() as u8);
            cues.iter().for_each(|cue| cue.write(out));
        }
    }

    /// Reads them. `None`: they are none that are known here.
    pub fn read(bytes: &[u8]) -> Option<Cues> {
        let mut rest = Rest(bytes.strip_prefix(&MAGIC)?);
        let upto = rest.long()?;
        let before = match rest.byte()? {
            0 => None,
            _ => Some(Break {
                msn: rest.long()?,
                place: rest.byte()?,
                start: rest.long()?,
                elapsed: rest.long()?,
                cue: rest.cue()?,
            }),
        };
        Some(Cues { upto, before, marks: rest.cues()?, waiting: rest.cues()? })
    }
}

impl Cue {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.action as u8);
        out.extend_from_slice(&self.wall.to_le_bytes());
        let duration = self.duration.and_then(|duration| u32::try_from(duration).ok());
        out.extend_from_slice(&duration.unwrap_or(u32::MAX).to_le_bytes());
        for text in [&self.id, &self.name] {
            let text = text.as_deref().unwrap_or_default();
            out.push(text.len() as u8);
            out.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(&(self.section.len() as u16).to_le_bytes());
        out.extend_from_slice(&self.section);
    }
}

/// Bytes that are not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn long(&mut self) -> Option<u64> {
        self.take(8)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
    }

    fn text(&mut self) -> Option<Option<String>> {
        let len = usize::from(self.byte()?);
        let text = String::from_utf8_lossy(self.take(len)?).into_owned();
        Some(Some(text).filter(|text| !text.is_empty()))
    }

    fn cue(&mut self) -> Option<Cue> {
        let action = match self.byte()? {
            1 => Action::Out,
            2 => Action::In,
            _ => Action::Mark,
        };
        let wall = self.long()?;
        let duration = u32::from_le_bytes(*self.take(4)?.first_chunk()?);
        let duration = Some(duration).filter(|duration| *duration != u32::MAX).map(u64::from);
        let (id, name) = (self.text()?, self.text()?);
        let len = u16::from_le_bytes(*self.take(2)?.first_chunk()?);
        let section = self.take(len.into())?.to_vec();
        Some(Cue { action, id, name, duration, section, wall })
    }

    fn cues(&mut self) -> Option<Vec<Cue>> {
        let count = usize::from(self.byte()?);
        // A moment more: a break that is over ends beside them.
        if count > MOST + 1 {
            return None;
        }
        (0..count).map(|_| self.cue()).collect()
    }
}
