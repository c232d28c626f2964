//! Conditional requests (RFC 9110, 13), evaluated in nginx's order.
//!
//! nginx differs from the RFC in one point: with both If-Modified-Since and If-None-Match, both
//! must find the file unchanged for a 304.

use crate::date;

/// How If-Modified-Since compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Dates never make a 304.
    Off,
    /// Unchanged if the dates are equal.
    #[default]
    Exact,
    /// Unchanged if the file is not newer.
    Before,
}

/// The values of the fields that make a request conditional.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions<'a> {
    /// `If-Match`
    pub if_match: Option<&'a [u8]>,
    /// `If-None-Match`
    pub if_none_match: Option<&'a [u8]>,
    /// `If-Modified-Since`
    pub if_modified_since: Option<&'a [u8]>,
    /// `If-Unmodified-Since`
    pub if_unmodified_since: Option<&'a [u8]>,
}

/// What is known about the file as it is now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Validators<'a> {
    /// The entity tag with its quotes.
    pub etag: Option<&'a [u8]>,
    /// The modification time in seconds since 1970.
    pub last_modified: Option<u64>,
}

/// What the conditions amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Answer as without conditions.
    Full,
    /// 304.
    NotModified,
    /// 412.
    PreconditionFailed,
}

impl Conditions<'_> {
    /// Judges a request whose answer would be a 200.
    pub fn evaluate(&self, file: Validators<'_>, mode: Mode) -> Verdict {
        if self.if_unmodified_since.is_some_and(|date| !is_unmodified(date, file)) {
            return Verdict::PreconditionFailed;
        }
        if self.if_match.is_some_and(|list| !matches(list, file.etag, Compare::Strong)) {
            return Verdict::PreconditionFailed;
        }
        if self.if_modified_since.is_none() && self.if_none_match.is_none() {
            return Verdict::Full;
        }
        if self.if_modified_since.is_some_and(|date| is_modified(date, file, mode)) {
            return Verdict::Full;
        }
        if self.if_none_match.is_some_and(|list| !matches(list, file.etag, Compare::Weak)) {
            return Verdict::Full;
        }
        Verdict::NotModified
    }
}

fn is_unmodified(since: &[u8], file: Validators<'_>) -> bool {
    match (file.last_modified, date::parse(since)) {
        (Some(modified), Some(since)) => modified <= since,
        _ => false,
    }
}

fn is_modified(since: &[u8], file: Validators<'_>, mode: Mode) -> bool {
    let (Some(modified), Some(since)) = (file.last_modified, date::parse(since)) else {
        return true;
    };
    match mode {
        Mode::Off => true,
        Mode::Exact => modified != since,
        Mode::Before => modified > since,
    }
}

/// Whether a Range counts for this file: If-Range names its tag, or its very date.
///
/// A value that ends with a quote is a tag and is compared byte by byte.
pub fn if_range(value: &[u8], file: Validators<'_>) -> bool {
    if value.len() >= 2 && value.ends_with(b"\"") {
        return file.etag == Some(value);
    }
    file.last_modified.is_some() && file.last_modified == date::parse(value)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Compare {
    Strong,
    /// Without regard to `W/` on either side.
    Weak,
}

/// Whether a list of entity tags, or `*`, includes the file's.
///
/// The file's tag is looked for at the start of each element, so it does not matter how the other
/// elements are quoted.
fn matches(list: &[u8], etag: Option<&[u8]>, compare: Compare) -> bool {
    if list == b"*" {
        return true;
    }
    let Some(etag) = etag else { return false };
    let opaque = |tag| if compare == Compare::Weak { without_weak(tag) } else { tag };
    let etag = opaque(etag);
    let mut rest = skip(list, b" \t,");
    while !rest.is_empty() {
        let after = opaque(rest).strip_prefix(etag).map(|after| skip(after, b" \t"));
        if after.is_some_and(|after| matches!(after.first(), None | Some(b','))) {
            return true;
        }
        let element = memchr::memchr(b',', rest).unwrap_or(rest.len());
        rest = skip(&rest[element..], b" \t,");
    }
    false
}

fn without_weak(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

fn skip<'a>(text: &'a [u8], bytes: &[u8]) -> &'a [u8] {
    let len = text.iter().take_while(|&byte| bytes.contains(byte)).count();
    &text[len..]
}
