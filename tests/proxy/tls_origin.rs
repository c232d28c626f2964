//! What an origin may do to its encryption, and what becomes of connections then: one that speaks TLS by itself, and does what
//! the test tells it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use support::certificates::Leaf;
use support::{PATIENCE, Wire, http, start, transport};

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// Starts one: `serve` is called with each request's target and the number of the connection; `false`: it is cut off, without a
/// word of TLS. Gives the port.
fn origin(serve: impl Fn(&mut Stream, &str, usize) -> bool + Send + Sync + 'static) -> u16 {
    let leaf = Leaf::self_signed("origin.test");
    let chain = CertificateDer::pem_slice_iter(leaf.chain.as_bytes());
    let chain = chain.collect::<Result<_, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes()).expect("a key");
    let config = ServerConfig::builder_with_provider(transport::provider());
    let config = config.with_safe_default_protocol_versions().expect("versions");
    let config = config.with_no_client_auth().with_single_cert(chain, key).expect("a pair");
    let (config, serve) = (Arc::new(config), Arc::new(serve));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for (number, socket) in listener.incoming().flatten().enumerate() {
            let (config, serve) = (config.clone(), serve.clone());
            std::thread::spawn(move || {
                let _ = socket.set_nodelay(true);
                let session = ServerConnection::new(config).expect("a session");
                let mut stream = StreamOwned::new(session, socket);
                while let Some(head) = head(&mut stream) {
                    let target = head.split(' ').nth(1).unwrap_or_default();
                    if !serve(&mut stream, target, number) {
                        return;
                    }
                }
            });
        }
    });
    port
}

/// The head of the next request; of its body nothing is wanted.
fn head(stream: &mut Stream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

fn answer(stream: &mut Stream, body: &str) -> bool {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all((head + body).as_bytes()).is_ok()
}

fn conf(port: u16) -> String {
    http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass https://127.0.0.1:{port}; }} }}"
    ))
}

/// What makes a connection useless behind its answer.
const ENDINGS: [&str; 4] = ["/two", "/half", "/end", "/cut"];

fn speak(stream: &mut Stream, target: &str, number: usize) -> bool {
    match target {
        // A record of TLS alone, as tickets are: keys change.
        "/keys" => {
            answer(stream, &number.to_string());
            stream.conn.refresh_traffic_keys().expect("TLS 1.3");
            stream.conn.write_tls(&mut stream.sock).is_ok()
        }
        "/two" => answer(stream, "one") && answer(stream, "of another"),
        "/half" => {
            // The first half of a record that nobody has asked for.
            answer(stream, "one");
            let mut record = Vec::new();
            stream.conn.writer().write_all(b"HTTP/1.1 200 OK\r\n").expect("room");
            stream.conn.write_tls(&mut record).expect("a record");
            stream.sock.write_all(&record[..record.len() / 2]).is_ok()
        }
        "/end" => {
            answer(stream, "one");
            stream.conn.send_close_notify();
            stream.conn.write_tls(&mut stream.sock).is_ok()
        }
        "/cut" => {
            answer(stream, "one");
            let _ = stream.sock.shutdown(Shutdown::Both);
            false
        }
        _ => answer(stream, &number.to_string()),
    }
}

/// What TLS says to itself between two requests is none of their business; what is said of HTTP then, or the end, is.
#[test]
fn idle_connections_are_silent_but_for_tls() {
    // What an origin has not said yet nobody can know: the next request is sent behind its last word.
    let (said, heard) = mpsc::channel();
    let port = origin(move |stream, target, number| {
        let goes_on = speak(stream, target, number);
        if ENDINGS.contains(&target) {
            let _ = said.send(());
        }
        goes_on
    });
    let server = start!(conf(port));
    let first = server.get("/").text();
    for _ in 0..5 {
        assert_eq!(server.get("/keys").text(), first);
        assert_eq!(server.get("/").text(), first);
    }
    for path in ENDINGS {
        for _ in 0..5 {
            assert_eq!(server.get(path).text(), "one", "{path}");
            heard.recv_timeout(PATIENCE).expect("its last word");
            let next = server.curl(&["-d", "posted"], "/next");
            assert_eq!(next.status, 200, "{path}: {}", server.error_log());
            assert_ne!(next.text(), "of another");
        }
    }
    assert!(!server.error_log().contains("[error]"), "{}", server.error_log());
}

/// A body that ends with the connection ends with TLS's word for it; else somebody may have cut it off, and the client is told.
#[test]
fn a_body_that_is_cut_off_is_not_whole() {
    let port = origin(|stream, target, _| {
        let head = match target {
            "/length" | "/length/cut" => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
            "/early" => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
            _ => "HTTP/1.1 200 OK\r\n\r\n",
        };
        stream.write_all([head, "hello"].concat().as_bytes()).expect("a reader");
        if !target.ends_with("/cut") {
            stream.conn.send_close_notify();
            stream.conn.write_tls(&mut stream.sock).expect("a reader");
        }
        false
    });
    let server = start!(conf(port));
    let complete = |path: &str| {
        let mut wire = Wire::open(server.port());
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        let rest = String::from_utf8_lossy(&wire.rest()).into_owned();
        assert!(rest.contains("hello"), "{path}: {rest}");
        match rest.contains("chunked") {
            true => rest.ends_with("0\r\n\r\n"),
            false => rest.ends_with("\r\n\r\nhello") && rest.contains("Content-Length: 5"),
        }
    };
    assert!(complete("/close"));
    assert!(!complete("/close/cut"));
    assert!(complete("/length"));
    assert!(complete("/length/cut"), "the length has told that this is all");
    assert!(!complete("/early"));
    server.wait_for("the log", || server.error_log().contains("ended too early"));
}

