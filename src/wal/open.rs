//! Opening: everything is read and checked, and nothing is written.

use std::io;

use crate::device::Device;
use crate::error::OpenError;
use crate::header::{Header, Past};
use crate::log::{Durability, Log};
use crate::read::{Joiner, Reader};
use crate::record::{Lead, Record};
use crate::segment::{self, Segment};
use crate::shape::{PAGE, page_of};
use crate::state::{LogState, Start};
use crate::verdict::{Damage, Doubt, Facts, doubt};

/// Pages that are read at once.
const AHEAD: usize = 32;

/// A record that was found.
#[derive(Clone, Copy, Debug)]
struct Entry {
    seq: u64,
    at: u64,
    copy: bool,
}

/// What was found in a file.
#[derive(Debug)]
pub struct Found<D> {
    /// The epoch of its ids.
    pub epoch: u32,
    /// Those before, the oldest first; if it is not certain that nothing was lost, `epoch`, too.
    pub past: Vec<Past>,
    /// What hashes of idempotency keys are made with.
    pub secret: [u64; 2],
    /// The newest seq; the next record has a greater one.
    pub newest: u64,
    /// Zone time of the newest record that was found, and the wall clock then; in milliseconds.
    pub time: u64,
    /// The wall clock of it.
    pub wall: u64,
    /// Nothing can have been lost or changed since the last writer: the epoch goes on. Else the caller
    /// takes a new one.
    pub certain: bool,
    /// Why it is not.
    pub doubt: Option<Doubt>,
    /// For the log: what is damaged.
    pub damage: Damage,
    log: Log<D>,
    /// In the order of their seqs, each once.
    entries: Vec<Entry>,
    start: Start,
}

impl<D: Device> Log<D> {
    /// Reads and checks all of a device.
    pub fn open(device: D, durability: Durability) -> Result<Found<D>, OpenError> {
        let witness = device.witness()?;
        let (header, both) = OpenError::front(&device)?;
        let (shape, secret) = (header.shape, header.secret);
        let whole = both && device.len()? >= shape.len();
        let mut scan = Scan::of(&device, &header)?;
        let superseded = scan.supersede();
        let (missing, earlier) = scan.missing(&header);
        let damage = Damage { pages: scan.pages, segments: missing, seqs: scan.holes(&header) };
        let facts = Facts {
            witness,
            boot: device.boot(),
            damage,
            earlier: scan.earlier + earlier,
            whole,
            torn: scan.torn,
            newest: scan.entries.last().map_or(0, |entry| entry.seq),
            seen: scan.seen,
            written: scan.written,
        };
        let doubt = doubt(&header, &facts);
        let newest = [facts.newest, scan.seen, header.begun.newest, header.closed.unwrap_or(0)];
        let newest = newest.into_iter().max().unwrap_or(0);
        let mut header = header;
        if doubt.is_some() {
            header.remember(Past { epoch: header.epoch, upto: newest });
        }
        let (head, clear) = scan.head(&header);
        let (pages, segments) = (scan.pages + scan.earlier, missing + earlier);
        Ok(Found {
            epoch: header.epoch,
            past: header.past,
            secret,
            newest,
            time: scan.time,
            wall: scan.wall,
            certain: doubt.is_none(),
            doubt,
            damage: Damage { pages, segments, ..damage },
            start: Start {
                life: scan.segments.iter().map(|segment| segment.life).max().unwrap_or(0),
                head,
                clear,
                segment: shape.segment,
                newest,
                damaged: pages + segments + u32::from(scan.torn),
            },
            entries: scan.entries,
            log: Log { device, shape, secret, durability, superseded },
        })
    }
}

impl<D: Device> Found<D> {
    /// Where it was found.
    pub fn device(&self) -> &D {
        &self.log.device
    }

    /// How many records there are.
    pub fn records(&self) -> usize {
        self.entries.len()
    }

