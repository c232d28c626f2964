//! Requests to be sent.

use super::{BEGIN_REQUEST, HEAD, PARAMS, REQUEST, STDIN, VERSION};
use crate::cgi::BadVariables;

/// Bytes of the body in a record, as nginx sends them.
pub const MOST_STDIN: usize = 32 << 10;
/// The record that ends the body.
pub const STDIN_END: [u8; HEAD] = head(STDIN, 0);

/// The role in which an application answers.
const RESPONDER: u8 = 1;
/// The flag: the connection stays open after the answer.
const KEEP_CONN: u8 = 1;

/// What stands before content of that length.
const fn head(kind: u8, len: u16) -> [u8; HEAD] {
    let ([high, low], [request_high, request_low]) = (len.to_be_bytes(), REQUEST.to_be_bytes());
    [VERSION, kind, request_high, request_low, high, low, padding_len(len as usize) as u8, 0]
}

const fn padding_len(len: usize) -> usize {
    len.wrapping_neg() % 8
}

/// What stands behind content of that length.
pub fn padding(len: usize) -> &'static [u8] {
    &[0; 7][..padding_len(len)]
}

/// Appends what a request begins with.
pub fn begin(keep_conn: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(&head(BEGIN_REQUEST, 8));
    let flags = if keep_conn { KEEP_CONN } else { 0 };
    out.extend_from_slice(&[0, RESPONDER, flags, 0, 0, 0, 0, 0]);
}

/// The variables while they are written: one record, and the empty one behind it.
pub struct Params<'o> {
    out: &'o mut Vec<u8>,
    /// Where the content of the record begins.
    start: usize,
}

impl<'o> Params<'o> {
    /// Begins, behind [`begin`].
    pub fn new(out: &'o mut Vec<u8>) -> Params<'o> {
        out.extend_from_slice(&[0; HEAD]);
        let start = out.len();
        Params { out, start }
    }

    /// One more variable. As in nginx, all must fit into one record; where one does not, the request is none.
    pub fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), BadVariables> {
        let free = usize::from(u16::MAX) - (self.out.len() - self.start);
        let parts = [length_len(name.len()), length_len(value.len()), name.len(), value.len()];
        if parts.into_iter().try_fold(free, usize::checked_sub).is_none() {
            return Err(BadVariables::TooLarge);
        }
        length(name.len(), self.out);
        length(value.len(), self.out);
        self.out.extend_from_slice(name);
        self.out.extend_from_slice(value);
        Ok(())
    }

    /// That were all.
    pub fn end(self) {
        let len = self.out.len() - self.start;
        // An empty record is the end already.
        if len > 0 {
            self.out[self.start - HEAD..self.start].copy_from_slice(&head(PARAMS, len as u16));
            self.out.extend_from_slice(padding(len));
            self.out.extend_from_slice(&head(PARAMS, 0));
        } else {
            self.out[self.start - HEAD..].copy_from_slice(&head(PARAMS, 0));
        }
    }
}

/// How many bytes tell a length.
fn length_len(len: usize) -> usize {
    if len < 0x80 { 1 } else { 4 }
}

/// Appends a length, which is less than 2^16 here.
fn length(len: usize, out: &mut Vec<u8>) {
    if len < 0x80 {
        out.push(len as u8);
    } else {
        out.extend_from_slice(&(1 << 31 | len as u32).to_be_bytes());
    }
}

/// Appends what stands before `len` bytes of the body, which are some and [`MOST_STDIN`] at most; behind them comes their
/// [`padding`].
pub fn stdin_head(len: usize, out: &mut Vec<u8>) {
    debug_assert!((1..=MOST_STDIN).contains(&len), "a record of the body has {len} bytes");
    out.extend_from_slice(&head(STDIN, len as u16));
}

/// Appends a part of the body.
pub fn stdin(data: &[u8], out: &mut Vec<u8>) {
    for part in data.chunks(MOST_STDIN) {
        stdin_head(part.len(), out);
        out.extend_from_slice(part);
        out.extend_from_slice(padding(part.len()));
    }
}
