//! A client that posts events over a connection that stays, several at a time.

use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};

use mio::Registry;

use crate::tally::Tally;
use crate::{count, socket};

/// A connection of a publisher.
pub struct Publisher {
    stream: TcpStream,
    /// What the kernel has not taken yet.
    out: Vec<u8>,
    /// What has come of answers and is not complete.
    input: Vec<u8>,
    /// Requests without an answer.
    pub waiting: usize,
}

impl Publisher {
    /// Connects.
    pub fn open(target: SocketAddr, registry: &Registry, token: usize) -> io::Result<Publisher> {
        let stream = socket::open(target, b"", registry, token)?;
        Ok(Publisher { stream, out: Vec::new(), input: Vec::new(), waiting: 0 })
    }

    /// Puts a request behind those that wait to be sent.
    pub fn post(&mut self, path: &str, channel: usize, size: usize, now: u64) {
        let head = format!(
            "POST {path}{channel} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n\
             Content-Length: {size}\r\n\r\n"
        );
        self.out.extend_from_slice(head.as_bytes());
        count::data(&mut self.out, size, now);
        self.waiting += 1;
    }

    /// Sends what the kernel takes. Whether the connection is in order.
    pub fn flush(&mut self) -> bool {
        let mut sent = 0;
        let fine = loop {
            if sent == self.out.len() {
                break true;
            }
            match (&self.stream).write(&self.out[sent..]) {
                Ok(count) => sent += count,
                Err(e) if e.kind() == ErrorKind::WouldBlock => break true,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => break false,
            }
        };
        self.out.drain(..sent);
        fine
    }

    /// Takes the answers that have come. Whether the connection is in order.
    pub fn read(&mut self, buffer: &mut [u8], ended: bool, tally: &mut Tally) -> bool {
        let input = &mut self.input;
        let more =
            socket::read(&self.stream, buffer, ended, |bytes| input.extend_from_slice(bytes));
        let mut used = 0;
        while let Some((good, length)) = answer(&self.input[used..]) {
            used += length;
            self.waiting = self.waiting.saturating_sub(1);
            match good {
                true => tally.answers += 1,
                false => tally.errors += 1,
            }
        }
        self.input.drain(..used);
        more
    }
}

/// Whether the first answer in `bytes` is a good one, and its length.
fn answer(bytes: &[u8]) -> Option<(bool, usize)> {
    let head = bytes.windows(4).position(|part| part == b"\r\n\r\n")? + 4;
    let length = bytes[..head].split(|&byte| byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(15)?;
        let value = std::str::from_utf8(value).ok()?.trim().parse::<usize>().ok()?;
        name.eq_ignore_ascii_case(b"content-length:").then_some(value)
    });
    let whole = head + length.unwrap_or(0);
    (bytes.len() >= whole).then(|| (bytes.starts_with(b"HTTP/1.1 2"), whole))
}

#[test]
fn answers_are_counted() {
    let good = b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}";
    assert_eq!(answer(good), Some((true, good.len())));
    assert_eq!(answer(&good[..good.len() - 1]), None);
    assert_eq!(answer(b"HTTP/1.1 403 Forbidden\r\n\r\nHTTP"), Some((false, 26)));
    assert_eq!(answer(b"HTTP/1.1 202"), None);
}
