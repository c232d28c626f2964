//! What is about to be written to a player: small heads and tails of its own, and payloads from where
//! they lie.

use std::io::IoSlice;
use std::ops::Range;

use crate::play::view::View;

/// A part of a batch.
enum Part {
    /// Bytes of the batch's own.
    Own(Range<usize>),
    /// Slices of the view's, cut into chunks.
    Cut(Range<usize>),
    /// Slices of the view's, whole.
    Whole(Range<usize>),
}

/// Messages for one player, in order; `A` is what holds behind each. Used again and again: it keeps its memory.
pub struct WriteBatch<A> {
    own: Vec<u8>,
    parts: Vec<Part>,
    /// Behind each message: how many bytes there are so far, and what player and connection are then.
    ends: Vec<(usize, A)>,
    len: usize,
}

impl<A> Default for WriteBatch<A> {
    fn default() -> WriteBatch<A> {
        WriteBatch { own: Vec::new(), parts: Vec::new(), ends: Vec::new(), len: 0 }
    }
}

impl<A: Copy> WriteBatch<A> {
    /// Empties it.
    pub fn clear(&mut self) {
        self.own.clear();
        self.parts.clear();
        self.ends.clear();
        self.len = 0;
    }

    /// Appends bytes of the player's own.
    pub fn own(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let from = self.own.len();
        write(&mut self.own);
        let range = from..self.own.len();
        self.len += range.len();
        match self.parts.last_mut() {
            Some(Part::Own(last)) if last.end == from => last.end = range.end,
            _ if range.is_empty() => {}
            _ => self.parts.push(Part::Own(range)),
        }
    }

    /// Appends a payload in chunks.
    pub fn cut(&mut self, view: &View<'_>, slices: Range<usize>) {
        self.len += view.cut[slices.clone()].iter().map(|slice| slice.len()).sum::<usize>();
        self.parts.push(Part::Cut(slices));
    }

    /// Appends a payload as it is.
    pub fn whole(&mut self, view: &View<'_>, slices: Range<usize>) {
        self.len += view.whole[slices.clone()].iter().map(|slice| slice.len()).sum::<usize>();
        self.parts.push(Part::Whole(slices));
    }

    /// A message ends here; this is what holds when it is sent.
    pub fn end(&mut self, after: A) {
        self.ends.push((self.len, after));
    }

    /// Everything, for one write.
    pub fn slices<'d>(&'d self, view: &View<'d>) -> Vec<IoSlice<'d>> {
        let mut slices = Vec::with_capacity(self.parts.len() * 2);
        for part in &self.parts {
            match part {
                Part::Own(range) => slices.push(IoSlice::new(&self.own[range.clone()])),
                Part::Cut(range) => {
                    slices.extend(view.cut[range.clone()].iter().map(|bytes| IoSlice::new(bytes)));
                }
                Part::Whole(range) => {
                    slices
                        .extend(view.whole[range.clone()].iter().map(|bytes| IoSlice::new(bytes)));
                }
            }
        }
        slices
    }

    /// So many bytes were taken: what holds now, `None` if it is as before; how many messages that are;
    /// and the rest of the message in the middle of which it is.
    pub fn taken(&self, sent: usize, slices: &[IoSlice<'_>]) -> (Option<A>, usize, Vec<u8>) {
        let all = self.ends.len();
        if sent == self.len {
            return (self.ends.last().map(|(_, after)| *after), all, Vec::new());
        }
        let begun = self.ends.partition_point(|(end, _)| *end <= sent);
        match (begun.checked_sub(1).map(|last| self.ends[last].0), self.ends.get(begun)) {
            // It stands between two messages.
            (Some(end), _) if end == sent => (Some(self.ends[begun - 1].1), begun, Vec::new()),
            (None, _) if sent == 0 => (None, 0, Vec::new()),
            (_, Some((end, after))) => (Some(*after), begun + 1, copy(slices, sent..*end)),
            (_, None) => (self.ends.last().map(|(_, after)| *after), all, Vec::new()),
        }
    }
}

/// A range of the bytes in slices.
fn copy(slices: &[IoSlice<'_>], range: Range<usize>) -> Vec<u8> {
    let mut out = Vec::with_capacity(range.len());
    let mut passed = 0;
    for slice in slices {
        let from = range.start.saturating_sub(passed).min(slice.len());
        let to = range.end.saturating_sub(passed).min(slice.len());
        out.extend_from_slice(&slice[from..to]);
        passed += slice.len();
    }
    out
}
