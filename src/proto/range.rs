//! Byte ranges (RFC 9110, 14), with nginx's answer where the RFC leaves the choice.
//!
//! ```text
//!   bytes=0-499, 500-, -200
//! ```
//!
//! A value that is not about bytes is ignored; one that is, but is malformed, is not satisfiable.

/// A part of a file; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The offset of the first byte.
    pub start: u64,
    /// The offset after the last byte.
    pub end: u64,
}

impl Span {
    /// How many bytes.
    #[expect(clippy::len_without_is_empty, reason = "a span is never empty")]
    pub fn len(self) -> u64 {
        self.end - self.start
    }
}

/// What a Range field asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ranges {
    /// Send the whole file: 200.
    Ignore,
    /// Send 416.
    Unsatisfiable,
    /// Send 206 with one part.
    One(Span),
    /// Send 206 with `multipart/byteranges`, in this order.
    Many(Vec<Span>),
}

/// Numbers are file offsets, which are signed.
const MAX: u64 = i64::MAX as u64;

/// What a part of a multipart answer costs at least, and how much all parts may exceed the file by:
/// many tiny ranges must not make an answer that is larger than the file.
const PART_COST: u64 = 256;
const ALLOWANCE: u64 = 4096;

/// Reads the value of a Range field for a file of `size` bytes. `max_ranges` is `None` where the
/// configuration sets no limit.
pub fn parse(value: &[u8], size: u64, max_ranges: Option<u32>) -> Ranges {
    let rest = match value.split_at_checked(6) {
        Some((unit, rest)) if unit.eq_ignore_ascii_case(b"bytes=") && !rest.is_empty() => rest,
        _ => return Ranges::Ignore,
    };
    let limit = max_ranges.map_or(usize::MAX, |max| max as usize);
    let mut spans = Spans::default();
    for range in rest.split(|&byte| byte == b',') {
        match span(range, size) {
            None => return Ranges::Unsatisfiable,
            Some((start, end)) if start < end => {
                if spans.count == limit {
                    return Ranges::Ignore;
                }
                spans.push(Span { start, end });
            }
            // Nothing of an empty file is all of it.
            Some((0, _)) => return Ranges::Ignore,
            Some(_) => {}
        }
    }
    spans.verdict(size, max_ranges.is_none())
}

/// The spans found so far; the first needs no allocation.
#[derive(Default)]
struct Spans {
    first: Option<Span>,
    all: Vec<Span>,
    count: usize,
    total: u64,
}

impl Spans {
    fn push(&mut self, span: Span) {
        match self.first {
            None => self.first = Some(span),
            Some(first) => {
                if self.all.is_empty() {
                    self.all.push(first);
                }
                self.all.push(span);
            }
        }
        self.count += 1;
        self.total = self.total.saturating_add(span.len());
    }

    fn verdict(self, size: u64, unlimited: bool) -> Ranges {
        let Some(first) = self.first else { return Ranges::Unsatisfiable };
        if self.count == 1 {
            return Ranges::One(first);
        }
        let cost = self.total.saturating_add(PART_COST.saturating_mul(self.count as u64));
        if self.total > size || (unlimited && cost > size.saturating_add(ALLOWANCE)) {
            return Ranges::Ignore;
        }
        Ranges::Many(self.all)
    }
}

/// One range as start and end, clamped to the file; an impossible one comes out empty. `None` if it
/// is malformed.
fn span(text: &[u8], size: u64) -> Option<(u64, u64)> {
    let text = skip_spaces(text);
    if let Some(suffix) = text.strip_prefix(b"-") {
        let (length, rest) = number(suffix)?;
        return skip_spaces(rest).is_empty().then_some((size.saturating_sub(length), size));
    }
    let (start, rest) = number(text)?;
    let rest = skip_spaces(skip_spaces(rest).strip_prefix(b"-")?);
    if rest.is_empty() {
        return Some((start, size));
    }
    let (last, rest) = number(rest)?;
    skip_spaces(rest).is_empty().then_some((start, size.min(last.saturating_add(1))))
}

fn skip_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|&&byte| byte == b' ').count();
    &text[spaces..]
}

/// The digits at the front as a number, and what follows them.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(len);
    let value = digits.iter().try_fold(0u64, |value, &digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0')).filter(|&value| value <= MAX)
    })?;
    (len > 0).then_some((value, rest))
}
