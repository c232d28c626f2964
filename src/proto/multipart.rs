//! The body of an answer with several ranges (RFC 9110, 14.6).
//!
//! ```text
//!   CRLF --boundary CRLF
//!   Content-Type: type CRLF
//!   Content-Range: bytes first-last/size CRLF
//!   CRLF
//!   data                               ... and so on for each range
//!   CRLF --boundary-- CRLF
//! ```

use crate::range::Span;
use std::io::Write;

/// The frame around the parts.
#[derive(Clone, Copy, Debug)]
pub struct Multipart<'a> {
    /// A number that is unlikely to occur in the file.
    pub boundary: u64,
    /// The type of the file; without one, the parts have none.
    pub content_type: Option<&'a [u8]>,
    /// The size of the whole file.
    pub size: u64,
}

impl Multipart<'_> {
    /// The Content-Type of the answer.
    pub fn header_value(&self) -> String {
        format!("multipart/byteranges; boundary={:020}", self.boundary)
    }

    /// Appends what stands before a part's data.
    pub fn part_head(&self, span: Span, out: &mut Vec<u8>) {
        // Writing to a Vec cannot fail.
        let _ = write!(out, "\r\n--{:020}\r\n", self.boundary);
        if let Some(content_type) = self.content_type {
            out.extend_from_slice(b"Content-Type: ");
            out.extend_from_slice(content_type);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"Content-Range: ");
        content_range(span, self.size, out);
        out.extend_from_slice(b"\r\n\r\n");
    }

    /// Appends what stands after the last part's data.
    pub fn end(&self, out: &mut Vec<u8>) {
        let _ = write!(out, "\r\n--{:020}--\r\n", self.boundary);
    }

    /// The length of the whole body with these parts.
    pub fn content_length(&self, spans: &[Span]) -> u64 {
        let mut frame = Vec::new();
        let mut length = 0u64;
        for &span in spans {
            frame.clear();
            self.part_head(span, &mut frame);
            length = length.saturating_add(span.len()).saturating_add(frame.len() as u64);
        }
        frame.clear();
        self.end(&mut frame);
        length.saturating_add(frame.len() as u64)
    }
}

/// Appends the value of the Content-Range field of a 206.
pub fn content_range(span: Span, size: u64, out: &mut Vec<u8>) {
    let _ = write!(out, "bytes {}-{}/{size}", span.start, span.end.saturating_sub(1));
}

/// Appends the value of the Content-Range field of a 416.
pub fn content_range_unsatisfied(size: u64, out: &mut Vec<u8>) {
    let _ = write!(out, "bytes */{size}");
}
