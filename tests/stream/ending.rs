//! The end of a session: the whole of what a client is told reaches it, whatever it says meanwhile, and it is not waited
//! for without an end.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::{ClientConnection, StreamOwned};
use socket2::{Domain, Socket, Type};
use support::certificates::{Authority, Key, Leaf, Validity};
use support::{Server, Wire};

use crate::client::{config, prepared, start};

/// Bytes that nobody has asked for: a close would find them unread, and reset.
static BEHIND: [u8; 64 << 10] = [b'x'; 64 << 10];

#[test]
fn what_the_client_says_does_not_take_away_what_it_is_told() {
    let (server, _) = start(
        "stream { {tls} server { listen 127.0.0.1:{port}; return \"told $remote_addr\"; }
        server { listen 127.0.0.1:{port2} ssl; return \"told $ssl_protocol\"; } }",
    );
    for _ in 0..20 {
        let mut wire = Wire::open(server.port());
        wire.send(BEHIND);
        assert_eq!(wire.rest(), b"told 127.0.0.1");
        assert!(!wire.is_broken());
        let mut wire = Wire::open(server.port2()).with_tls(Arc::new(config(None)), "a.example");
        wire.send(BEHIND);
        assert_eq!(wire.rest(), b"told TLSv1.3");
        assert!(!wire.is_broken(), "it ends with close_notify");
        // Bytes that come when the server has said its last are read, too.
        wire.send(BEHIND);
    }
}

/// Names of a certificate that make it long, and what a client that shows it is told: more than any socket's buffers hold.
fn long() -> (Server, Leaf) {
    let authority = Authority::new("tests");
    let names: Vec<String> = (0..1000).map(|n| format!("a-rather-long-name-{n}.example")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let leaf = authority.leaf("client", &names, Key::Ecdsa, Validity::Now);
    let text = "$ssl_client_raw_cert".repeat(200);
    let conf = format!(
        "worker_processes 2; stream {{ {{tls}} ssl_client_certificate authority.pem; ssl_verify_client on;
        server {{ listen 127.0.0.1:{{port}} ssl; server_name a.example; return \"{text}\"; }} }}"
    );
    (prepared(&conf, &authority).start(), leaf)
}

/// A client with a small buffer, so that the server has most of it to keep.
fn narrow(server: &Server, leaf: &Leaf) -> StreamOwned<ClientConnection, TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(8 << 10).expect("SO_RCVBUF");
    socket
        .connect(&SocketAddr::from(([127, 0, 0, 1], server.port())).into())
        .expect("a connection");
    let name = "a.example".try_into().expect("a name");
    let client = ClientConnection::new(Arc::new(config(Some(leaf))), name).expect("a client");
    StreamOwned::new(client, socket.into())
}

fn read_slowly(stream: &mut impl Read) -> Vec<u8> {
    let (mut all, mut part) = (Vec::new(), [0; 1000]);
    loop {
        std::thread::yield_now();
        match stream.read(&mut part) {
            Ok(0) => return all,
            Ok(count) => all.extend_from_slice(&part[..count]),
            Err(error) => panic!("{error} behind {} bytes", all.len()),
        }
    }
}

/// Reads the first byte, so that the text is on its way.
fn begun(server: &Server, leaf: &Leaf) -> StreamOwned<ClientConnection, TcpStream> {
    let mut stream = narrow(server, leaf);
    let mut first = [0; 1];
    stream.read_exact(&mut first).expect("a byte");
    assert_eq!(first, *b"-");
    stream
}

#[test]
fn a_slow_reader_gets_all_of_it() {
    let (server, leaf) = long();
    let rest = read_slowly(&mut begun(&server, &leaf));
    let certificate = leaf.chain.replace("\r\n", "\n");
    assert!(rest.len() > 3 << 20, "{}", rest.len());
    assert!(rest == certificate.repeat(200).as_bytes()[1..], "{} bytes", rest.len());
}

/// nginx waits five seconds for a client that takes nothing.
#[test]
fn who_takes_nothing_is_not_waited_for() {
    let (server, leaf) = long();
    let mut stream = begun(&server, &leaf);
    server.wait_for("the log", || {
        let line = "connection timed out (110: Connection timed out) while returning text, client: 127.0.0.1";
        server.error_log().contains(line)
    });
    let mut rest = Vec::new();
    assert!(
        stream.read_to_end(&mut rest).is_err(),
        "it is not to be taken for all: {}",
        rest.len()
    );
}

#[test]
fn a_reload_and_a_quit_let_sessions_come_to_their_ends() {
    let (mut server, leaf) = long();
    server.wait_for("the workers", || server.workers().len() == 2);
    let before = server.workers();
    let mut stream = begun(&server, &leaf);
    server.signal("HUP");
    server.wait_for("new workers", || {
        let now = server.workers();
        now.iter().filter(|pid| !before.contains(pid)).count() == 2
    });
    assert!(read_slowly(&mut stream).len() > 3 << 20);
    drop(stream);
    server.wait_for("the end of the old ones", || server.workers().len() == 2);
    let mut stream = begun(&server, &leaf);
    support::process::signal(server.pid(), "QUIT");
    assert!(read_slowly(&mut stream).len() > 3 << 20);
    drop(stream);
    assert_eq!(server.wait_for_exit(), Some(0));
}
