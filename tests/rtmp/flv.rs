//! A reader of FLV by HTTP and by WebSocket, which takes nothing for granted.

use proto::rtmp::message;
use support::{Server, Wire};

use crate::client::Message;
use crate::frames::label;

/// How the bytes come.
#[derive(Clone, Copy, PartialEq)]
enum Frame {
    /// As they are.
    Plain,
    /// In chunks of an answer.
    Chunks,
    /// In WebSocket messages.
    Socket,
}

/// A stream.
pub struct Flv {
    wire: Wire,
    frame: Frame,
    /// The answer's head.
    pub head: String,
    bytes: Vec<u8>,
    ended: bool,
    /// What the header tells of tracks, once it was read: 4 sound, 1 pictures.
    flags: Option<u8>,
}

impl Flv {
    /// GET by HTTP/1.1.
    #[track_caller]
    pub fn get(server: &Server, path: &str) -> Flv {
        Flv::ask(server, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
    }

    /// Another request.
    #[track_caller]
    pub fn ask(server: &Server, request: &str) -> Flv {
        let mut wire = server.wire();
        wire.send(request);
        let head = wire.until("\r\n\r\n");
        let frame = match &head {
            head if head.contains(" 101 ") => Frame::Socket,
            head if head.contains("chunked") => Frame::Chunks,
            _ => Frame::Plain,
        };
        assert!(head.contains(" 200 ") || frame == Frame::Socket, "{head}");
        Flv { wire, frame, head, bytes: Vec::new(), ended: false, flags: None }
    }

    /// By WebSocket, with further lines of its head.
    #[track_caller]
    pub fn socket(server: &Server, path: &str, fields: &str) -> Flv {
        Flv::ask(
            server,
            &format!(
                "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 {fields}\r\n"
            ),
        )
    }

    /// The connection.
    pub fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// The next WebSocket frame: opcode and payload.
    #[track_caller]
    pub fn socket_frame(&mut self) -> (u8, Vec<u8>) {
        let head = self.wire.exactly(2);
        let len = match head[1] {
            126 => usize::from(u16::from_be_bytes(self.wire.exactly(2).try_into().expect("2"))),
            127 => u64::from_be_bytes(self.wire.exactly(8).try_into().expect("8")) as usize,
            len => usize::from(len),
        };
        (head[0], self.wire.exactly(len))
    }

    /// Takes more of the body.
    #[track_caller]
    fn read(&mut self) {
        match self.frame {
            Frame::Plain => {
                let some = self.wire.some();
                self.ended = some.is_empty();
                self.bytes.extend(some);
            }
            Frame::Chunks => {
                let line = self.wire.until("\r\n");
                let len = usize::from_str_radix(line.trim_end(), 16).expect("a chunk's size");
                self.bytes.extend(self.wire.exactly(len));
                assert_eq!(self.wire.exactly(2), b"\r\n");
                self.ended = len == 0;
            }
            Frame::Socket => match self.socket_frame() {
                (0x82, payload) => {
                    assert!(self.bytes.is_empty(), "a tag is a message");
                    self.bytes = payload;
                }
                (0x88, _) => self.ended = true,
                other => panic!("{other:?}"),
            },
        }
    }

    #[track_caller]
    fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.bytes.len() < count {
            assert!(!self.ended, "the stream has ended");
            self.read();
        }
        self.bytes.drain(..count).collect()
    }

    /// What the header tells of tracks: 4 sound, 1 pictures.
    #[track_caller]
    pub fn flags(&mut self) -> u8 {
        if let Some(flags) = self.flags {
            return flags;
        }
        let header = self.exactly(13);
        assert_eq!((&header[..4], &header[5..]), (&b"FLV\x01"[..], &b"\0\0\0\x09\0\0\0\0"[..]));
        *self.flags.insert(header[4])
    }

    /// The next tag.
    #[track_caller]
    pub fn frame(&mut self) -> Message {
        self.flags();
        let head = self.exactly(11);
        let [kind, l0, l1, l2, t1, t2, t3, t0, s0, s1, s2] = head[..] else { panic!("{head:?}") };
        assert_eq!((s0, s1, s2), (0, 0, 0));
        assert!(matches!(kind, message::AUDIO | message::VIDEO | message::DATA), "{head:?}");
        let len = u32::from_be_bytes([0, l0, l1, l2]);
        let payload = self.exactly(len as usize);
        assert_eq!(self.exactly(4), (len + 11).to_be_bytes(), "PreviousTagSize");
        let time = u32::from_be_bytes([t0, t1, t2, t3]);
        Message { csid: 0, kind, stream: 1, time, payload }
    }

    /// The next tags.
    #[track_caller]
    pub fn take(&mut self, count: usize) -> Vec<Message> {
        (0..count).map(|_| self.frame()).collect()
    }

    /// The next tags, each in a word.
    #[track_caller]
    pub fn frames(&mut self, count: usize) -> Vec<String> {
        self.take(count).iter().map(label).collect()
    }

    /// Whether the stream ends here, as it should.
    #[track_caller]
    pub fn ends(&mut self) -> bool {
        while self.bytes.is_empty() && !self.ended {
            self.read();
        }
        self.ended && self.bytes.is_empty()
    }
}
