//! Whether what was found is all there was.

use std::fmt;

use crate::device::Witness;
use crate::header::Header;

/// How far the file's date may be from what the file says of its last writing: the kernel's clock for dates
/// ticks a hundred times a second at least. A process that has to wait between its look at the clock and the
/// write is taken for a stranger: that costs a gap. A copy that is put back sooner would cost ids.
const TOLERANCE_NS: u64 = 15_000_000;

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
    /// The machine was rebooted, and the file had not been closed.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Begun;
    use crate::shape::Shape;

    const SECOND: u64 = 1_000_000_000;

    fn closed() -> Header {
        Header {
            shape: Shape { segment: 8192, count: 4 },
            generation: 4,
            epoch: 1,
            secret: [1, 2],
            boot: 9,
            device: 3,
            inode: 4,
            begun: Begun { life: 1, at: 8192, newest: 5, damaged: 2 },
            closed: Some(8),
            wall: 50 * SECOND,
            past: Vec::new(),
        }
    }

    fn facts() -> Facts {
        Facts {
            witness: Witness { device: 3, inode: 4, changed_ns: 50 * SECOND },
            boot: 10,
            damage: Damage::default(),
            earlier: 2,
            whole: true,
            torn: false,
            newest: 8,
            seen: 8,
            written: 20 * SECOND,
        }
    }

    fn doubted(change: impl FnOnce(&mut Header, &mut Facts)) -> Option<Doubt> {
        let (mut header, mut facts) = (closed(), facts());
        change(&mut header, &mut facts);
        doubt(&header, &facts)
    }

    #[test]
    fn each_fact_is_looked_at() {
        assert_eq!(doubted(|_, _| ()), None);
        assert_eq!(doubted(|_, f| f.witness.device = 7), Some(Doubt::Copied));
        assert_eq!(doubted(|_, f| f.witness.inode = 7), Some(Doubt::Copied));
        let changed = Some(Doubt::Changed);
        assert_eq!(doubted(|_, f| f.witness.changed_ns += TOLERANCE_NS), None);
        assert_eq!(doubted(|_, f| f.witness.changed_ns += TOLERANCE_NS + 1), changed);
        assert_eq!(doubted(|_, f| f.witness.changed_ns -= TOLERANCE_NS + 1), changed);
        let damaged = Some(Doubt::Damaged);
        assert_eq!(doubted(|_, f| f.newest = 7), damaged);
        assert_eq!(doubted(|_, f| f.newest = 9), damaged);
        assert_eq!(doubted(|_, f| f.seen = 9), damaged);
        assert_eq!(doubted(|_, f| f.torn = true), damaged);
        assert_eq!(doubted(|_, f| f.whole = false), damaged);
        assert_eq!(doubted(|_, f| f.earlier = 3), damaged);
        assert_eq!(doubted(|_, f| f.earlier = 1), None, "the ring goes on");
        assert_eq!(doubted(|_, f| f.damage.pages = 1), damaged);
        assert_eq!(doubted(|_, f| f.damage.segments = 1), damaged);
        assert_eq!(doubted(|_, f| f.damage.seqs = 1), damaged);
    }

    #[test]
    fn an_open_file_is_of_this_start_of_the_machine() {
        let open = |boot, written, changed_ns| {
            doubted(|header, facts| {
                header.closed = None;
                (facts.boot, facts.written, facts.witness.changed_ns) = (boot, written, changed_ns);
                // Whoever was killed may have been in the middle of a write.
                (facts.torn, facts.seen) = (true, 9);
            })
        };
        assert_eq!(open(9, 60 * SECOND, 60 * SECOND), None);
        assert_eq!(open(10, 60 * SECOND, 60 * SECOND), Some(Doubt::Restarted));
        assert_eq!(open(9, 60 * SECOND, 70 * SECOND), Some(Doubt::Changed));
        // Nothing was written since it was begun.
        assert_eq!(open(9, 20 * SECOND, 50 * SECOND), None);
        let unknown = doubted(|header, facts| {
            header.closed = None;
            (header.boot, facts.boot) = (0, 0);
        });
        assert_eq!(unknown, Some(Doubt::Restarted), "no start is like the next");
    }
}
