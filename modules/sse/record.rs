//! A record in the log: one chunk of an HTTP/1.1 event stream, ready to be sent.
//!
//! ```text
//! head:  5a CRLF  id: k3x9qa-17 LF          the id is known when the record gets its seq
//! body:  event: … LF  data: … LF  LF  CRLF
//!        └──────────── the block ──┘
//! ```

use std::io::Write;

use proto::sse::{self, EventId};

/// Writes a record's head. `body` is how long its body is.
pub fn head(epoch: u32, suffix: Option<&[u8]>, body: usize) -> impl FnOnce(u64, &mut Vec<u8>) {
    move |seq, out| {
        let mut id = Vec::with_capacity(48);
        id.extend_from_slice(b"id: ");
        EventId { epoch, seq }.write(&mut id, suffix);
        id.push(b'\n');
        // The CRLF that ends the chunk is part of the body, but not of the chunk's length.
        let _ = write!(out, "{:x}\r\n", id.len() + body - 2);
        out.extend_from_slice(&id);
    }
}

/// Writes a record's body.
pub fn body(out: &mut Vec<u8>, event: &[u8], data: &[u8]) {
    sse::event(out, b"", Some(event), data);
    out.extend_from_slice(b"\r\n");
}

/// The event of a record, without the frame of its chunk.
pub fn block(record: &[u8]) -> &[u8] {
    let start = record.iter().position(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let end = record.len().saturating_sub(2).max(start);
    &record[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_chunk() {
        let (mut record, mut rest) = (Vec::new(), Vec::new());
        body(&mut rest, b"tick", b"a\nb");
        head(36, Some(b"x"), rest.len())(17, &mut record);
        record.extend_from_slice(&rest);
        let text = "id: 10-17-x\nevent: tick\ndata: a\ndata: b\n\n";
        assert_eq!(record, format!("{:x}\r\n{text}\r\n", text.len()).as_bytes());
        assert_eq!(block(&record), text.as_bytes());
    }
}
