//! Reading what was written, and believing none of it.

use std::io;

use crate::device::Device;
use crate::fragment::{self, Found, FragmentKind};
use crate::record::Lead;
use crate::segment::{self, Segment};
use crate::shape::{PAGE, Shape, page_of};

/// Reads pages through a buffer.
pub(crate) struct Reader<'d, D> {
    device: &'d D,
    shape: Shape,
    secret: [u64; 2],
    buffer: Vec<u8>,
    /// Where in the file the buffer begins, and how much of it was read.
    begin: u64,
    len: usize,
    /// The use of a segment that was last asked for.
    segment: Option<Segment>,
}

impl<'d, D: Device> Reader<'d, D> {
    /// One that reads so many pages at once.
    pub fn new(device: &'d D, shape: Shape, secret: [u64; 2], pages: usize) -> Reader<'d, D> {
        let buffer = vec![0; pages * PAGE as usize];
        Reader { device, shape, secret, buffer, begin: 0, len: 0, segment: None }
    }

    /// The page in which `position` is; short where the file is.
    pub fn page(&mut self, position: u64) -> io::Result<&[u8]> {
        let at = self.shape.place(page_of(position));
        let within =
            |at: u64, begin: u64, len: usize| at >= begin && at + PAGE <= begin + len as u64;
        if !within(at, self.begin, self.len) {
            self.len = 0;
            self.len = read_full(self.device, &mut self.buffer, at)?;
            self.begin = at;
        }
        let from = (at - self.begin) as usize;
        Ok(&self.buffer[from..(from + PAGE as usize).min(self.len)])
    }

    /// What the segment's place holds, whose number is `number` or another of the same place.
    pub fn held(&mut self, number: u64) -> io::Result<Option<Segment>> {
        let slot = number % self.shape.count;
        let mut head = [0; segment::HEAD as usize];
        let len = read_full(self.device, &mut head, self.shape.place(number * self.shape.segment))?;
        Ok(Segment::decode(&head[..len], self.shape, slot, self.secret))
    }

    /// The seed of segment `number`, if that is what stands there.
    fn seed(&mut self, number: u64) -> io::Result<Option<u32>> {
        if self.segment.is_none_or(|segment| segment.number != number) {
            self.segment = self.held(number)?;
        }
        let segment = self.segment.filter(|segment| segment.number == number);
        Ok(segment.map(|segment| segment.seed(self.secret)))
    }

    /// Calls `each` with the fragments of the page at `page`: the position, and the bytes of the page.
    /// `true`: all of the page is as it was written.
    pub fn fragments(
        &mut self,
        page: u64,
        mut each: impl FnMut(u64, &fragment::Fragment, &[u8]),
    ) -> io::Result<bool> {
        let Some(seed) = self.seed(self.shape.number(page))? else { return Ok(false) };
        let offset = self.shape.offset(page);
        let bytes = self.page(page)?;
        let mut at = if offset == 0 { segment::HEAD as usize } else { 0 };
        let mut some = false;
        loop {
            match fragment::at(seed, bytes, offset, at) {
                Found::Fragment(found) => {
                    each(page + at as u64, &found, bytes);
                    at = found.data.end;
                    some = true;
                }
                Found::End => return Ok(some),
                Found::Bad => return Ok(false),
            }
        }
    }

    /// Puts the record together whose first fragment is at `at`: lead and bytes, in `out`. `false`: it
    /// is not whole.
    pub fn record(&mut self, at: u64, out: &mut Vec<u8>) -> io::Result<bool> {
        out.clear();
        let mut at = at;
        let mut tag = None;
        loop {
            let Some(seed) = self.seed(self.shape.number(at))? else { return Ok(false) };
            let offset = self.shape.offset(page_of(at));
            let bytes = self.page(at)?;
            let Found::Fragment(found) =
                fragment::at(seed, bytes, offset, (at - page_of(at)) as usize)
            else {
                return Ok(false);
            };
            match tag {
                None if found.kind.begins() => tag = Some(found.tag),
                Some(tag) if !found.kind.begins() && found.tag == tag => {}
                _ => return Ok(false),
            }
            out.extend_from_slice(&bytes[found.data]);
            if found.kind.ends() {
                let whole = |lead: Lead<'_>| lead.lead + lead.len == out.len() as u64;
                return Ok(Lead::decode(out).is_some_and(whole));
            }
            at = page_of(at) + PAGE;
            if self.shape.offset(at) == 0 {
                at += segment::HEAD;
            }
        }
    }
}

fn read_full(device: &impl Device, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match device.read_at(&mut buffer[len..], at + len as u64)? {
            0 => break,
            more => len += more,
        }
    }
    Ok(len)
}

/// Puts fragments together while they are gone through in order.
#[derive(Default)]
pub(crate) struct Joiner {
    open: Option<Open>,
    /// Of the record that last began: its seq, and whether it is a copy.
    begun: (u64, bool),
}

/// A record that has begun.
struct Open {
    at: u64,
    tag: u32,
    /// The page in which it goes on, and the bytes that are to come.
    next: u64,
    left: u64,
}

impl Joiner {
    /// Takes the next fragment, whose bytes are `data`; gives the record that ends with it: where it
    /// begins, its seq, whether it is a copy.
    pub fn take(
        &mut self,
        at: u64,
        found: &fragment::Fragment,
        data: &[u8],
    ) -> Option<(u64, u64, bool)> {
        let at = self.join(at, found, data)?;
        Some((at, self.begun.0, self.begun.1))
    }

    fn join(&mut self, at: u64, found: &fragment::Fragment, data: &[u8]) -> Option<u64> {
        let len = data.len() as u64;
        if found.kind.begins() {
            self.open = None;
            let lead = Lead::decode(data)?;
            self.begun = (lead.record.seq, lead.copied.is_some());
            let left = (lead.lead + lead.len).checked_sub(len)?;
            if found.kind == FragmentKind::Full {
                return (left == 0).then_some(at);
            }
            self.open = Some(Open { at, tag: found.tag, next: page_of(at) + PAGE, left });
            return None;
        }
        let mut open = self.open.take()?;
        if open.tag != found.tag || open.next != page_of(at) || open.left < len {
            return None;
        }
        open.left -= len;
        if found.kind == FragmentKind::Last {
            return (open.left == 0).then_some(open.at);
        }
        open.next += PAGE;
        self.open = Some(open);
        None
    }
}
