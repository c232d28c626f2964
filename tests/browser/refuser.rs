//! A proxy as there are some: it passes everything on but WebSockets.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The proxy; its threads end with their connections, the listening one with the test.
pub struct Refuser {
    port: u16,
    refused: Arc<AtomicUsize>,
}

impl Refuser {
    /// Passes on to this port.
    pub fn start(to: u16) -> Refuser {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("its number").port();
        let refused = Arc::new(AtomicUsize::new(0));
        let count = refused.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let count = count.clone();
                thread::spawn(move || serve(client, to, &count));
            }
        });
        Refuser { port, refused }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many handshakes it has refused.
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }
}

/// Looks at the first request: browsers open a connection for each WebSocket.
fn serve(mut client: TcpStream, to: u16, refused: &AtomicUsize) -> Option<()> {
    let mut head = Vec::new();
    let mut room = [0; 4096];
    while !head.windows(4).any(|part| part == b"\r\n\r\n") {
        match client.read(&mut room).ok()? {
            0 => return None,
            count => head.extend_from_slice(&room[..count]),
        }
    }
    if String::from_utf8_lossy(&head).to_ascii_lowercase().contains("\nupgrade: websocket\r") {
        refused.fetch_add(1, Ordering::Relaxed);
        return client
            .write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .ok();
    }
    let mut server = TcpStream::connect(("127.0.0.1", to)).ok()?;
    server.write_all(&head).ok()?;
    let (upwards, downwards) = (client.try_clone().ok()?, server.try_clone().ok()?);
    thread::spawn(move || pass(upwards, server));
    pass(downwards, client)
}

fn pass(mut from: TcpStream, mut to: TcpStream) -> Option<()> {
    let copied = std::io::copy(&mut from, &mut to);
    let _ = (to.shutdown(Shutdown::Write), from.shutdown(Shutdown::Read));
    copied.ok().map(|_| ())
}
