//! A request to an application behind uwsgi (uwsgi-docs, Protocol). The answer is that of a script (`cgi`).
//!
//! ```text
//!   modifier 1 │ length (2) │ modifier 2 │ variables │ body
//!   variable:   length of name (2) │ name │ length of value (2) │ value
//! ```
//! Lengths are little-endian. Modifiers of 0 ask for a WSGI application.

use crate::cgi::BadVariables;

/// The variables of a request while they are written.
pub struct Vars<'o> {
    out: &'o mut Vec<u8>,
    /// Where they begin.
    start: usize,
}

impl<'o> Vars<'o> {
    /// Begins a request.
    pub fn new(modifier1: u8, modifier2: u8, out: &'o mut Vec<u8>) -> Vars<'o> {
        out.extend_from_slice(&[modifier1, 0, 0, modifier2]);
        let start = out.len();
        Vars { out, start }
    }

    /// One more variable. All must fit into 65535 bytes; where one does not, the request is none.
    pub fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), BadVariables> {
        let parts = [2, name.len(), 2, value.len()];
        self.room(&parts)?;
        for text in [name, value] {
            self.out.extend_from_slice(&(text.len() as u16).to_le_bytes());
            self.out.extend_from_slice(text);
        }
        Ok(())
    }

    /// Bytes as they are, in the place of variables: what some modifiers want.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<(), BadVariables> {
        self.room(&[bytes.len()])?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn room(&self, parts: &[usize]) -> Result<(), BadVariables> {
        let free = usize::from(u16::MAX) - (self.out.len() - self.start);
        let left = parts.iter().try_fold(free, |free, &part| free.checked_sub(part));
        left.map(|_| ()).ok_or(BadVariables::TooLarge)
    }

    /// That were all; the body follows.
    pub fn end(self) {
        let len = (self.out.len() - self.start) as u16;
        self.out[self.start - 3..self.start - 1].copy_from_slice(&len.to_le_bytes());
    }
}
