//! A program of the user's that hooks ask: it answers what it is told to, and remembers what it was
//! asked.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use support::PATIENCE;

/// What it was asked.
#[derive(Debug)]
pub struct Asked {
    pub head: String,
    pub body: String,
}

#[derive(Default)]
struct Shared {
    answer: Mutex<String>,
    held: Mutex<Vec<TcpStream>>,
    over: AtomicBool,
}

/// It runs until the value goes away.
pub struct Program {
    port: u16,
    shared: Arc<Shared>,
    asked: Receiver<Asked>,
    thread: Option<std::thread::JoinHandle<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Asked {
    /// The arguments in the body, unescaped.
    pub fn words(&self) -> Vec<(String, String)> {
        let pairs = self.body.split('&').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (unescape(name), unescape(value))).collect()
    }

    /// What it is about.
    pub fn call(&self) -> String {
        let call = self.words().into_iter().find(|(name, _)| name == "call");
        call.map(|(_, call)| call).unwrap_or_default()
    }
}

fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl Program {
    /// `SILENT`: it says nothing until it is released. `RESET`: it resets the connection.
    pub fn answering(answer: &str) -> Program {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared::default());
        *lock(&shared.answer) = answer.to_owned();
        let (sender, asked) = channel();
        let theirs = shared.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if theirs.over.load(Ordering::SeqCst) {
                    return;
                }
                if let Some(asked) = serve(&theirs, stream) {
                    let _ = sender.send(asked);
                }
            }
        });
        Program { port, shared, asked, thread: Some(thread) }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on it answers this.
    pub fn set(&self, answer: &str) {
        *lock(&self.shared.answer) = answer.to_owned();
    }

    /// Answers those to whom it was silent.
    pub fn release(&self, answer: &str) {
        for mut stream in lock(&self.shared.held).drain(..) {
            let _ = stream.write_all(answer.as_bytes());
        }
    }

    /// The next question.
    #[track_caller]
    pub fn next(&self) -> Asked {
        self.next_within(PATIENCE).expect("nothing was asked")
    }

    /// The next question, if there is one in this time.
    pub fn next_within(&self, time: Duration) -> Option<Asked> {
        self.asked.recv_timeout(time).ok()
    }

    /// Forgets what was asked.
    pub fn clear(&self) {
        while self.asked.try_recv().is_ok() {}
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(shared: &Shared, mut stream: TcpStream) -> Option<Asked> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut bytes = Vec::new();
    let mut room = [0; 4096];
    let head = loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            break end + 4;
        }
        match stream.read(&mut room) {
            Ok(count @ 1..) => bytes.extend_from_slice(&room[..count]),
            _ => return None,
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let length = text.split("Content-Length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    while bytes.len() < head + length {
        match stream.read(&mut room) {
            Ok(count @ 1..) => bytes.extend_from_slice(&room[..count]),
            _ => return None,
        }
    }
    let body = String::from_utf8_lossy(&bytes[head..]).into_owned();
    let answer = lock(&shared.answer).clone();
    match answer.as_str() {
        "SILENT" => lock(&shared.held).push(stream),
        "RESET" => {
            let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
        answer => drop(stream.write_all(answer.as_bytes())),
    }
    Some(Asked { head: text, body })
}
