//! A record in the log: one chunk of an HTTP/1.1 event stream, ready to be sent.
//!
//! ```text
//! head:  5a CRLF  id: k3x9qa-17 LF          the id is known when the record gets its seq
//! body:  event: … LF  data: … LF  LF  CRLF
//!        └──────────── the block ──┘
//! ```

use std::borrow::Cow;
use std::io::Write;

use proto::http1::{CHUNK_END, chunk_head};
use proto::sse::{self, EventId};
use serde::Serialize;

use crate::subscribe::cursor::Lost;

/// Writes a record's head. `body` is how long its body is.
pub fn head(epoch: u32, suffix: Option<&[u8]>, body: usize) -> impl FnOnce(u64, &mut Vec<u8>) {
    move |seq, out| {
        let mut id = Vec::with_capacity(48);
        id.extend_from_slice(b"id: ");
        EventId { epoch, seq }.write(&mut id, suffix);
        id.push(b'\n');
        // The CRLF that ends the chunk is part of the body, but not of the chunk's length.
        chunk_head(id.len() + body - CHUNK_END.len(), out);
        out.extend_from_slice(&id);
    }
}

/// Writes a record's body.
pub fn body(out: &mut Vec<u8>, event: &[u8], data: &[u8]) {
    sse::event(out, b"", Some(event), data);
    out.extend_from_slice(CHUNK_END);
}

/// Writes the body of the record that ends a channel. Without a type the record raises no event: the
/// stream just ends.
pub fn end(out: &mut Vec<u8>, event: &[u8]) {
    match event {
        b"" => out.extend_from_slice(b"\n\r\n"),
        event => body(out, event, b"{}"),
    }
}

/// The data of an event that tells of a gap.
#[derive(Serialize)]
struct Gap<'a> {
    requested: Cow<'a, str>,
    resumed_from: Cow<'a, str>,
    reason: &'static str,
}

/// The block that tells of a gap, by an event of this type or by a comment. Its id is where the stream
/// goes on; with `alone` a comment comes without it.
pub fn gap(event: &[u8], alone: bool, requested: &[u8], resumed: &[u8], why: Lost) -> Vec<u8> {
    let mut block = Vec::new();
    if event.is_empty() {
        let _ = writeln!(block, ": some events are missing ({})", why.word());
        if !alone {
            sse::cursor(&mut block, resumed);
        }
        return block;
    }
    let gap = Gap {
        requested: String::from_utf8_lossy(requested),
        resumed_from: String::from_utf8_lossy(resumed),
        reason: why.word(),
    };
    let data = serde_json::to_vec(&gap).unwrap_or_default();
    sse::event(&mut block, resumed, Some(event), &data);
    block
}

/// The id in a record's head.
pub fn id(head: &[u8]) -> Option<&[u8]> {
    let line = head.split(|&byte| byte == b'\n').nth(1)?;
    line.strip_prefix(b"id: ")
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
        assert_eq!(id(&record[..record.len() - rest.len()]), Some(&b"10-17-x"[..]));
    }

    #[test]
    fn an_end_without_a_type_raises_no_event() {
        let (mut record, mut rest) = (Vec::new(), Vec::new());
        end(&mut rest, b"");
        head(36, None, rest.len())(17, &mut record);
        record.extend_from_slice(&rest);
        assert_eq!(record, b"b\r\nid: 10-17\n\n\r\n");
    }
}
