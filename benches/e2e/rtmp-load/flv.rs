//! Players over HTTP: FLV in the body of an answer, or in the frames of a WebSocket.

use crate::chunk::Message;

/// What is kept of a tag.
const KEPT: usize = 64;
/// The file's header and the first size of a tag before.
const FILE: usize = 13;
const TAG: usize = 11;
/// No head is longer.
const HEAD: usize = 16 << 10;

/// How the bytes of FLV are wrapped.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wrap {
    /// The answer's head is not complete.
    Head,
    /// As they are, until the connection ends.
    Plain,
    Chunked,
    Frames,
}

/// An answer with FLV in it.
pub struct Answer {
    wrap: Wrap,
    websocket: bool,
    pub out: Vec<u8>,
    /// The head of the answer, of a chunk or of a frame as far as it has come.
    head: Vec<u8>,
    /// What is missing of the chunk or frame.
    missing: usize,
    file: File,
}

impl Answer {
    /// The answer to a request for `path`.
    pub fn new(authority: &str, path: &str, websocket: bool) -> Answer {
        let upgrade = match websocket {
            true => {
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            }
            false => "",
        };
        let out = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n{upgrade}\r\n").into_bytes();
        let file = File { skip: FILE, head: Vec::new(), have: 0, start: Vec::new() };
        Answer { wrap: Wrap::Head, websocket, out, head: Vec::new(), missing: 0, file }
    }

    /// Whether the answer has begun, and well.
    pub fn running(&self) -> bool {
        self.wrap != Wrap::Head
    }

    /// Takes what has come; tags go to `take`.
    pub fn feed(&mut self, mut bytes: &[u8], take: &mut dyn FnMut(&Message)) -> Result<(), String> {
        while !bytes.is_empty() {
            if self.wrap == Wrap::Plain {
                self.file.feed(bytes, take);
                return Ok(());
            }
            let (part, rest) = bytes.split_at(self.missing.min(bytes.len()));
            if !part.is_empty() {
                self.file.feed(part, take);
                self.missing -= part.len();
                bytes = rest;
                continue;
            }
            self.head.push(bytes[0]);
            bytes = &bytes[1..];
            self.begin()?;
        }
        Ok(())
    }

    /// Takes a head that is complete.
    fn begin(&mut self) -> Result<(), String> {
        let head = &self.head;
        match self.wrap {
            Wrap::Head if head.ends_with(b"\r\n\r\n") => {
                let text = String::from_utf8_lossy(head).to_ascii_lowercase();
                let good = if self.websocket { "http/1.1 101 " } else { "http/1.1 200 " };
                if !text.starts_with(good) {
                    return Err(text.lines().next().unwrap_or_default().to_owned());
                }
                self.wrap = match text.contains("transfer-encoding: chunked") {
                    _ if self.websocket => Wrap::Frames,
                    true => Wrap::Chunked,
                    false => Wrap::Plain,
                };
            }
            // The line end of the chunk before is in front of a chunk's length.
            Wrap::Chunked if head.len() > 2 && head.ends_with(b"\r\n") => {
                let text = String::from_utf8_lossy(head);
                let digits = text.trim().split(';').next().unwrap_or_default();
                let length = usize::from_str_radix(digits, 16);
                self.missing = length.map_err(|_| format!("a chunk of length {digits:?}"))?;
            }
            Wrap::Frames if head.len() > 1 => {
                let length = match (head[1], &head[2..]) {
                    (126, &[a, b]) => u64::from(u16::from_be_bytes([a, b])),
                    (127, long) if long.len() == 8 => {
                        long.iter().fold(0, |n, &b| n << 8 | u64::from(b))
                    }
                    (126 | 127, _) => return Ok(()),
                    (short, _) => short.into(),
                };
                match head[0] & 15 {
                    0 | 2 => self.missing = length as usize,
                    8 => return Err("the server closes the websocket".to_owned()),
                    other => return Err(format!("a websocket frame of kind {other}")),
                }
            }
            _ if head.len() > HEAD => return Err("a head without an end".to_owned()),
            _ => return Ok(()),
        }
        self.head.clear();
        Ok(())
    }
}

/// Takes FLV apart.
struct File {
    /// Bytes that say nothing: the file's header, the size behind a tag.
    skip: usize,
    head: Vec<u8>,
    have: usize,
    start: Vec<u8>,
}

impl File {
    fn feed(&mut self, mut bytes: &[u8], take: &mut dyn FnMut(&Message)) {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let part = bytes.len().min(TAG - self.head.len());
            self.head.extend_from_slice(&bytes[..part]);
            bytes = &bytes[part..];
            let &[kind, a, b, c, t1, t2, t3, t0, ..] = &self.head[..] else { return };
            if self.head.len() < TAG {
                return;
            }
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            let (body, rest) = bytes.split_at(bytes.len().min(length - self.have));
            let kept = body.len().min(KEPT.saturating_sub(self.have));
            self.start.extend_from_slice(&body[..kept]);
            self.have += body.len();
            bytes = rest;
            if self.have == length {
                let timestamp = u32::from_be_bytes([t0, t1, t2, t3]);
                take(&Message { kind, timestamp, length, start: &self.start });
                self.head.clear();
                self.start.clear();
                (self.have, self.skip) = (0, 4);
            }
        }
    }
}

#[cfg(test)]
fn tags(stream: &[u8], websocket: bool, size: usize) -> Vec<(u8, u32, usize)> {
    let mut answer = Answer::new("a", "/", websocket);
    let mut seen = Vec::new();
    for part in stream.chunks(size) {
        let mut take = |tag: &Message| seen.push((tag.kind, tag.timestamp, tag.start.len()));
        answer.feed(part, &mut take).expect("FLV in order");
    }
    seen
}

#[test]
fn wrapped_in_any_way_and_cut_anywhere() {
    let file = b"FLV\x01\x05\0\0\0\x09\0\0\0\0\
        \x09\0\0\x03\0\0\x28\0\0\0\0abc\0\0\0\x0e\x08\0\0\x02\0\0\x29\x01\0\0\0de\0\0\0\x0d";
    let head = b"HTTP/1.1 200 OK\r\n";
    let plain = [&head[..], b"\r\n", file].concat();
    let (first, second) = file.split_at(20);
    let rest = format!("{:x}\r\n", second.len());
    let chunked: &[&[u8]] = &[
        head,
        b"Transfer-Encoding: chunked\r\n\r\n14\r\n",
        first,
        b"\r\n",
        rest.as_bytes(),
        second,
        b"\r\n",
    ];
    let frames: &[&[u8]] =
        &[b"HTTP/1.1 101 Go\r\n\r\n\x02\x14", first, b"\x80\x7e\0", &[second.len() as u8], second];
    for size in [1, 3, 10, 1000] {
        let expected = [(9, 40, 3), (8, 41 + (1 << 24), 2)];
        assert_eq!(tags(&plain, false, size), expected);
        assert_eq!(tags(&chunked.concat(), false, size), expected);
        assert_eq!(tags(&frames.concat(), true, size), expected);
    }
}
