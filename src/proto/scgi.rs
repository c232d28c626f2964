//! A request to an application behind SCGI (its specification). The answer is that of a script (`cgi`).
//!
//! ```text
//!   length ":" "CONTENT_LENGTH" 00 digits 00 "SCGI" 00 "1" 00 { name 00 value 00 } "," body
//! ```

use crate::cgi::BadVariables;

/// The variables of a request while they are written.
pub struct Headers<'o> {
    out: &'o mut Vec<u8>,
    /// Where the request begins.
    start: usize,
}

const LENGTH: &[u8] = b"CONTENT_LENGTH";
const SCGI: &[u8] = b"SCGI";

impl<'o> Headers<'o> {
    /// Begins a request with a body of that length; the specification wants it to be known.
    pub fn new(content_length: u64, out: &'o mut Vec<u8>) -> Headers<'o> {
        let start = out.len();
        let headers = Headers { out, start };
        for (name, value) in [(LENGTH, &content_length.to_string()[..]), (SCGI, "1")] {
            variable(name, value.as_bytes(), headers.out);
        }
        headers
    }

    /// One more variable. Those that stand there already are not said again, which the specification forbids: nginx's own
    /// list has `SCGI`.
    pub fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), BadVariables> {
        if memchr::memchr(0, name).or(memchr::memchr(0, value)).is_some() {
            return Err(BadVariables::Nul);
        }
        if name != LENGTH && name != SCGI {
            variable(name, value, self.out);
        }
        Ok(())
    }

    /// That were all; the body follows.
    pub fn end(self) {
        let length = format!("{}:", self.out.len() - self.start);
        self.out.splice(self.start..self.start, length.into_bytes());
        self.out.push(b',');
    }
}

fn variable(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    for part in [name, &[0], value, &[0]] {
        out.extend_from_slice(part);
    }
}
