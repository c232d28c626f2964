//! A server that requests are passed on to, which does what the test tells it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One request, as it came.
pub struct Exchange {
    /// The connection.
    pub stream: TcpStream,
    /// The head of the request, with its empty line.
    pub head: String,
    /// The number of the connection, from 0.
    pub connection: usize,
    /// What has come behind the head.
    rest: Vec<u8>,
}

impl Exchange {
    /// What is asked for.
    pub fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The body, read to its end, as it is on the wire.
    pub fn body(&mut self) -> Vec<u8> {
        let length = self.field("Content-Length").map(|length| length.parse().expect("a length"));
        let chunked = self.field("Transfer-Encoding").is_some();
        let is_over = |bytes: &[u8]| match length {
            Some(length) => bytes.len() >= length,
            None => !chunked || bytes.ends_with(b"0\r\n\r\n"),
        };
        let mut bytes = self.rest.clone();
        let mut piece = [0; 1 << 16];
        while !is_over(&bytes) {
            match self.stream.read(&mut piece) {
                Ok(count) if count > 0 => bytes.extend_from_slice(&piece[..count]),
                _ => break,
            }
        }
        self.rest.clear();
        bytes
    }

    /// Sends bytes; whoever does not take them has gone.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Sends an answer with a body.
    pub fn answer(&mut self, status: &str, fields: &str, body: impl AsRef<[u8]>) -> bool {
        let body = body.as_ref();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{fields}\r\n", body.len());
        self.send([head.as_bytes(), body].concat())
    }

    /// Closes so that the other end is told of an error.
    pub fn reset(&self) {
        let linger = socket2::SockRef::from(&self.stream);
        linger.set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
    }

    /// Says no more, and closes no connection, until the other end does.
    pub fn hang(&mut self) {
        let _ = self.stream.set_read_timeout(None);
        while matches!(self.stream.read(&mut [0; 4096]), Ok(count) if count > 0) {}
    }
}

/// What an origin does with a request; `false`: then the connection ends.
pub type Script = dyn Fn(&mut Exchange) -> bool + Send + Sync;

/// The server. It ends with the value.
pub struct Origin {
    /// Its port.
    pub port: u16,
    /// The heads of all requests so far.
    heads: Arc<Mutex<Vec<String>>>,
    /// How many of these it has done with: all of the answer is sent, and the connection closed if it was to be.
    done: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

impl Origin {
    /// One that does this with each request.
    pub fn start(script: impl Fn(&mut Exchange) -> bool + Send + Sync + 'static) -> Origin {
        Origin::on(TcpListener::bind("127.0.0.1:0").expect("a port"), script)
    }

    /// The same at a socket that is there already.
    pub fn on(
        listener: TcpListener,
        script: impl Fn(&mut Exchange) -> bool + Send + Sync + 'static,
    ) -> Origin {
        let port = listener.local_addr().expect("an address").port();
        let (heads, done, over) = Default::default();
        let origin = Origin { port, heads, done, over };
        let (heads, done, over) = (origin.heads.clone(), origin.done.clone(), origin.over.clone());
        let script: Arc<Script> = Arc::new(script);
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                let (heads, done, script) = (heads.clone(), done.clone(), script.clone());
                std::thread::spawn(move || serve(stream, number, (&heads, &done), &*script));
            }
        });
        origin
    }

    /// One that answers with what it was sent, head and body.
    pub fn echo() -> Origin {
        Origin::start(|exchange| {
            let body = exchange.body();
            let told = [exchange.head.as_bytes(), &body].concat();
            exchange.answer("200 OK", "Content-Type: text/plain\r\n", told)
        })
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }

    /// Waits until it has said its last word to all that were asked of it.
    #[track_caller]
    pub fn has_said_all(&self) {
        support::wait_for("the origin", || self.done.load(Ordering::SeqCst) == self.count());
    }

    /// How many requests have come.
    pub fn count(&self) -> usize {
        self.heads().len()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Serves one connection; `told`: the heads of all requests, and how many of these are done with.
fn serve(
    stream: TcpStream,
    connection: usize,
    told: (&Mutex<Vec<String>>, &AtomicUsize),
    script: &Script,
) {
    let (heads, done) = told;
    let _ = stream.set_nodelay(true);
    let mut rest = Vec::new();
    let mut exchange = Exchange { stream, head: String::new(), connection, rest: Vec::new() };
    loop {
        let end = loop {
            if let Some(at) = rest.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            let mut piece = [0; 1 << 16];
            match exchange.stream.read(&mut piece) {
                Ok(count) if count > 0 => rest.extend_from_slice(&piece[..count]),
                _ => return,
            }
        };
        exchange.head = String::from_utf8_lossy(&rest[..end]).into_owned();
        exchange.rest = rest.split_off(end);
        rest.clear();
        heads.lock().expect("no panic").push(exchange.head.clone());
        let goes_on = script(&mut exchange);
        if !goes_on {
            let _ = exchange.stream.shutdown(Shutdown::Write);
            drop(exchange);
            done.fetch_add(1, Ordering::SeqCst);
            return;
        }
        done.fetch_add(1, Ordering::SeqCst);
        rest.append(&mut exchange.rest);
    }
}
