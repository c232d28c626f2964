//! An application of the test's own, which says what the test tells it, whether it keeps to the protocol or not.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A request, as it came.
pub struct Asked {
    pub stream: TcpStream,
    /// The flags of its beginning: 1 asks to keep the connection.
    pub flags: u8,
    pub params: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Bytes of each record of the body.
    pub records: Vec<usize>,
}

/// A record of an answer.
pub fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = (content.len() as u16).to_be_bytes();
    let padding = content.len().wrapping_neg() % 8;
    let head = [1, kind, 0, 1, high, low, padding as u8, 0];
    [&head[..], content, &[0; 7][..padding]].concat()
}

/// A part of the answer.
pub fn stdout(text: impl AsRef<[u8]>) -> Vec<u8> {
    text.as_ref().chunks(60_000).flat_map(|part| record(6, part)).collect()
}

/// A text for the log.
pub fn stderr(text: &str) -> Vec<u8> {
    record(7, text.as_bytes())
}

/// The end of a request.
pub fn end() -> Vec<u8> {
    [record(6, b""), record(3, &[0; 8])].concat()
}

impl Asked {
    /// Sends bytes; whoever does not take them has gone.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Sends an answer with its end.
    pub fn answer(&mut self, text: &str) -> bool {
        self.send([stdout(text), end()].concat())
    }

    /// Says no more, and closes no connection, until the other end does.
    pub fn hang(&mut self) -> bool {
        while matches!(self.stream.read(&mut [0; 4096]), Ok(count) if count > 0) {}
        false
    }
}

type Script = dyn Fn(&mut Asked) -> bool + Send + Sync;

/// The application. It ends with the value.
pub struct Application {
    pub port: u16,
    connections: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    /// What was wrong with requests.
    pub faults: Arc<Mutex<Vec<String>>>,
}

impl Application {
    /// One that does this with each request; `false`: then the connection ends.
    pub fn start(script: impl Fn(&mut Asked) -> bool + Send + Sync + 'static) -> Application {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let application = Application {
            port,
            connections: Arc::default(),
            over: Arc::default(),
            faults: Arc::default(),
        };
        let connections = application.connections.clone();
        let (over, faults) = (application.over.clone(), application.faults.clone());
        let script: Arc<Script> = Arc::new(script);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                connections.fetch_add(1, Ordering::SeqCst);
                let (faults, script) = (faults.clone(), script.clone());
                std::thread::spawn(move || {
                    let mut stream = stream;
                    while let Some(mut one) = read(&mut stream, &faults) {
                        if !script(&mut one) {
                            let _ = one.stream.shutdown(std::net::Shutdown::Both);
                            return;
                        }
                    }
                });
            }
        });
        application
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Reads a request to the end of its body. `None`: the connection has ended.
fn read(stream: &mut TcpStream, faults: &Mutex<Vec<String>>) -> Option<Asked> {
    let (mut flags, mut params, mut body, mut records) = (0, Vec::new(), Vec::new(), Vec::new());
    loop {
        let mut head = [0; 8];
        stream.read_exact(&mut head).ok()?;
        let mut content = vec![0; usize::from(u16::from_be_bytes([head[4], head[5]]))];
        stream.read_exact(&mut content).ok()?;
        stream.read_exact(&mut vec![0; usize::from(head[6])]).ok()?;
        if head[0] != 1 || head[2..4] != [0, 1] || head[7] != 0 {
            faults.lock().expect("no panic").push(format!("a record begins with {head:?}"));
        }
        match head[1] {
            1 => {
                flags = content[2];
                if content[..2] != [0, 1] {
                    faults.lock().expect("no panic").push("not a responder".to_owned());
                }
            }
            4 => params.extend_from_slice(&content),
            5 if content.is_empty() => break,
            5 => {
                records.push(content.len());
                body.extend_from_slice(&content);
            }
            other => faults.lock().expect("no panic").push(format!("a record of type {other}")),
        }
    }
    let params = pairs(&params);
    let stream = stream.try_clone().ok()?;
    Some(Asked { stream, flags, params, body, records })
}

fn pairs(mut bytes: &[u8]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let mut length = || {
            let first = bytes[0];
            let (len, rest) = match first & 0x80 {
                0 => (usize::from(first), &bytes[1..]),
                _ => {
                    let four = u32::from_be_bytes(bytes[..4].try_into().expect("four bytes"));
                    ((four & 0x7fff_ffff) as usize, &bytes[4..])
                }
            };
            bytes = rest;
            len
        };
        let (name, value) = (length(), length());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        found.push((text(&bytes[..name]), text(&bytes[name..name + value])));
        bytes = &bytes[name + value..];
    }
    found
}
