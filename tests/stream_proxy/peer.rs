//! A peer that does what the test tells it with each connection.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The peer. It ends with the value.
pub struct Peer {
    /// Its port.
    pub port: u16,
    count: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

impl Peer {
    /// One that does this with each connection.
    pub fn start(script: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let peer = Peer { port, count: Arc::default(), over: Arc::default() };
        let (count, over, script) = (peer.count.clone(), peer.over.clone(), Arc::new(script));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                count.fetch_add(1, Ordering::SeqCst);
                let script = script.clone();
                std::thread::spawn(move || script(&mut stream));
            }
        });
        peer
    }

    /// One that sends back what it is sent, and ends when its client does.
    pub fn echo() -> Peer {
        Peer::start(|stream| {
            let mut piece = [0; 1 << 16];
            while let Ok(count) = stream.read(&mut piece) {
                if count == 0 || stream.write_all(&piece[..count]).is_err() {
                    break;
                }
            }
            let _ = stream.shutdown(Shutdown::Write);
        })
    }

    /// One that says this, and ends.
    pub fn saying(text: impl Into<Vec<u8>>) -> Peer {
        let text = text.into();
        Peer::start(move |stream| {
            let _ = stream.write_all(&text);
        })
    }

    /// One that waits for its client's end, and then says what it was told.
    pub fn mirror() -> Peer {
        Peer::start(|stream| {
            let mut told = Vec::new();
            let _ = stream.read_to_end(&mut told);
            let _ = stream.write_all(&told);
        })
    }

    /// One that says nothing, and ends when its client does.
    pub fn silent() -> Peer {
        Peer::start(|stream| {
            let _ = stream.read_to_end(&mut Vec::new());
        })
    }

    /// How many connections have come.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// A port at which nobody is.
pub fn nobody() -> u16 {
    support::free_port()
}