/// An end of TLS where a head is waited for is no recv() that failed.
#[test]
fn an_origin_that_says_nothing() {
    let port = origin(|_, _, _| false);
    let server = start!(conf(port));
    assert_eq!(server.get("/").status, 502);
    let log = server.error_log();
    let told = "upstream prematurely closed connection while reading response header from upstream";
    assert!(log.contains(told), "{log}");
}

/// Handshakes that never end are ended, those with who speaks no TLS fail; and in both cases somebody else is asked.
#[test]
fn handshakes_that_fail() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let hung = silent.local_addr().expect("an address").port();
    // It speaks first, and what it says is no TLS.
    let eager = TcpListener::bind("127.0.0.1:0").expect("a port");
    let talks = eager.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in eager.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
            let _ = stream.read(&mut [0; 4096]);
        }
    });
    let closing = TcpListener::bind("127.0.0.1:0").expect("a port");
    let closes = closing.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in closing.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
        }
    });
    let good = origin(|stream, _, _| answer(stream, "good"));
    let server = start!(http(&format!(
        "proxy_connect_timeout 300ms; proxy_read_timeout 30s;
        upstream both {{ server 127.0.0.1:{talks}; server 127.0.0.1:{good} backup; }}
        upstream late {{ server 127.0.0.1:{hung}; server 127.0.0.1:{good} backup; }}
        server {{ listen 127.0.0.1:{{port}};
            location /hung {{ proxy_pass https://127.0.0.1:{hung}; }}
            location /plain {{ proxy_pass https://127.0.0.1:{{port2}}; }}
            location /talks {{ proxy_pass https://127.0.0.1:{talks}; }}
            location /closes {{ proxy_pass https://127.0.0.1:{closes}; }}
            location /both {{ proxy_pass https://both; add_header X-Addr $upstream_addr; }}
            location /late {{ proxy_pass https://late; }} }}
        server {{ listen 127.0.0.1:{{port2}}; return 200 plain; }}"
    )));
    let fails = |path: &str, status: u16, why: &str| {
        assert_eq!(server.get(path).status, status, "{path}");
        let log = server.error_log();
        let told = |line: &str| {
            line.contains(&format!("{why} while SSL handshaking to upstream"))
                && line.contains("upstream: \"https://127.0.0.1:")
                && line.contains(&format!("{path}\""))
        };
        assert!(log.lines().any(told), "{path}: {log}");
    };
    fails("/hung", 504, "upstream timed out (110: Connection timed out)");
    fails("/talks", 502, ")");
    fails("/closes", 502, "peer closed connection in SSL handshake");
    fails("/plain", 502, "");
    assert!(server.error_log().contains("SSL_do_handshake() failed ("), "{}", server.error_log());
    let answer = server.get("/both");
    assert_eq!(answer.text(), "good");
    let asked = format!("127.0.0.1:{talks}, 127.0.0.1:{good}");
    assert_eq!(answer.header("X-Addr"), Some(&asked[..]));
    assert!(server.error_log().contains("upstream server temporarily disabled"));
    assert_eq!(server.get("/late").text(), "good");
}

/// A connection of one name, or of one way to judge, is never used for another; what is said in the same words is the same.
#[test]
fn connections_are_what_they_are_made_as() {
    let port = origin(|stream, _, number| {
        let name = stream.conn.server_name().unwrap_or("-").to_owned();
        answer(stream, &format!("{number} {name}"))
    });
    let server = start!(http(&format!(
        "upstream back {{ server 127.0.0.1:{port}; }}
        server {{ listen 127.0.0.1:{{port}};
            location /a/ {{ proxy_pass https://back; }}
            location /b/ {{ proxy_pass https://back; proxy_ssl_verify off; proxy_ssl_name some.test; }}
            location /named/ {{ proxy_pass https://back; proxy_ssl_server_name on; proxy_ssl_name $arg_name; }}
            location /old/ {{ proxy_pass https://back; proxy_ssl_protocols TLSv1.2; }}
            location /plain/ {{ proxy_pass http://back; proxy_connect_timeout 1s; proxy_read_timeout 1s; }} }}"
    )));
    let ask = |path: &str| server.get(path).text();
    let a = ask("/a/");
    // Nobody looks at a name: there is none.
    assert_eq!(ask("/b/"), a);
    let one = ask("/named/?name=one.test");
    let other = ask("/named/?name=other.test");
    let old = ask("/old/");
    assert!(one.ends_with(" one.test") && other.ends_with(" other.test"), "{one} {other}");
    for _ in 0..3 {
        assert_eq!(ask("/named/?name=other.test"), other);
        assert_eq!(ask("/named/?name=ONE.test:1"), one);
        assert_eq!(ask("/old/"), old);
        assert_eq!(ask("/a/"), a);
    }
    assert!(![&a, &one, &other].contains(&&old), "{old}");
    assert_ne!(server.get("/plain/").status, 200, "what is encrypted is not used as it is");
    assert_eq!(ask("/a/"), a);
}
