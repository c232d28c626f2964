//! Whether what was found is all there was.

use std::fmt;

use crate::device::Witness;
use crate::header::Header;

/// How far the file's date may be from what the file says of its last writing: clocks of the kernel are
/// coarse, and between the clock and the write a process may have to wait.
const TOLERANCE_NS: u64 = 100_000_000;

/// What was found damaged, in all of the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Pages that are not as they were written, but for the one at which the last writer was
    /// interrupted; those that an earlier opening knew of, too.
    pub pages: u32,
    /// Segments that are missing.
    pub segments: u32,
    /// Seqs of the last writer that are missing.
    pub seqs: u64,
}

/// Why it is not certain that nothing was lost or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The machine was started anew, and the file had not been closed.
    Restarted,
    /// It is not the file that was written to, but a copy.
    Copied,
    /// Somebody else changed it after it was last written to, or it is a copy.
    Changed,
    /// Something in it is damaged or missing.
    Damaged,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Doubt::Restarted => "the machine was restarted before the file was closed",
            Doubt::Copied => "it is a copy",
            Doubt::Changed => "it was changed or restored since it was last written to",
            Doubt::Damaged => "something in it is damaged or missing",
        })
    }
}

/// What the scan says of it.
pub(crate) struct Facts {
    pub witness: Witness,
    pub boot: u128,
    /// Damage since the last writer began, and how many pages and segments were damaged before.
    pub damage: Damage,
    pub earlier: u32,
    /// Whether both pages of the header are valid, and the file is as long as it says.
    pub whole: bool,
    /// Whether the last page that has something has something else behind it.
    pub torn: bool,
    /// The newest whole record, and the newest of which there is something.
    pub newest: u64,
    pub seen: u64,
    /// When the last writer last wrote, as its records say, in nanoseconds.
    pub written: u64,
}

/// `None`: nothing can have been lost or changed since the last writer.
pub(crate) fn doubt(header: &Header, facts: &Facts) -> Option<Doubt> {
    let Facts { witness, damage, .. } = *facts;
    if (witness.device, witness.inode) != (header.device, header.inode) {
        return Some(Doubt::Copied);
    }
    if header.closed.is_none() && (facts.boot == 0 || facts.boot != header.boot) {
        return Some(Doubt::Restarted);
    }
    let last = match header.closed {
        Some(_) => header.wall,
        None => header.wall.max(facts.written),
    };
    if witness.changed_ns.abs_diff(last) > TOLERANCE_NS {
        return Some(Doubt::Changed);
    }
    let lost = header.closed.is_some_and(|closed| {
        facts.torn || facts.newest.max(header.begun.newest) != closed || facts.seen > closed
    });
    let damaged =
        lost || !facts.whole || damage != Damage::default() || facts.earlier > header.begun.damaged;
    damaged.then_some(Doubt::Damaged)
}
