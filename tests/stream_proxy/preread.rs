//! `ssl_preread`: what a client says first decides where its session goes; and `pass`, which gives it to another listener.

use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Server, Wire, process, raw, wait_for};

use crate::peer::Peer;
use crate::twin::{both, start};

const SAID: &str = "$ssl_preread_protocol|$ssl_preread_server_name|$ssl_preread_alpn_protocols";

fn conf(more: &str) -> String {
    format!(
        "stream {{ server {{ listen 127.0.0.1:{{port}}; ssl_preread on; {more} return \"{SAID}\"; }} }}"
    )
}

/// The bytes of a hello that OpenSSL says with these arguments.
fn hello(arguments: &[&str]) -> Vec<u8> {
    let (tell, told) = std::sync::mpsc::channel();
    let peer = Peer::start(move |stream| {
        use std::io::Read;
        let mut all = vec![0; 1 << 16];
        let mut len = 0;
        let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
        loop {
            len += stream.read(&mut all[len..]).unwrap_or(0);
            let wanted = 5 + usize::from(u16::from_be_bytes([all[3], all[4]]));
            if len >= wanted.max(6) {
                break;
            }
        }
        let _ = tell.send(all[..len].to_vec());
    });
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &format!("127.0.0.1:{}", peer.port)]).args(arguments);
    process::run(command.stdin(Stdio::null()));
    told.recv().expect("a hello")
}

#[test]
fn what_openssl_says_is_known_as_to_nginx() {
    let (server, twin) = both(&conf(""));
    for arguments in [
        &["-servername", "a.example", "-alpn", "h2,http/1.1"][..],
        &["-noservername"],
        &["-servername", "UPPER.example", "-tls1_2"],
        &["-servername", "b.example", "-tls1_3", "-alpn", "x"],
    ] {
        let hello = hello(arguments);
        let told = |port: u16| {
            let mut wire = Wire::open(port);
            wire.send(&hello);
            String::from_utf8_lossy(&wire.rest()).into_owned()
        };
        let ours = told(server.port());
        assert_eq!(ours, told(twin.port()), "{arguments:?}");
        assert!(ours.starts_with("TLSv1."), "{ours}");
    }
}

/// Each byte by itself, and in two pieces at each place; what is no hello goes on without one.
#[test]
fn a_hello_in_pieces() {
    let server = start(&conf(""));
    let hello = hello(&["-servername", "a.example", "-tls1_2"]);
    for at in (1..hello.len()).step_by(7) {
        let mut wire = server.wire();
        wire.send(&hello[..at]);
        std::thread::yield_now();
        wire.send(&hello[at..]);
        assert_eq!(wire.rest(), b"TLSv1.2|a.example|", "{at}");
    }
    let mut wire = server.wire();
    for byte in &hello {
        wire.send([*byte]);
    }
    assert_eq!(wire.rest(), b"TLSv1.2|a.example|");
}

#[test]
fn what_is_no_hello_as_nginx_takes_it() {
    let long = [&b"\x16\x03\x01\x40\x00\x01\x00\xff\xff\x03\x03"[..], &[7; 20_000]].concat();
    let told = |port: u16, said: &[u8]| {
        let mut wire = Wire::open(port);
        wire.send(said);
        String::from_utf8_lossy(&wire.rest()).into_owned()
    };
    let decided = [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\x80\x2e\x01\x00\x02",
        b"\x17\x03\x03\x00\x05hello",
        &long,
    ];
    let cut = [&b"\x16\x03\x01\x00\x01\x01"[..], b"\x16\x03", b""];
    for (timeout, all) in [("30s", &decided[..]), ("200ms", &cut[..])] {
        let (server, twin) = both(&conf(&format!("preread_timeout {timeout};")));
        for said in all {
            let (ours, theirs) = (told(server.port(), said), told(twin.port(), said));
            assert_eq!(ours, theirs, "{:?}", &said[..said.len().min(20)]);
        }
    }
}

/// A hello that is longer than the buffer waits, and is given up when that is full.
#[test]
fn more_than_the_buffer_is_refused() {
    let (server, twin) = both(
        "stream { log_format told $status; access_log logs/access.log told buffer=0;
        server { listen 127.0.0.1:{port}; ssl_preread on; preread_buffer_size 64; return x; } }",
    );
    let hello = hello(&["-servername", "a.example"]);
    for port in [server.port(), twin.port()] {
        let mut wire = Wire::open(port);
        wire.send(&hello);
        assert!(wire.rest().is_empty());
    }
    for log in [&|| server.error_log(), &|| twin.error_log()] as [&dyn Fn() -> String; 2] {
        wait_for("the log", || log().contains("preread buffer full"));
    }
    wait_for("the log", || server.access_log().ends_with("400\n"));
}

/// What many want of it: one port, and by the name that is asked for another server; nothing is decrypted on the way.
#[test]
fn sessions_go_by_the_name_that_is_asked_for() {
    let (one, other) = (Peer::saying("one"), Peer::saying("other"));
    let server = start(&format!(
        "stream {{ map $ssl_preread_server_name $where {{ one.example one; default other; }}
        upstream one {{ server 127.0.0.1:{}; }} upstream other {{ server 127.0.0.1:{}; }}
        server {{ listen 127.0.0.1:{{port}}; ssl_preread on; proxy_pass $where; }} }}",
        one.port, other.port
    ));
    for (name, wanted) in [("one.example", "one"), ("two.example", "other")] {
        let mut wire = server.wire();
        wire.send(hello(&["-servername", name]));
        assert_eq!(String::from_utf8_lossy(&wire.rest()), wanted);
    }
}

