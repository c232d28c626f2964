//! A connection, and what is spoken over it.

use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;

use mio::Registry;
use socket2::SockRef;

use crate::chunk::Message;
use crate::flv::Answer;
use crate::options::Options;
use crate::session::{Session, Wish};
use crate::socket;
use crate::tally::now;

/// What a client that does not read lets the kernel take for it.
const SMALL: usize = 4096;
/// A publisher that has so many bytes waiting is not heard any more.
const STUCK: usize = 64 << 20;

/// What is spoken.
enum Protocol {
    Rtmp(Box<Session>),
    Flv(Box<Answer>),
}

/// A client's connection.
pub struct Client {
    stream: TcpStream,
    protocol: Protocol,
    /// When it began to connect, in nanoseconds.
    pub opened: u64,
    /// When it has asked for its stream; 0: not yet.
    pub asked: u64,
}

impl Client {
    /// Connects, and begins to speak.
    pub fn open(
        options: &Options,
        wish: Wish,
        number: usize,
        registry: &Registry,
        token: usize,
    ) -> io::Result<Client> {
        let opened = now();
        let authority = options.target.to_string();
        let name = options.name(wish, number);
        let protocol = match (&options.flv, wish) {
            (Some(path), Wish::Play) => {
                let path = path.replace("{}", &name);
                Protocol::Flv(Box::new(Answer::new(&authority, &path, options.websocket)))
            }
            _ => {
                let session =
                    Session::new(wish, &authority, &options.app, &name, options.shape.chunk);
                Protocol::Rtmp(Box::new(session))
            }
        };
        let stream = socket::open(options.target, &[], registry, token)?;
        let mut client = Client { stream, protocol, opened, asked: 0 };
        client.flush().map_err(io::Error::other)?;
        Ok(client)
    }

    /// Leaves the kernel little room for what is not read.
    pub fn narrow(&self) -> io::Result<()> {
        SockRef::from(&self.stream).set_recv_buffer_size(SMALL)
    }

    /// The message stream, once the server has said that media may flow.
    pub fn running(&self) -> Option<u32> {
        match &self.protocol {
            Protocol::Rtmp(session) => session.running(),
            Protocol::Flv(answer) => answer.running().then_some(1),
        }
    }

    /// Takes what has come; media goes to `take`.
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        ended: bool,
        take: &mut dyn FnMut(&Message),
    ) -> Result<(), String> {
        let protocol = &mut self.protocol;
        let mut result = Ok(());
        let more = socket::read(&self.stream, buffer, ended, |bytes| {
            if result.is_ok() {
                result = match protocol {
                    Protocol::Rtmp(session) => session.feed(bytes, take),
                    Protocol::Flv(answer) => answer.feed(bytes, take),
                };
            }
        });
        result?;
        if !more {
            return Err("the server has closed the connection".to_owned());
        }
        self.flush()
    }

    /// Sends media, behind what waits.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let stream = &self.stream;
        let out = self.protocol.out();
        let sent = if out.is_empty() { write(stream, bytes)? } else { 0 };
        out.extend_from_slice(&bytes[sent..]);
        if out.len() > STUCK { Err("the server does not read".to_owned()) } else { Ok(()) }
    }

    /// Sends what waits and the kernel takes.
    pub fn flush(&mut self) -> Result<(), String> {
        let out = self.protocol.out();
        if !out.is_empty() {
            let sent = write(&self.stream, out)?;
            out.drain(..sent);
        }
        if self.asked == 0 && self.protocol.asked() {
            self.asked = now();
        }
        Ok(())
    }
}

impl Protocol {
    fn out(&mut self) -> &mut Vec<u8> {
        match self {
            Protocol::Rtmp(session) => session.out(),
            Protocol::Flv(answer) => &mut answer.out,
        }
    }

    fn asked(&self) -> bool {
        match self {
            Protocol::Rtmp(session) => session.asked(),
            Protocol::Flv(_) => true,
        }
    }
}

/// Writes what the kernel takes.
fn write(mut stream: &TcpStream, bytes: &[u8]) -> Result<usize, String> {
    let mut sent = 0;
    while sent < bytes.len() {
        match stream.write(&bytes[sent..]) {
            Ok(count) => sent += count,
            Err(e) if e.kind() == ErrorKind::WouldBlock => break,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e.to_string()),
        }
    }
    Ok(sent)
}
