//! Clients of event streams, of either server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

pub use crate::event_source::events;

/// What has not come in this time does not come.
const PATIENCE: Duration = Duration::from_secs(1);

/// A stream that is read.
pub struct Reader {
    stream: TcpStream,
    bytes: Vec<u8>,
    /// The channels in it.
    pub reads: &'static [usize],
    /// Which of the choices that is.
    pub number: usize,
}

impl Reader {
    /// Opens a stream, from an id on if it is not empty, and waits for its head.
    pub fn open(port: u16, path: &str, id: &str, reads: &'static [usize]) -> Reader {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_millis(20))).expect("SO_RCVTIMEO");
        let id = if id.is_empty() { String::new() } else { format!("Last-Event-ID: {id}\r\n") };
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n{id}\r\n");
        stream.write_all(head.as_bytes()).expect("a request");
        let mut reader = Reader { stream, bytes: Vec::new(), reads, number: 0 };
        reader.read_until(|reader| {
            String::from_utf8_lossy(&reader.bytes)
                .split_once("\r\n\r\n")
                .is_some_and(|(_, body)| body.contains('\n'))
        });
        reader
    }

    /// Whether an event comes whose data begins so.
    pub fn wait_for(&mut self, mark: &str) -> bool {
        self.read_until(|reader| {
            let (events, _) = events(&reader.text());
            events.iter().any(|event| event.data.split([' ', '\n']).next() == Some(mark))
        })
    }

    fn read_until(&mut self, done: impl Fn(&Reader) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut block = [0; 4096];
        while !done(self) {
            if Instant::now() > deadline {
                return false;
            }
            let count = self.stream.read(&mut block).unwrap_or(0);
            self.bytes.extend_from_slice(&block[..count]);
        }
        true
    }

    /// What has come of the stream: complete events.
    pub fn text(&self) -> String {
        let answers = support::answers(&self.bytes, &["GET"]);
        let text = answers.first().map(|answer| answer.text()).unwrap_or_default();
        let end = text.rfind("\n\n").map_or(0, |at| at + 2);
        text[..end].to_owned()
    }
}

/// A request on a connection of its own: status and body.
pub fn request(port: u16, method: &str, path: &str, fields: &str, body: &str) -> (u16, String) {
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
    );
    let (bytes, _) = crate::pair::send(port, text.as_bytes(), false);
    let answers = support::answers(&bytes, &[method]);
    answers.first().map_or((0, String::new()), |answer| (answer.status, answer.text()))
}

/// Whether something comes about in time.
pub fn comes(ready: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !ready() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

/// How many the server says read a channel.
pub fn subscribers(port: u16, path: &str) -> usize {
    let accept = if path.starts_with("/info/") {
        "text/json"
    } else {
        "application/vnd.rserve.channel+json"
    };
    let (_, body) = request(port, "GET", path, &format!("Accept: {accept}\r\n"), "");
    let behind = body.split_once("\"subscribers\":").map(|(_, rest)| rest.trim_start());
    let digits = behind.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    digits.flatten().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}
