//! The client's half of an RTMP connection, until media flows.

use crate::amf;
use crate::chunk::{self, Message, Reader, kind};

/// C1, S1, C2 and S2.
const BLOCK: usize = 1536;
/// Chunk stream and message stream of what controls the connection.
const CONTROL: (u8, u8) = (2, 0);

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wish {
    Publish,
    Play,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// So many bytes of S0, S1 and S2 have come.
    Handshake(usize),
    Connecting,
    Creating,
    Asked,
    Running,
}

/// A session: bytes come in, bytes go out.
pub struct Session {
    reader: Reader,
    talk: Talk,
    s1: Vec<u8>,
}

/// What is said in it.
struct Talk {
    wish: Wish,
    app: String,
    name: String,
    authority: String,
    chunk: usize,
    state: State,
    stream: u32,
    out: Vec<u8>,
    /// Bytes that have come; how many when last acknowledged, and how often that is due.
    received: u64,
    acknowledged: u64,
    window: u64,
}

impl Session {
    /// A session that wants `name` of `app`, with C0 and C1 to be sent.
    pub fn new(wish: Wish, authority: &str, app: &str, name: &str, chunk: usize) -> Session {
        let mut out = vec![3];
        out.extend((0..BLOCK).map(|number| if number < 8 { 0 } else { number as u8 }));
        let talk = Talk {
            wish,
            app: app.to_owned(),
            name: name.to_owned(),
            authority: authority.to_owned(),
            chunk,
            state: State::Handshake(0),
            stream: 0,
            out,
            received: 0,
            acknowledged: 0,
            window: u64::MAX,
        };
        Session { reader: Reader::new(), talk, s1: Vec::new() }
    }

    /// The message stream once media may flow.
    pub fn running(&self) -> Option<u32> {
        (self.talk.state == State::Running).then_some(self.talk.stream)
    }

    /// Whether `play` or `publish` is sent, or to be sent.
    pub fn asked(&self) -> bool {
        matches!(self.talk.state, State::Asked | State::Running)
    }

    /// What is to be sent.
    pub fn out(&mut self) -> &mut Vec<u8> {
        &mut self.talk.out
    }

    /// Takes what has come; media goes to `take`.
    pub fn feed(&mut self, bytes: &[u8], take: &mut dyn FnMut(&Message)) -> Result<(), String> {
        let bytes = self.shake(bytes)?;
        let talk = &mut self.talk;
        talk.received += bytes.len() as u64;
        let mut refused = None;
        self.reader.feed(bytes, &mut |message| match message.kind {
            kind::AUDIO | kind::VIDEO => {
                // Media before the word that it comes is good enough for a start.
                talk.state = State::Running;
                take(message);
            }
            _ => refused = refused.take().or(talk.hear(message)),
        })?;
        if talk.received - talk.acknowledged >= talk.window {
            talk.acknowledged = talk.received;
            let count = talk.received as u32;
            talk.control(kind::ACK, &count.to_be_bytes());
        }
        refused.map_or(Ok(()), Err)
    }

    /// Takes the handshake; what follows it.
    fn shake<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], String> {
        let State::Handshake(have) = self.talk.state else { return Ok(bytes) };
        let (part, rest) = bytes.split_at(bytes.len().min(1 + 2 * BLOCK - have));
        let s1 = (1 + BLOCK).saturating_sub(have).min(part.len());
        self.s1.extend_from_slice(&part[..s1]);
        if self.s1.first().is_some_and(|&version| version != 3) {
            return Err("a handshake of another version".to_owned());
        }
        self.talk.state = State::Handshake(have + part.len());
        if have + part.len() == 1 + 2 * BLOCK {
            let s1 = std::mem::take(&mut self.s1);
            self.talk.out.extend_from_slice(&s1[1..]);
            self.talk.connect();
        }
        Ok(rest)
    }
}

impl Talk {
    fn connect(&mut self) {
        self.state = State::Connecting;
        let size = self.chunk as u32;
        self.control(kind::CHUNK_SIZE, &size.to_be_bytes());
        let mut body = amf::command("connect", 1.0);
        let url = format!("rtmp://{}/{}", self.authority, self.app);
        amf::object(&mut body, |out| {
            for (key, text) in
                [("app", self.app.as_str()), ("flashVer", "FMLE/3.0"), ("tcUrl", &url)]
            {
                amf::key(out, key);
                amf::string(out, text);
            }
        });
        self.command(3, 0, &body);
    }

    fn command(&mut self, csid: u8, stream: u32, body: &[u8]) {
        chunk::write(&mut self.out, self.chunk, (csid, kind::COMMAND, stream), 0, body);
    }

    fn control(&mut self, kind: u8, body: &[u8]) {
        let (csid, stream) = CONTROL;
        chunk::write(&mut self.out, self.chunk, (csid, kind, stream.into()), 0, body);
    }

    /// Answers what is not media; a text if the server refuses.
    fn hear(&mut self, message: &Message) -> Option<String> {
        let number = |bytes: &[u8]| Some(u32::from_be_bytes(*bytes.first_chunk()?));
        match message.kind {
            kind::WINDOW => self.window = number(message.start)?.max(1).into(),
            kind::USER if message.start.starts_with(&[0, 6]) => {
                let pong = [&[0, 7], &message.start[2..]].concat();
                self.control(kind::USER, &pong);
            }
            kind::COMMAND => {
                let (name, rest) = amf::read_string(message.start)?;
                let (_, rest) = amf::read_number(rest)?;
                match name {
                    "_error" => return Some(amf::code(rest).unwrap_or("_error").to_owned()),
                    "onStatus" => return self.status(amf::code(rest)?),
                    "_result" => self.result(rest)?,
                    _ => {}
                }
            }
            _ => {}
        }
        None
    }

    fn result(&mut self, rest: &[u8]) -> Option<()> {
        match self.state {
            State::Connecting => {
                self.state = State::Creating;
                let mut body = amf::command("createStream", 2.0);
                amf::null(&mut body);
                self.command(3, 0, &body);
            }
            State::Creating => {
                let (stream, _) = amf::read_number(rest.strip_prefix(&[5])?)?;
                self.stream = stream as u32;
                self.state = State::Asked;
                self.ask();
            }
            _ => {}
        }
        Some(())
    }

    fn ask(&mut self) {
        let verb = if self.wish == Wish::Publish { "publish" } else { "play" };
        let mut body = amf::command(verb, 3.0);
        amf::null(&mut body);
        amf::string(&mut body, &self.name);
        match self.wish {
            Wish::Publish => amf::string(&mut body, "live"),
            Wish::Play => amf::number(&mut body, -1000.0),
        }
        self.command(8, self.stream, &body);
    }

    fn status(&mut self, code: &str) -> Option<String> {
        match code {
            "NetStream.Play.Start" | "NetStream.Publish.Start" => self.state = State::Running,
            "NetStream.Publish.BadName"
            | "NetStream.Play.StreamNotFound"
            | "NetStream.Play.Failed" => return Some(code.to_owned()),
            _ => {}
        }
        None
    }
}
