//! An RTMP client that says exactly what it is told to say, byte by byte if need be.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};

use proto::rtmp::amf::{Decoder, Value};
use proto::rtmp::chunk::{self, MessageLimits, Reader};
use proto::rtmp::handshake::ClientHandshake;
use proto::rtmp::message::{self, UserControl};
use proto::rtmp::{command, handshake};
use support::{PATIENCE, Server, wait_for};

use crate::frames::label;

/// A message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub csid: u32,
    pub kind: u8,
    pub stream: u32,
    pub time: u32,
    pub payload: Vec<u8>,
}

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

impl Message {
    /// The values of a command or a data message.
    pub fn values(&self) -> Vec<Value<'_>> {
        let mut decoder = Decoder::new(&self.payload);
        std::iter::from_fn(|| decoder.next().ok().flatten()).collect()
    }

    /// The first of them: the name of a command.
    pub fn name(&self) -> String {
        let is_named = matches!(self.kind, message::COMMAND | message::DATA);
        let values = if is_named { self.values() } else { Vec::new() };
        let name = values.first().and_then(Value::as_bytes).unwrap_or_default();
        String::from_utf8_lossy(name).into_owned()
    }

    /// The number of the call that it answers.
    pub fn transaction(&self) -> f64 {
        self.values().get(1).and_then(Value::as_f64).unwrap_or(-1.0)
    }

    /// A member of the last value: `code`, `description`.
    pub fn info(&self, member: &str) -> String {
        let values = self.values();
        let text = values.last().and_then(|info| info.get(member)).and_then(Value::as_bytes);
        String::from_utf8_lossy(text.unwrap_or_default()).into_owned()
    }

    /// What it is, in a word: `NetStream.Play.Start`, `_result`, `StreamBegin(1)`, `k3@40`.
    pub fn said(&self) -> String {
        match self.kind {
            message::COMMAND if self.info("code").is_empty() => self.name(),
            message::COMMAND => self.info("code"),
            message::USER_CONTROL => format!("{:?}", UserControl::parse(&self.payload)),
            message::AUDIO | message::VIDEO | message::DATA => label(self),
            kind => format!("kind {kind}"),
        }
    }

    /// Whether it belongs to a stream's content.
    pub fn is_content(&self) -> bool {
        let media = matches!(self.kind, message::AUDIO | message::VIDEO | message::DATA);
        media && self.name() != "|RtmpSampleAccess"
    }
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

    /// A client of an application of the server, whose RTMP port is the second one.
    #[track_caller]
    pub fn connect(server: &Server, app: &str) -> Client {
        let mut client = Client::open(server.port2());
        client.connect_to(app, &[]);
        assert_eq!(client.answer(), "NetConnection.Connect.Success");
        client
    }

    /// One that publishes, in the message stream 1.
    #[track_caller]
    pub fn publisher(server: &Server, name: &str) -> Client {
        let mut client = Client::connect(server, "live");
        client.set_chunk_size(60_000);
        assert_eq!(client.publish(name), 1);
        client
    }

    /// One that publishes when the stream's publisher before it is known to be gone.
    #[track_caller]
    pub fn next_publisher(server: &Server, name: &str) -> Client {
        let mut client = Client::connect(server, "live");
        client.set_chunk_size(60_000);
        wait_for("the name to be free", || {
            let started = client.try_publish(name) == "NetStream.Publish.Start";
            if !started {
                client.call(0, "deleteStream", &[Value::Null, 1.0.into()]);
            }
            started
        });
        client
    }

    /// Whether the server still answers.
    pub fn is_alive(&mut self) -> bool {
        let call = self.call(0, "getStreamLength", &[Value::Null, "x".into()]);
        std::iter::from_fn(|| self.next()).any(|m| m.name() == "_result" && m.transaction() == call)
    }

    /// One that plays, in the message stream 1; it has been told that it does.
    #[track_caller]
    pub fn player(server: &Server, name: &str) -> Client {
        let mut client = Client::connect(server, "live");
        assert_eq!(client.play(name), 1);
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
        self.message(2, message::SET_CHUNK_SIZE, 0, 0, &message::set_chunk_size(size as u32));
        self.chunk = size;
    }

    /// Sends a command; gives the number of the call.
    pub fn call(&mut self, stream: u32, name: &str, arguments: &[Value<'_>]) -> f64 {
        let transaction = self.transaction;
        self.transaction += 1.0;
        let mut payload = Vec::new();
        command::encode(&mut payload, name.as_bytes(), transaction, arguments);
        self.message(3, message::COMMAND, stream, 0, &payload);
        transaction
    }

    /// Says `connect`, with more members of its object.
    pub fn connect_to(&mut self, app: &str, more: &[(&str, &str)]) {
        let mut members: Vec<(&[u8], Value<'_>)> = vec![(b"app", app.into())];
        members.extend(more.iter().map(|(name, value)| (name.as_bytes(), (*value).into())));
        self.call(0, "connect", &[Value::Object(members)]);
    }

    #[track_caller]
    pub fn create_stream(&mut self) -> u32 {
        let call = self.call(0, "createStream", &[Value::Null]);
        let result = self.until(|m| m.name() == "_result" && m.transaction() == call);
        result.values().last().and_then(Value::as_f64).expect("a number") as u32
    }

    /// Publishes in a new message stream.
    #[track_caller]
    pub fn publish(&mut self, name: &str) -> u32 {
        let stream = self.create_stream();
        self.call(stream, "publish", &[Value::Null, name.into(), "live".into()]);
        assert_eq!(self.answer(), "NetStream.Publish.Start", "{name}");
        stream
    }

    /// Asks to publish in a new message stream; gives the answer's code.
    #[track_caller]
    pub fn try_publish(&mut self, name: &str) -> String {
        let stream = self.create_stream();
        self.call(stream, "publish", &[Value::Null, name.into(), "live".into()]);
        self.answer()
    }

    /// Plays in a new message stream.
    #[track_caller]
    pub fn play(&mut self, name: &str) -> u32 {
        let stream = self.create_stream();
        self.call(stream, "play", &[Value::Null, name.into()]);
        assert_eq!(self.answer(), "NetStream.Play.Reset", "{name}");
        assert_eq!(self.answer(), "NetStream.Play.Start", "{name}");
        stream
    }

    /// Asks to play in a new message stream; gives the answer's code, that of a reset left out.
    #[track_caller]
    pub fn try_play(&mut self, name: &str) -> String {
        let stream = self.create_stream();
        self.call(stream, "play", &[Value::Null, name.into()]);
        let code = self.answer();
        if code == "NetStream.Play.Reset" { self.answer() } else { code }
    }

    /// Sends a frame in the message stream 1.
    pub fn video(&mut self, time: u32, payload: &[u8]) {
        self.message(7, message::VIDEO, 1, time, payload);
    }

    /// Sends sound in the message stream 1.
    pub fn audio(&mut self, time: u32, payload: &[u8]) {
        self.message(6, message::AUDIO, 1, time, payload);
    }

    /// Sends data in the message stream 1.
    pub fn data(&mut self, time: u32, payload: &[u8]) {
        self.message(4, message::DATA, 1, time, payload);
    }

    /// Waits until the server has taken in all that was sent.
    #[track_caller]
    pub fn sync(&mut self) {
        let mut ping = Vec::new();
        UserControl::Ping(4711).write(&mut ping);
        self.message(2, message::USER_CONTROL, 0, 0, &ping);
        let pong = Some(UserControl::Pong(4711));
        self.until(|m| m.kind == message::USER_CONTROL && UserControl::parse(&m.payload) == pong);
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

    /// Waits for a status with this code.
    #[track_caller]
    pub fn expect(&mut self, code: &str) -> Message {
        self.until(|m| m.kind == message::COMMAND && m.info("code") == code)
    }

    /// The code of the next status, or answer to `connect`; empty: the server has closed.
    #[track_caller]
    pub fn answer(&mut self) -> String {
        self.status().map(|status| status.info("code")).unwrap_or_default()
    }

    /// The next message that tells a code.
    #[track_caller]
    pub fn status(&mut self) -> Option<Message> {
        loop {
            let message = self.read()?;
            if message.kind == message::COMMAND && !message.info("code").is_empty() {
                return Some(message);
            }
            if message.is_content() {
                self.early.push(message);
            }
        }
    }

    /// The next message of a stream's content.
    #[track_caller]
    pub fn frame(&mut self) -> Message {
        loop {
            let message = self.next().expect("the connection ended");
            if message.is_content() {
                return message;
            }
        }
    }

    /// The next messages of a stream's content, each in a word.
    #[track_caller]
    pub fn frames(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| label(&self.frame())).collect()
    }

    /// The next messages of a stream's content.
    #[track_caller]
    pub fn take(&mut self, count: usize) -> Vec<Message> {
        (0..count).map(|_| self.frame()).collect()
    }

    /// All up to, and with, the one that is this in a word but for its time.
    #[track_caller]
    pub fn frames_to(&mut self, last: &str) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            all.push(label(&self.frame()));
            if all.last().and_then(|label| label.split('@').next()) == Some(last) {
                return all;
            }
        }
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
