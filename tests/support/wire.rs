//! A connection of bytes, for what no honest client sends.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use socket2::{Domain, Socket, Type};

use crate::transport::{Stream, Transport};
use crate::{Answer, PATIENCE, answer, ports};

/// A connection.
pub struct Wire {
    stream: Stream,
    /// Read, but not taken yet.
    bytes: Vec<u8>,
    ended: bool,
    /// It has ended in the middle.
    broken: bool,
}

impl Wire {
    /// Connects to a port of this machine.
    pub fn open(port: u16) -> Wire {
        let stream = TcpStream::connect(("127.0.0.1", port));
        Wire::over(stream.unwrap_or_else(|e| panic!("port {port}: {e}")))
    }

    /// The same, from an address of this machine: all of 127.0.0.0/8 is.
    pub fn open_from(address: [u8; 4], port: u16) -> Wire {
        let to = SocketAddr::from(([127, 0, 0, 1], port));
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::from((address, 0)).into()).expect("an address of this machine");
        socket.connect(&to.into()).unwrap_or_else(|e| panic!("port {port}: {e}"));
        Wire::over(socket.into())
    }

    fn over(stream: TcpStream) -> Wire {
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
        stream.set_write_timeout(Some(PATIENCE)).expect("SO_SNDTIMEO");
        let encrypted = stream.peer_addr().is_ok_and(|peer| ports::is_encrypted(peer.port()));
        let transport = if encrypted { Transport::Tls } else { Transport::Plain };
        Wire {
            stream: Stream::over(stream, transport),
            bytes: Vec::new(),
            ended: false,
            broken: false,
        }
    }

    /// The same by TLS, as this client speaks it, with a server of this name.
    #[must_use]
    pub fn with_tls(self, config: Arc<rustls::ClientConfig>, name: &str) -> Wire {
        match self.stream {
            Stream::Plain(tcp) => Wire { stream: Stream::tls(tcp, config, name), ..self },
            Stream::Tls(_) => self,
        }
    }

    /// What carries its bytes.
    pub fn transport(&self) -> &Stream {
        &self.stream
    }

    /// The socket.
    pub fn stream(&self) -> &TcpStream {
        self.stream.socket()
    }

    /// Sends bytes. `false`: the server does not take them any more.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).and_then(|()| self.stream.flush()).is_ok()
    }

    /// Says that nothing more will be sent.
    pub fn half_close(&mut self) {
        self.stream.end();
    }

    /// The same in the words of an encryption alone.
    pub fn close_notify(&mut self) {
        self.stream.close_notify();
    }

    /// The next answer to a GET. Panics if none comes.
    #[track_caller]
    pub fn answer(&mut self) -> Answer {
        self.answer_to("GET")
    }

    /// The next answer to a request of this method.
    #[track_caller]
    pub fn answer_to(&mut self, method: &str) -> Answer {
        loop {
            if let Some((answer, used)) = answer::parse(&self.bytes, method, self.ended) {
                self.bytes.drain(..used);
                return answer;
            }
            if self.ended {
                let so_far = String::from_utf8_lossy(&self.bytes);
                panic!("the connection ended without an answer: {so_far:?}");
            }
            self.read();
        }
    }

    /// What comes up to and with `what`; the rest stays for later. Panics if it never comes.
    #[track_caller]
    pub fn until(&mut self, what: &str) -> String {
        let mut searched = 0;
        loop {
            if let Some(end) = self.find(what, &mut searched) {
                let upto: Vec<u8> = self.bytes.drain(..end).collect();
                return String::from_utf8_lossy(&upto).into_owned();
            }
            if self.ended {
                let so_far = String::from_utf8_lossy(&self.bytes);
                panic!("the connection ended without {what:?}: {so_far:?}");
            }
            self.read();
        }
    }

    /// Whether `what` comes before the connection ends.
    #[track_caller]
    pub fn comes(&mut self, what: &str) -> bool {
        let mut searched = 0;
        loop {
            if self.find(what, &mut searched).is_some() {
                return true;
            }
            if self.ended {
                return false;
            }
            self.read();
        }
    }

    /// The end of `what` in what was read, behind what was searched before.
    fn find(&self, what: &str, searched: &mut usize) -> Option<usize> {
        let found = memchr::memmem::find(&self.bytes[*searched..], what.as_bytes());
        let end = found.map(|at| *searched + at + what.len());
        *searched = (self.bytes.len() + 1).saturating_sub(what.len()).max(*searched);
        end
    }

    /// The next `count` bytes.
    #[track_caller]
    pub fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.bytes.len() < count {
            assert!(!self.ended, "the connection ended before {count} bytes came");
            self.read();
        }
        self.bytes.drain(..count).collect()
    }

    /// What comes next, as much as there is; nothing at the connection's end.
    #[track_caller]
    pub fn some(&mut self) -> Vec<u8> {
        if self.bytes.is_empty() && !self.ended {
            self.read();
        }
        std::mem::take(&mut self.bytes)
    }

    /// All that comes until the server closes.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<u8> {
        while !self.ended {
            self.read();
        }
        std::mem::take(&mut self.bytes)
    }

    /// Whether it ended in a way that cannot be taken for the end of an answer: by a reset, or without TLS's word for it.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether the server closes without a word.
    #[track_caller]
    pub fn closes(&mut self) -> bool {
        self.rest().is_empty()
    }

    /// Reads what there is, or waits for it.
    #[track_caller]
    fn read(&mut self) {
        let mut block = [0; 16 << 10];
        match self.stream.read(&mut block) {
            Ok(0) => self.ended = true,
            Ok(count) => self.bytes.extend_from_slice(&block[..count]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                let so_far = String::from_utf8_lossy(&self.bytes);
                panic!("the server neither answers nor closes; so far: {so_far:?}");
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            // Reset, or TLS that has not said so: what was read before it counts.
            Err(_) => (self.ended, self.broken) = (true, true),
        }
    }
}

/// Sends bytes and no more, and reads until the server closes.
#[track_caller]
pub fn raw(port: u16, bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut wire = Wire::open(port);
    wire.send(bytes);
    wire.half_close();
    wire.rest()
}