    /// Hands out the records in the order of their seqs, each once, in one part. What the zone did not
    /// keep any more may be among them, and there are gaps in the channels' numbers where something
    /// is lost or was not kept. Gives how many there were.
    pub fn replay(&self, mut each: impl FnMut(&Record<'_>)) -> io::Result<usize> {
        let log = &self.log;
        let mut reader = Reader::new(&log.device, log.shape, log.secret, AHEAD);
        let mut bytes = Vec::new();
        let mut count = 0;
        for entry in &self.entries {
            if !reader.record(entry.at, &mut bytes)? {
                continue;
            }
            let Some(lead) = Lead::decode(&bytes).filter(|lead| lead.record.seq == entry.seq)
            else {
                continue;
            };
            each(&Record { parts: &[&bytes[lead.lead as usize..]], ..lead.record });
            count += 1;
        }
        Ok(count)
    }

    /// Goes on with this log under `epoch`: the one that was found, if that is certain, else a new one.
    /// The zone's memory is this process's alone yet. Nothing is written before the first append.
    pub fn go_on(self, state: &LogState, epoch: u32) -> Log<D> {
        state.start(epoch, &self.start);
        self.log
    }
}

/// What going through the segments gives.
#[derive(Default)]
struct Scan {
    shape_count: u64,
    size: u64,
    /// By number.
    segments: Vec<Segment>,
    entries: Vec<Entry>,
    /// Damaged pages since the last writer began, and before.
    pages: u32,
    earlier: u32,
    torn: bool,
    seen: u64,
    written: u64,
    time: u64,
    wall: u64,
    /// Behind the last fragment of the newest segment.
    end: u64,
}

impl Scan {
    fn of(device: &impl Device, header: &Header) -> io::Result<Scan> {
        let shape = header.shape;
        let mut reader = Reader::new(device, shape, header.secret, AHEAD);
        let mut scan = Scan { shape_count: shape.count, size: shape.segment, ..Scan::default() };
        for slot in 0..shape.count {
            scan.segments.extend(reader.held(slot)?);
        }
        scan.segments.sort_by_key(|segment| segment.number);
        let mut joiner = Joiner::default();
        let mut newest = (0, 0);
        for n in 0..scan.segments.len() {
            let segment = scan.segments[n];
            let is_last = n + 1 == scan.segments.len();
            let begin = segment.number * shape.segment;
            if begin >= header.begun.at {
                scan.written = scan.written.max(segment.wall);
            }
            // Of the last segment nobody knows where it ends but by what is there.
            let mut doubtful = Vec::new();
            scan.end = begin + segment::HEAD;
            for page in (begin..begin + shape.segment).step_by(PAGE as usize) {
                let mut some = false;
                let fine = reader.fragments(page, |at, found, bytes| {
                    some = true;
                    scan.end = page + found.data.end as u64;
                    let data = &bytes[found.data.clone()];
                    if let Some(lead) = Lead::decode(data).filter(|_| found.kind.begins()) {
                        scan.seen = scan.seen.max(lead.record.seq);
                        if at >= header.begun.at {
                            scan.written = scan.written.max(lead.written());
                        }
                        if (lead.record.seq, at) >= newest {
                            newest = (lead.record.seq, at);
                            (scan.time, scan.wall) = (lead.record.time, lead.record.wall);
                        }
                    }
                    if let Some((at, seq, copy)) = joiner.take(at, found, data) {
                        scan.entries.push(Entry { seq, at, copy });
                    }
                })?;
                if some {
                    scan.bad(header, &doubtful);
                    doubtful.clear();
                }
                if !fine {
                    doubtful.push(page);
                }
            }
            match is_last {
                true => scan.torn = doubtful.contains(&page_of(scan.end.saturating_sub(1))),
                false => scan.bad(header, &doubtful),
            }
        }
        Ok(scan)
    }

    fn bad(&mut self, header: &Header, pages: &[u64]) {
        let from = page_of(header.begun.at);
        let new = pages.iter().filter(|&&page| page >= from).count() as u32;
        self.pages += new;
        self.earlier += pages.len() as u32 - new;
    }

