//! HTTP/1.1 as this test needs it: heads, and bodies as they come.

use std::io::{self, Read};
use std::net::TcpStream;

/// The head of an answer.
#[derive(Debug, PartialEq)]
pub struct Head {
    pub status: u16,
    pub chunked: bool,
    pub length: usize,
    pub closes: bool,
}

/// Reads a head; `input` has what came behind it, and what had come before.
pub fn head(stream: &mut TcpStream, input: &mut Vec<u8>) -> io::Result<Head> {
    loop {
        if let Some(end) = input.windows(4).position(|part| part == b"\r\n\r\n") {
            let head = parse(&String::from_utf8_lossy(&input[..end]));
            input.drain(..end + 4);
            return head.ok_or_else(|| io::Error::other("no head of an answer"));
        }
        more(stream, input)?;
    }
}

/// Reads a whole answer of known length: status, body, whether the connection ends with it.
pub fn whole(stream: &mut TcpStream, input: &mut Vec<u8>) -> io::Result<(u16, String, bool)> {
    let head = head(stream, input)?;
    while input.len() < head.length {
        more(stream, input)?;
    }
    let body = String::from_utf8_lossy(&input[..head.length]).into_owned();
    input.drain(..head.length);
    Ok((head.status, body, head.closes))
}

/// Waits for bytes; the end of the connection is an error.
pub fn more(stream: &mut TcpStream, input: &mut Vec<u8>) -> io::Result<()> {
    let mut block = [0; 16 << 10];
    match stream.read(&mut block)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => {
            input.extend_from_slice(&block[..count]);
            Ok(())
        }
    }
}

fn parse(text: &str) -> Option<Head> {
    let status = text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let field = |wanted: &str| {
        let mut fields = text.lines().filter_map(|line| line.split_once(':'));
        let found = fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map_or("", |(_, value)| value.trim())
    };
    Some(Head {
        status,
        chunked: field("Transfer-Encoding") == "chunked",
        length: field("Content-Length").parse().unwrap_or(0),
        closes: field("Connection") == "close",
    })
}

/// The body of a stream: chunks lose their frames, and must have them.
pub struct Body {
    chunked: bool,
    /// The line of a frame, as far as it has come.
    line: Vec<u8>,
    /// What is left of a chunk, its line end included.
    left: usize,
}

impl Body {
    /// A body that begins.
    pub fn new(chunked: bool) -> Body {
        Body { chunked, line: Vec::new(), left: 0 }
    }

    /// The content in these bytes.
    pub fn content(&mut self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        if !self.chunked {
            return Ok(bytes.to_vec());
        }
        let mut content = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            match self.left {
                0 if byte == b'\n' => {
                    let line = std::mem::take(&mut self.line);
                    let text = String::from_utf8_lossy(&line);
                    let size = text.strip_suffix('\r').map(|hex| usize::from_str_radix(hex, 16));
                    let Some(Ok(size)) = size else { return Err(format!("no chunk: {text:?}")) };
                    self.left = size + 2;
                }
                0 => self.line.push(byte),
                left => {
                    self.left -= 1;
                    match (left, byte) {
                        (3.., _) => content.push(byte),
                        (2, b'\r') | (1, b'\n') => {}
                        _ => return Err("a chunk is longer than its frame says".to_owned()),
                    }
                }
            }
        }
        Ok(content)
    }
}

#[test]
fn heads_are_read() {
    let text = "HTTP/1.1 202 Accepted\r\ncontent-length: 5\r\nConnection: close";
    let wanted = Head { status: 202, chunked: false, length: 5, closes: true };
    assert_eq!(parse(text), Some(wanted));
    assert_eq!(parse("HTTP/1.0 200 OK"), None);
}

#[test]
fn chunks_are_read_however_they_are_cut() {
    let text = b"3\r\nabc\r\n0A\r\n0123\n56789\r\n0\r\n\r\n";
    for cut in 0..text.len() {
        let mut body = Body::new(true);
        let mut content = body.content(&text[..cut]).expect("content");
        content.extend(body.content(&text[cut..]).expect("content"));
        assert_eq!(content, b"abc0123\n56789", "{cut}");
    }
    assert!(Body::new(true).content(b"3\r\nabcd\r\n").is_err());
    assert!(Body::new(true).content(b"x\r\n").is_err());
}
