//! Answers as they arrive, cut anywhere.

use super::{END_REQUEST, HEAD, REQUEST, STDERR, STDOUT, VERSION};
use std::fmt;
use std::ops::Range;

/// What an application says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// So many bytes of the answer: never none.
    Stdout(Range<usize>),
    /// So many bytes for the log: never none, and perhaps not the whole line.
    Stderr(Range<usize>),
    /// The answer has ended. Not every application says so.
    StdoutEnd,
    /// The request has ended, and with it the answer.
    End(End),
}

/// How a request has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// What the application calls its success: 0, as the exit status of a program.
    pub app_status: u32,
    /// 0: it was carried out; 1: there is a request on this connection; 2: no room for another; 3: it is no responder.
    pub protocol_status: u8,
}

/// What [`Reader::decode`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How many bytes of the input are dealt with.
    pub consumed: usize,
    /// The first thing that they say. Its ranges are of the input, and end where that which is consumed ends.
    pub event: Option<Event>,
}

/// Why an answer is refused; shown in nginx's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRecord {
    /// Another version of the protocol, or another protocol.
    Version(u8),
    /// A record that is not asked for.
    Type(u8),
    /// A record of a request that was not sent.
    RequestId(u16),
    /// An end of the request that is shorter than one.
    ShortEnd(u16),
    /// More of an answer that has ended.
    AfterEnd,
}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("upstream sent ")?;
        match self {
            BadRecord::Version(byte) => {
                write!(f, "unsupported FastCGI protocol version: {byte}")
            }
            BadRecord::Type(byte) => write!(f, "invalid FastCGI record type: {byte}"),
            BadRecord::RequestId(id) => write!(f, "unexpected FastCGI request id: {id}"),
            BadRecord::ShortEnd(len) => write!(f, "FastCGI end of request of {len} bytes"),
            BadRecord::AfterEnd => f.write_str("FastCGI stdout after its end"),
        }
    }
}

impl std::error::Error for BadRecord {}

/// Which part of a record the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Head,
    Content,
    Padding,
    /// None: the request has ended.
    Done,
}

/// The reader of one answer.
#[derive(Clone, Debug)]
pub struct Reader {
    part: Part,
    /// A head, or what ends the request, as far as it is there.
    kept: [u8; HEAD],
    kept_len: usize,
    kind: u8,
    /// Bytes of the content and of the padding that are still to come.
    content: u16,
    padding: u8,
    stdout_ended: bool,
}

impl Default for Reader {
    fn default() -> Reader {
        Reader::new()
    }
}

impl Reader {
    /// A reader at the start of an answer.
    pub const fn new() -> Reader {
        Reader {
            part: Part::Head,
            kept: [0; HEAD],
            kept_len: 0,
            kind: 0,
            content: 0,
            padding: 0,
            stdout_ended: false,
        }
    }

    /// Whether the request has ended and all of its last record is there: if nothing follows, and the application was asked
    /// to keep the connection, it may be used for another request.
    pub fn is_done(&self) -> bool {
        self.part == Part::Done
    }

    /// Whether the last event was a piece of a record that is not all there.
    pub fn is_within(&self) -> bool {
        self.part == Part::Content
    }

    /// Reads up to the end of the first event in `input`, or all of `input` if there is none. Call it again with what was
    /// not consumed, until it is used up or the request is done.
    pub fn decode(&mut self, input: &[u8]) -> Result<Step, BadRecord> {
        let mut at = 0;
        let mut event = None;
        while at < input.len() && event.is_none() && !self.is_done() {
            let rest = &input[at..];
            match self.part {
                Part::Head => {
                    at += self.keep(rest);
                    event = self.head()?;
                }
                Part::Content if self.kind == END_REQUEST => {
                    let len = rest.len().min(usize::from(self.content));
                    self.keep(&rest[..len]);
                    at += len;
                    event = self.content_came(len).then(|| Event::End(self.end()));
                }
                Part::Content => {
                    let len = rest.len().min(usize::from(self.content));
                    let range = at..at + len;
                    at += len;
                    self.content_came(len);
                    let is_stdout = self.kind == STDOUT;
                    event =
                        Some(if is_stdout { Event::Stdout(range) } else { Event::Stderr(range) });
                }
                Part::Padding => {
                    let len = rest.len().min(usize::from(self.padding));
                    self.padding -= len as u8;
                    at += len;
                    self.go_on();
                }
                Part::Done => {}
            }
        }
        Ok(Step { consumed: at, event })
    }

    /// Keeps as much as there is room for, and tells how much that is.
    fn keep(&mut self, bytes: &[u8]) -> usize {
        let room = &mut self.kept[self.kept_len..];
        let len = room.len().min(bytes.len());
        room[..len].copy_from_slice(&bytes[..len]);
        self.kept_len += len;
        len
    }

    /// Looks at what there is of a head, so that another protocol is told by its first byte.
    fn head(&mut self) -> Result<Option<Event>, BadRecord> {
        let [version, kind, id_high, id_low, high, low, padding, _] = self.kept;
        let request = u16::from_be_bytes([id_high, id_low]);
        match self.kept_len {
            1.. if version != VERSION => return Err(BadRecord::Version(version)),
            2.. if ![STDOUT, STDERR, END_REQUEST].contains(&kind) => {
                return Err(BadRecord::Type(kind));
            }
            4.. if request != REQUEST => return Err(BadRecord::RequestId(request)),
            HEAD => {}
            _ => return Ok(None),
        }
        (self.kept_len, self.kind, self.padding) = (0, kind, padding);
        self.content = u16::from_be_bytes([high, low]);
        if kind == END_REQUEST && usize::from(self.content) < HEAD {
            return Err(BadRecord::ShortEnd(self.content));
        }
        if self.content > 0 {
            self.part = Part::Content;
            let after_end = kind == STDOUT && self.stdout_ended;
            return if after_end { Err(BadRecord::AfterEnd) } else { Ok(None) };
        }
        self.go_on();
        let ends = kind == STDOUT && !self.stdout_ended;
        self.stdout_ended |= ends;
        Ok(ends.then_some(Event::StdoutEnd))
    }

    /// Notes that so much of the content is there; whether that was all.
    fn content_came(&mut self, len: usize) -> bool {
        self.content -= len as u16;
        if self.content == 0 {
            self.go_on();
        }
        self.content == 0
    }

    /// To the padding if there is some, else behind the record.
    fn go_on(&mut self) {
        self.part = match self.padding {
            1.. => Part::Padding,
            0 if self.kind == END_REQUEST => Part::Done,
            0 => Part::Head,
        };
    }

    fn end(&self) -> End {
        let [a, b, c, d, protocol_status, ..] = self.kept;
        End { app_status: u32::from_be_bytes([a, b, c, d]), protocol_status }
    }
}
