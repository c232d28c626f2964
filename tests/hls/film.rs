//! A film made by ffmpeg once for all tests, and a publisher that sends it as fast as it is told.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use proto::flv::{self, Tag};
use proto::rtmp::message;
use support::{Server, process};

use crate::client::Client;

/// A message of the film.
#[derive(Clone)]
pub struct Message {
    pub kind: u8,
    pub time: u32,
    pub payload: Vec<u8>,
}

impl Message {
    /// A sequence header, the end of a sequence, or metadata.
    pub fn is_header(&self) -> bool {
        let is_frame = match self.kind {
            message::VIDEO | message::AUDIO => self.payload.get(1) == Some(&1),
            _ => false,
        };
        !is_frame
    }

    pub fn is_key(&self) -> bool {
        self.kind == message::VIDEO && self.payload[0] == 0x17 && !self.is_header()
    }
}

/// How long it is, in milliseconds.
pub const LENGTH: u32 = 10_000;

/// Ten seconds, a key frame a second, pictures out of order, sound.
pub fn path() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        let path = std::env::temp_dir().join(format!("rserve-film-{}.flv", std::process::id()));
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-f", "lavfi", "-i"]);
        ffmpeg.args(["testsrc=size=320x180:rate=25:duration=10", "-f", "lavfi", "-i"]);
        ffmpeg.args([
            "sine=frequency=440:duration=10",
            "-c:v",
            "libx264",
            "-pix_fmt",
            "yuv420p",
            "-g",
            "25",
        ]);
        ffmpeg
            .args(["-sc_threshold", "0", "-bf", "2", "-preset", "ultrafast", "-c:a", "aac"])
            .arg(&path);
        let output = process::run(&mut ffmpeg);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        path
    };
    PATH.get_or_init(make).clone()
}

/// Its messages.
pub fn messages() -> Vec<Message> {
    let bytes = std::fs::read(path()).expect("the film");
    let (mut reader, mut all) = (flv::Reader::new(8 << 20), Vec::new());
    let each = |tag: Tag<'_>| {
        all.push(Message { kind: tag.kind, time: tag.timestamp, payload: tag.payload.to_vec() });
    };
    reader.feed(&bytes, each).expect("a film");
    all
}

/// A publisher that goes on and on: after the film's end it begins again, with a clock that goes on.
pub struct Publisher {
    client: Option<Client>,
    film: Vec<Message>,
    at: usize,
    /// What is added to the film's times.
    pub offset: u32,
}

impl Publisher {
    pub fn new(server: &Server, name: &str) -> Publisher {
        let client = Client::publisher(server, name);
        let mut publisher = Publisher { client: Some(client), film: messages(), at: 0, offset: 0 };
        publisher.headers();
        publisher
    }

    fn client(&mut self) -> &mut Client {
        self.client.as_mut().expect("it publishes")
    }

    fn headers(&mut self) {
        let headers: Vec<Message> =
            self.film[..5].iter().filter(|message| message.is_header()).cloned().collect();
        headers.iter().for_each(|header| self.send(header));
    }

    fn send(&mut self, message: &Message) {
        let time = message.time + self.offset;
        match message.kind {
            message::VIDEO => self.client().video(time, &message.payload),
            message::AUDIO => self.client().audio(time, &message.payload),
            _ => self.client().data(time, &message.payload),
        }
    }

    /// Sends so many milliseconds of it, or a little more; gives how many pictures that were.
    pub fn run(&mut self, ms: u32) -> usize {
        let (begin, mut pictures) = (self.now(), 0);
        while self.now() < begin + ms {
            let message = self.film[self.at].clone();
            self.at += 1;
            if !message.is_header() {
                pictures += usize::from(message.kind == message::VIDEO);
                self.send(&message);
            }
            if self.at == self.film.len() {
                self.at = 0;
                self.offset += LENGTH;
            }
        }
        self.client().sync();
        pictures
    }

    /// The clock.
    pub fn now(&self) -> u32 {
        self.film[self.at].time + self.offset
    }

    /// The connection breaks.
    pub fn break_off(&mut self) {
        self.client.take().into_iter().for_each(Client::reset);
    }

    /// It comes back, and goes on with a key frame.
    pub fn come_back(&mut self, server: &Server, name: &str) {
        self.client = Some(Client::next_publisher(server, name));
        self.headers();
        while !self.film[self.at].is_key() {
            self.at += 1;
            if self.at == self.film.len() {
                self.at = 0;
                self.offset += LENGTH;
            }
        }
    }

    /// Whether the connection is there.
    pub fn is_alive(&mut self) -> bool {
        self.client.as_mut().is_some_and(Client::is_alive)
    }

    /// It ends the stream.
    pub fn end(mut self) {
        use proto::rtmp::amf::Value;
        let client = self.client();
        client.call(0, "deleteStream", &[Value::Null, 1.0.into()]);
        client.expect("NetStream.Unpublish.Success");
    }
}