    /// Keeps of each seq the last record; gives where the others begin.
    fn supersede(&mut self) -> Vec<u64> {
        self.entries.sort_unstable_by_key(|entry| (entry.seq, entry.at));
        let mut others = Vec::new();
        self.entries.dedup_by(|later, kept| {
            let same = later.seq == kept.seq;
            if same {
                others.push(kept.at);
                // What was an original is there still, as a copy: its seq is not missing.
                *kept = Entry { copy: later.copy && kept.copy, ..*later };
            }
            same
        });
        others.sort_unstable();
        others
    }

    /// How many segments are missing: of those that the last writer had, and of earlier ones.
    fn missing(&self, header: &Header) -> (u32, u32) {
        let Some(last) = self.segments.last().map(|segment| segment.number) else { return (0, 0) };
        let begun = (header.begun.at / self.size).min(last + 1);
        // All places but the newest one's have what was written a lap ago, or since.
        let oldest = (last + 1).saturating_sub(self.shape_count).max(1);
        let missing = |from: u64, to: u64| {
            let is_in = |segment: &&Segment| (from..to).contains(&segment.number);
            to.saturating_sub(from) as u32 - self.segments.iter().filter(is_in).count() as u32
        };
        (missing(begun.max(oldest), last + 1), missing(oldest, begun))
    }

    /// How many records of the last writer are missing.
    fn holes(&self, header: &Header) -> u64 {
        let begun = header.begun;
        let is_own = |entry: &&Entry| !entry.copy && entry.seq > begun.newest;
        let seqs = || self.entries.iter().filter(is_own).map(|entry| entry.seq);
        let (Some(first), Some(last)) = (seqs().next(), seqs().next_back()) else { return 0 };
        let newest = self.segments.last().map_or(0, |segment| segment.number);
        let is_there = begun.at / self.size + self.shape_count >= newest + 2;
        let from = if is_there { begun.newest + 1 } else { first };
        (last + 1 - from) - seqs().count() as u64
    }

    /// Where writing goes on, and the last segment that may be written to.
    fn head(&self, header: &Header) -> (u64, u64) {
        let Some(last) = self.segments.last() else {
            let head = header.begun.at.next_multiple_of(self.size);
            return (head, head / self.size);
        };
        // Behind what is torn something may stand that looks like more.
        let head = if self.torn { self.end.next_multiple_of(PAGE) } else { self.end };
        (head, last.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::Begun;
    use crate::shape::Shape;

    #[test]
    fn a_seq_that_is_missing_is_noticed_wherever_it_was() {
        let segment = 8192;
        let holes = |seqs: &[u64], copies: &[u64], newest: u64| {
            let header = Header {
                shape: Shape { segment, count: 4 },
                generation: 3,
                epoch: 1,
                secret: [0; 2],
                boot: 0,
                device: 0,
                inode: 0,
                begun: Begun { life: 1, at: 2 * segment, newest: 5, damaged: 0 },
                closed: None,
                wall: 0,
                past: Vec::new(),
            };
            let entry = |seq: &u64| Entry { seq: *seq, at: 0, copy: copies.contains(seq) };
            let entries = seqs.iter().map(entry).collect();
            let segments = vec![Segment { number: newest, life: 1, epoch: 1, wall: 0 }];
            let scan = Scan { shape_count: 4, size: segment, segments, entries, ..Scan::default() };
            scan.holes(&header)
        };
        assert_eq!(holes(&[1, 3, 6, 7, 8], &[], 3), 0, "what was before is not this writer's");
        assert_eq!(holes(&[6, 8], &[], 3), 1);
        assert_eq!(holes(&[7, 8], &[], 3), 1, "the first");
        assert_eq!(holes(&[1], &[], 3), 0, "nothing was written yet");
        assert_eq!(
            holes(&[6, 9, 10], &[6], 5),
            0,
            "a lap later the first ones are copies, or gone"
        );
    }
}
