//! A film made by ffmpeg once for all tests, and a publisher that sends it as fast as it is told.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use proto::flv::{self, Tag};
use proto::rtmp::message;
use support::{Server, media, process, wait_for};

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

/// How long a picture is shown, in milliseconds.
const STEP: u32 = 40;
/// The same of a frame of sound.
const SOUND: u32 = 23;
/// How long it is, in milliseconds.
pub const LENGTH: u32 = 10_000;

/// Ten seconds, a key frame a second, pictures out of order, sound.
pub fn path() -> PathBuf {
    let pictures = "-f lavfi -i testsrc=size=320x180:rate=25:duration=10";
    let sound = "-f lavfi -i sine=frequency=440:duration=10";
    let coding =
        "-c:v libx264 -pix_fmt yuv420p -g 25 -sc_threshold 0 -bf 2 -preset ultrafast -c:a aac";
    let words = [pictures, sound, coding].join(" ");
    media("flv", &words.split(' ').collect::<Vec<_>>())
}

/// Its messages. Where it begins again behind them, sound goes on as pictures do, to half a frame.
pub fn messages() -> Vec<Message> {
    let bytes = std::fs::read(path()).expect("the film");
    let (mut reader, mut all) = (flv::Reader::new(8 << 20), Vec::new());
    let each = |tag: Tag<'_>| {
        all.push(Message { kind: tag.kind, time: tag.timestamp, payload: tag.payload.to_vec() });
    };
    reader.feed(&bytes, each).expect("a film");
    let is_sound = |it: &&Message| it.kind == message::AUDIO && !it.is_header();
    let end = LENGTH + all.iter().find(is_sound).map_or(0, |first| first.time);
    all.retain(|it| it.kind != message::AUDIO || it.time + SOUND / 2 < end);
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
        Publisher::in_application(server, "live", name)
    }

    pub fn in_application(server: &Server, app: &str, name: &str) -> Publisher {
        Publisher::begun(Client::publisher_in(server, app, name), 0)
    }

    /// One whose clock begins there.
    pub fn at(server: &Server, name: &str, offset: u32) -> Publisher {
        Publisher::begun(Client::publisher(server, name), offset)
    }

    fn begun(client: Client, offset: u32) -> Publisher {
        let mut publisher = Publisher { client: Some(client), film: messages(), at: 0, offset };
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

    /// Sends so many milliseconds of it, or a little more, and waits until it is dealt with, if that is at once; gives how many pictures that were.
    pub fn run(&mut self, ms: u32) -> usize {
        let pictures = self.go_on(ms);
        if let Some(long) = crate::PUT_OFF {
            process::come_to_rest("rserve", long);
        }
        pictures
    }

    fn go_on(&mut self, ms: u32) -> usize {
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

    /// Sends it as time passes, as long as it `goes_on`; gives by how much it was late, at most.
    pub fn run_as_time_passes(&mut self, mut goes_on: impl FnMut() -> bool) -> Duration {
        let (mut due, mut late) = (Instant::now(), Duration::ZERO);
        while goes_on() {
            wait_for("its time", || Instant::now() >= due);
            late = late.max(due.elapsed());
            self.go_on(STEP);
            due += Duration::from_millis(STEP.into());
        }
        late
    }

    /// Sends a key frame with this time.
    pub fn still(&mut self, time: u32) {
        let key = self.film.iter().find(|message| message.is_key()).cloned().expect("a key frame");
        self.client().video(time, &key.payload);
    }

    /// Waits until the server has taken all of it.
    pub fn sync(&mut self) {
        self.client().sync();
    }

    /// Sends a data message.
    pub fn data(&mut self, payload: &[u8]) {
        let time = self.now();
        self.client().data(time, payload);
    }

    /// From now on there is no sound.
    pub fn mute(&mut self) {
        let is_sound = |it: &Message| it.kind == message::AUDIO;
        self.at -= self.film[..self.at].iter().filter(|it| is_sound(it)).count();
        self.film.retain(|it| !is_sound(it));
    }

    /// From now on each picture has this unit of H.264 before its own.
    pub fn add_to_pictures(&mut self, unit: &[u8]) {
        let len = (unit.len() as u32).to_be_bytes();
        let is_picture = |it: &&mut Message| it.kind == message::VIDEO && !it.is_header();
        for picture in self.film.iter_mut().filter(is_picture) {
            picture.payload.splice(5..5, len.into_iter().chain(unit.iter().copied()));
        }
    }

    /// From now on each frame tells in its bytes when it is in the film; nobody can hear its sound any more.
    pub fn label(&mut self) {
        for message in self.film.iter_mut().filter(|message| !message.is_header()) {
            let text = format!("label {:08};", message.time).into_bytes();
            match message.kind {
                message::VIDEO => {
                    let unit = [&[0x0C], &text[..], &[0x80]].concat();
                    let len = (unit.len() as u32).to_be_bytes();
                    message.payload.splice(5..5, [&len[..], &unit].concat());
                }
                _ => message.payload.splice(2.., text).for_each(drop),
            }
        }
    }

    /// Sends other headers of pictures, a key frame, the headers that there were, and a key frame, all at one time.
    pub fn other_header(&mut self) {
        let key = self.film.iter().find(|message| message.is_key()).cloned().expect("a key frame");
        let is_header = |it: &&Message| it.kind == message::VIDEO && it.is_header();
        let header = self.film.iter().find(is_header).cloned().expect("a header");
        let time = self.now();
        for level in [0x0D, header.payload[8]] {
            let mut other = header.payload.clone();
            other[8] = level;
            self.client().video(time, &other);
            self.client().video(time, &key.payload);
        }
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
