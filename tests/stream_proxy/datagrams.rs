//! Peers and clients of datagrams.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use support::PATIENCE;

/// A peer that answers each datagram with what the test says, if with anything.
pub struct Peer {
    /// Its port.
    pub port: u16,
    count: Arc<AtomicUsize>,
}

impl Peer {
    /// One that gives these answers.
    pub fn start(answers: impl Fn(&[u8], SocketAddr) -> Vec<Vec<u8>> + Send + 'static) -> Peer {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let port = socket.local_addr().expect("an address").port();
        let count = Arc::<AtomicUsize>::default();
        let counted = count.clone();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok((len, from)) = socket.recv_from(&mut buffer) {
                counted.fetch_add(1, Ordering::SeqCst);
                for answer in answers(&buffer[..len], from) {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Peer { port, count }
    }

    /// One that sends back what it is sent.
    pub fn echo() -> Peer {
        Peer::start(|asked, _| vec![asked.to_vec()])
    }

    /// One that says from which port it was asked.
    pub fn telling() -> Peer {
        Peer::start(|_, from| vec![from.port().to_string().into_bytes()])
    }

    /// How many datagrams have come.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

/// A client of a port.
pub fn client(port: u16) -> UdpSocket {
    client_from("127.0.0.1", port)
}

/// One with this address.
pub fn client_from(address: &str, port: u16) -> UdpSocket {
    let socket = UdpSocket::bind((address, 0)).expect("a socket");
    socket.connect(("127.0.0.1", port)).expect("an address");
    socket.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
    socket
}

/// The next datagram that comes.
pub fn next(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 1 << 16];
    let len = socket.recv(&mut buffer).expect("an answer");
    buffer.truncate(len);
    buffer
}

/// The answer to this.
pub fn ask(socket: &UdpSocket, said: &[u8]) -> Vec<u8> {
    socket.send(said).expect("sent");
    next(socket)
}

/// A TCP listener beside, by which the tests know that it serves.
pub const BESIDE: &str = "server { listen 127.0.0.1:{port}; return x; }";

/// A `stream {}` that passes datagrams on to a peer.
pub fn conf(peer: &Peer, more: &str) -> String {
    format!(
        "stream {{ log_format told '$remote_addr|$protocol|$status|$bytes_sent|$bytes_received|$upstream_bytes_sent|$upstream_bytes_received';
        {BESIDE} server {{ listen 127.0.0.1:{{port2}} udp; access_log logs/access.log told buffer=0; proxy_pass 127.0.0.1:{}; {more} }} }}",
        peer.port
    )
}
