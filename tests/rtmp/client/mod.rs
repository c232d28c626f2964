//! An RTMP client that says exactly what it is told to say, byte by byte if need be.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};

use proto::rtmp::chunk::{self, MessageLimits, Reader};
use proto::rtmp::handshake;
use proto::rtmp::handshake::ClientHandshake;
use proto::rtmp::message::{self as rtmp, UserControl};
use support::PATIENCE;

mod commands;
mod content;
mod message;

pub use message::Message;

/// A connection.
pub struct Client {
    socket: TcpStream,
    reader: Reader,
    /// Read, but not taken yet.
    input: Vec<u8>,
    ended: bool,
    /// The size of the chunks that this client sends.
    pub chunk: usize,
    transaction: f64,
    /// Media messages that came while something else was waited for.
    early: Vec<Message>,
}

impl Client {
    /// A connection on which nothing has been said.
    #[track_caller]
    pub fn wire(port: u16) -> Client {
        let socket = TcpStream::connect(("127.0.0.1", port));
        let socket = socket.unwrap_or_else(|e| panic!("port {port}: {e}"));
        socket.set_nodelay(true).expect("TCP_NODELAY");
        socket.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
        socket.set_write_timeout(Some(PATIENCE)).expect("SO_SNDTIMEO");
        let limits = MessageLimits { message: chunk::LONGEST, streams: 64, memory: 1 << 30 };
        Client {
            socket,
            reader: Reader::new(limits),
            input: Vec::new(),
            ended: false,
            chunk: chunk::DEFAULT_CHUNK_SIZE,
            transaction: 1.0,
            early: Vec::new(),
        }
    }

    /// A connection after its handshake.
    #[track_caller]
    pub fn open(port: u16) -> Client {
        let mut client = Client::wire(port);
        client.shake_hands(ClientHandshake::new([7; handshake::SIZE]));
        client
    }

    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    #[track_caller]
    pub fn shake_hands(&mut self, mut handshake: ClientHandshake) {
        let mut out = Vec::new();
        handshake.start(&mut out);
        loop {
            self.send(&out);
            out.clear();
            let (used, done) = handshake.feed(&self.input, &mut out).expect("a handshake");
            self.input.drain(..used);
            if done {
                return self.send(&out);
            }
            if out.is_empty() {
                assert!(self.receive(), "the connection ended in its handshake");
            }
        }
    }

    /// Sends bytes. A server that has closed is no failure here.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.socket.write_all(bytes);
    }

    /// Sends a message in chunks.
    pub fn message(&mut self, csid: u32, kind: u8, stream: u32, time: u32, payload: &[u8]) {
        let mut out = Vec::new();
        chunk::write_message(&mut out, self.chunk, csid, kind, stream, time, payload);
        self.send(&out);
    }

    /// From now on chunks have this size.
    pub fn set_chunk_size(&mut self, size: usize) {
        self.message(2, rtmp::SET_CHUNK_SIZE, 0, 0, &rtmp::set_chunk_size(size as u32));
        self.chunk = size;
    }

    /// Sends a frame in the message stream 1.
    pub fn video(&mut self, time: u32, payload: &[u8]) {
        self.message(7, rtmp::VIDEO, 1, time, payload);
    }

    /// Sends sound in the message stream 1.
    pub fn audio(&mut self, time: u32, payload: &[u8]) {
        self.message(6, rtmp::AUDIO, 1, time, payload);
    }

    /// Sends data in the message stream 1.
    pub fn data(&mut self, time: u32, payload: &[u8]) {
        self.message(4, rtmp::DATA, 1, time, payload);
    }

    /// Waits until the server has taken in all that was sent.
    #[track_caller]
    pub fn sync(&mut self) {
        let mut ping = Vec::new();
        UserControl::Ping(4711).write(&mut ping);
        self.message(2, rtmp::USER_CONTROL, 0, 0, &ping);
        let pong = Some(UserControl::Pong(4711));
        self.until(|m| m.kind == rtmp::USER_CONTROL && UserControl::parse(&m.payload) == pong);
    }

    /// The next message; `None`: the server has closed.
    #[track_caller]
    pub fn next(&mut self) -> Option<Message> {
        if !self.early.is_empty() {
            return Some(self.early.remove(0));
        }
        self.read()
    }

    #[track_caller]
    fn read(&mut self) -> Option<Message> {
        loop {
            let (used, found) = self.reader.read(&self.input).expect("chunks");
            let found = found.map(|found| Message {
                csid: found.csid,
                kind: found.kind,
                stream: found.stream,
                time: found.timestamp,
                payload: found.payload.to_vec(),
            });
            self.input.drain(..used);
            if found.is_some() {
                return found;
            }
            if !self.receive() {
                return None;
            }
        }
    }

    /// Reads up to a message that is wanted. Content that comes before it is kept, all else is not.
    #[track_caller]
    pub fn until(&mut self, mut wanted: impl FnMut(&Message) -> bool) -> Message {
        let mut passed = Vec::new();
        while let Some(message) = self.read() {
            if wanted(&message) {
                return message;
            }
            passed.push(message.said());
            if message.is_content() {
                self.early.push(message);
            }
        }
        panic!("the connection ended without it, after {passed:?}");
    }

    /// Everything that comes until the server closes, each in a word.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.next()).map(|message| message.said()).collect()
    }

    /// The next bytes. Panics if the connection ends before them.
    #[track_caller]
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.input.len() < count {
            assert!(self.receive(), "the connection ended before {count} bytes came");
        }
        self.input.drain(..count).collect()
    }

    /// How many bytes come next; 0: the server has closed.
    #[track_caller]
    pub fn some(&mut self) -> usize {
        if self.input.is_empty() {
            self.receive();
        }
        std::mem::take(&mut self.input).len()
    }

    /// Says that nothing more will be sent.
    pub fn half_close(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Goes away such that the server sees a reset.
    pub fn reset(self) {
        let socket = socket2(&self.socket);
        socket.set_linger(Some(std::time::Duration::ZERO)).expect("SO_LINGER");
    }

    /// Reads what there is, or waits for it. `false`: the connection has ended.
    #[track_caller]
    fn receive(&mut self) -> bool {
        let mut room = [0; 64 << 10];
        while !self.ended {
            match self.socket.read(&mut room) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    self.input.extend_from_slice(&room[..count]);
                    return true;
                }
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    panic!("the server neither sends nor closes");
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                // Reset: what was read before it counts.
                Err(_) => self.ended = true,
            }
        }
        false
    }
}

fn socket2(socket: &TcpStream) -> socket2::SockRef<'_> {
    socket2::SockRef::from(socket)
}