/// The names of servers are those that are asked for.
#[test]
fn servers_by_name_without_a_handshake() {
    let server = start(
        "stream { ssl_preread on; server { listen 127.0.0.1:{port}; return default; }
        server { listen 127.0.0.1:{port}; server_name a.example *.b.example; return named; } }",
    );
    for (name, wanted) in
        [("a.example", "named"), ("x.b.example", "named"), ("c.example", "default")]
    {
        let mut wire = server.wire();
        wire.send(hello(&["-servername", name]));
        assert_eq!(String::from_utf8_lossy(&wire.rest()), wanted);
    }
}

fn curl(server: &Server, url: &str) -> String {
    support::curl(&["-k", "--connect-to", &format!("::127.0.0.1:{}", server.port()), url]).text()
}

/// The same bytes reach the peer: curl's handshake is with it.
#[test]
fn a_handshake_goes_through() {
    let authority = support::certificates::Authority::new("tests");
    let leaf = authority.server(&["a.example"]);
    let origin = support::Start::new(env!("CARGO_BIN_EXE_rserve")).plain();
    let origin = origin.file("server.pem", &leaf.chain).conf("http { server { listen 127.0.0.1:{port} ssl;
        ssl_certificate server.pem; ssl_certificate_key server.key; location / { return 200 $ssl_server_name; } } }");
    let key = origin.dir().file("server.key", &leaf.key);
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    let origin = origin.start();
    let server = start(&format!(
        "stream {{ server {{ listen 127.0.0.1:{{port}}; ssl_preread on; proxy_pass 127.0.0.1:{}; }} }}",
        origin.port()
    ));
    assert_eq!(curl(&server, "https://a.example/"), "a.example");
    // And without a way through: the listener itself takes it.
    let server = start(&format!(
        "stream {{ server {{ listen 127.0.0.1:{{port}}; ssl_preread on; proxy_pass 127.0.0.1:{}; }} }}",
        origin.port()
    ));
    assert_eq!(curl(&server, "https://b.example/"), "b.example");
}

#[test]
fn a_connection_is_given_to_another_listener() {
    let server = start(
        "stream { server { listen 127.0.0.1:{port}; ssl_preread on; preread_timeout 5s; pass 127.0.0.1:{port2}; } }
        http { server { listen 127.0.0.1:{port2}; keepalive_timeout 60s; location / { return 200 \"$remote_addr $server_port\"; } } }",
    );
    let mut wire = Wire::open_from([127, 0, 0, 6], server.port());
    for _ in 0..3 {
        wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        // What was looked at is there still, and the client is who it was.
        assert_eq!(wire.answer().text(), format!("127.0.0.6 {}", server.port2()));
    }
    for _ in 0..20 {
        let told = raw(server.port(), "GET / HTTP/1.0\r\n\r\n");
        assert!(told.ends_with(format!("127.0.0.1 {}", server.port2()).as_bytes()));
    }
}

/// One that listens at all addresses is at each of them.
#[test]
fn a_connection_is_given_to_a_wildcard() {
    let server = start(
        "stream { server { listen 127.0.0.1:{port}; pass 127.0.0.1:{port2}; } }
        http { server { listen {port2}; location / { return 200 $remote_addr; } } }",
    );
    let mut wire = Wire::open_from([127, 0, 0, 6], server.port());
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(wire.answer().text(), "127.0.0.6");
}

#[test]
fn a_connection_is_not_given_on_for_ever() {
    let server = start(
        "stream { log_format told $status; access_log logs/access.log told buffer=0;
        server { listen 127.0.0.1:{port}; pass 127.0.0.1:{port}; } }",
    );
    assert!(server.wire().closes());
    let log = || server.error_log();
    wait_for("the log", || log().contains("the connection was passed too often"));
    wait_for("the log", || server.access_log().ends_with("500\n"));
}

/// Only addresses: a name would have to be looked up while all others wait.
#[test]
fn words_that_lead_to_listeners() {
    let server = start(
        "stream { map $remote_addr $where { default 127.0.0.1:{port2}; 127.0.0.3 localhost:{port2}; 127.0.0.4 unix:{dir}/s; }
        server { listen 127.0.0.1:{port}; pass $where; }
        server { listen 127.0.0.1:{port2}; return address; } server { listen unix:{dir}/s; return path; } }",
    );
    for (last, told) in [(2, "address"), (3, ""), (4, "path")] {
        let mut wire = Wire::open_from([127, 0, 0, last], server.port());
        assert_eq!(String::from_utf8_lossy(&wire.rest()), told);
    }
    let line = format!("\"localhost:{}\" is no address with a port", server.port2());
    wait_for("the log", || server.error_log().contains(&line));
}

#[test]
fn nobody_listens_there() {
    let server = start("stream { server { listen 127.0.0.1:{port}; pass 127.0.0.1:{port2}; } }");
    assert!(server.wire().closes());
    let log = server.error_log();
    assert!(log.contains("port not found for \"127.0.0.1:"), "{log}");
}
