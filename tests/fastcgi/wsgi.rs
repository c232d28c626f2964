//! An application of Python through nginx and through this server, by uwsgi and by SCGI.

use std::io::{Read, Write};
use std::net::TcpListener;

use support::certificates::Authority;
use support::{Answer, Server, Start, Twin, bytes, http, start};

use crate::uwsgi::Uwsgi;

const BINARY: &str = env!("CARGO_BIN_EXE_rserve");

struct Both {
    _uwsgi: Uwsgi,
    ours: Server,
    theirs: Twin,
}

impl Both {
    /// By this protocol; `settings` have its name before them.
    fn start(protocol: &str, settings: &str) -> Both {
        let uwsgi = Uwsgi::start();
        let list = format!("{}/conf/{protocol}_params", env!("CARGO_MANIFEST_DIR"));
        let settings = settings.replace("P_", &format!("{protocol}_"));
        let conf = http(&format!(
            "server {{ listen 127.0.0.1:{{port}}; server_name localhost; client_max_body_size 64m; root {{dir}}/html;
            location / {{ include {list}; {protocol}_pass {}; {settings} }}
            location /inside/ {{ internal; alias {{dir}}/html/; }} }}",
            uwsgi.address(protocol)
        ));
        let ours = start!(&conf);
        ours.file("html/secret.txt", "for insiders");
        let theirs = Twin::start(&conf, &ours);
        Both { _uwsgi: uwsgi, ours, theirs }
    }

    fn compare(&self, args: &[&str], path: &str) -> Answer {
        let theirs = support::curl(&[args, &[&self.theirs.url(path)]].concat());
        let ours = self.ours.curl(args, path);
        let told = |answer: &Answer, port: u16, dir: &std::path::Path| {
            let own = ["Date", "Server", "Transfer-Encoding", "Content-Length", "Connection"];
            let fields = answer.headers.iter().filter(|(name, _)| !own.contains(&&name[..]));
            let mut fields: Vec<String> =
                fields.map(|(name, value)| format!("{name}: {value}")).collect();
            fields.sort();
            let text = answer.text();
            let all = format!("{} {fields:?}\n{text}", answer.status);
            if all.len() > 10_000 {
                return all;
            }
            all.replace(&port.to_string(), "PORT").replace(&dir.display().to_string(), "DIR")
        };
        let theirs = told(&theirs, self.theirs.port(), &self.theirs.dir().path(""));
        let told_ours = told(&ours, self.ours.port(), &self.ours.path(""));
        assert_eq!(told_ours, theirs, "{args:?} {path}\n(ours is the first)");
        ours
    }
}

const PROTOCOLS: [&str; 2] = ["uwsgi", "scgi"];

#[test]
fn what_is_seen_and_what_comes_back() {
    for protocol in PROTOCOLS {
        let both = Both::start(protocol, "");
        for path in [
            "/",
            "/a/b%20c?d=e&f",
            "/told",
            "/long",
            "/to",
            "/elsewhere",
            "/status?404+Nothing+Here",
            "/status?500+Own",
            "/status?304+Same",
        ] {
            both.compare(&[], path);
            both.compare(
                &["-H", "Cookie: a=b; c=d", "-H", "X-Words: a, b", "-H", "User-Agent: x"],
                path,
            );
            both.compare(&["--head"], path);
        }
        both.compare(&["-X", "DELETE", "-H", "Authorization: x"], "/");
    }
}

#[test]
fn bodies() {
    for protocol in PROTOCOLS {
        for settings in ["", "P_request_buffering off; P_buffering off;"] {
            let both = Both::start(protocol, settings);
            let big = both.ours.file("big", bytes(3 << 20));
            let big = format!("@{}", big.display());
            for args in [
                &["-d", "a=b"][..],
                &["-d", ""],
                &["--data-binary", &big, "-H", "Content-Type: x/y"],
            ] {
                // nginx tells SCGI the length of what has come by then.
                match (protocol, settings) {
                    ("uwsgi", _) | (_, "") => both.compare(args, "/body"),
                    _ => both.ours.curl(args, "/body"),
                };
            }
            // Of one in chunks uWSGI hears the length, too, once it is known.
            let chunked = ["-H", "Transfer-Encoding: chunked", "--data-binary", &big];
            for args in [&chunked[..], &chunked[2..]] {
                let text = both.ours.curl(args, "/body").text();
                assert!(text.starts_with("3145728 "), "{protocol} {settings}: {text}");
            }
        }
    }
}

#[test]
fn one_that_dies() {
    for protocol in PROTOCOLS {
        let both = Both::start(protocol, "");
        assert_eq!(both.ours.get("/die").status, 502);
        let words =
            "upstream prematurely closed connection while reading response header from upstream";
        both.ours.wait_for("the words", || both.ours.error_log().contains(words));
        both.ours.wait_for("another one", || both.ours.get("/").status == 200);
    }
}

/// A peer that keeps what it is sent, and answers with this.
fn peer(answer: &'static str) -> (u16, std::sync::mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut piece = [0; 4096];
            let count = stream.read(&mut piece).unwrap_or(0);
            if sender.send(piece[..count].to_vec()).is_err() {
                return;
            }
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (port, receiver)
}

#[test]
fn what_is_on_the_wire() {
    let (port, sent) = peer("HTTP/2.0 202 Taken\r\nX: y\r\n\r\nall");
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; location / {{ uwsgi_pass uwsgi://127.0.0.1:{port}; uwsgi_modifier1 5; uwsgi_modifier2 9;
            uwsgi_string =end; uwsgi_param A $uri; uwsgi_param N $arg_n if_not_empty; uwsgi_pass_request_headers off; }}
          location /scgi {{ scgi_pass 127.0.0.1:{port}; scgi_param A $uri; scgi_param SCGI 1; scgi_pass_request_headers off; }} }}"
    )));
    let answer = server.curl(&["-d", "a body"], "/x");
    assert_eq!((answer.status, &answer.text()[..]), (202, "all"));
    assert_eq!(sent.recv().expect("a request"), b"\x05\x0b\0\x09\x01\0A\x02\0/x=enda body");
    server.curl(&["-d", "a body"], "/scgi");
    let expected = b"32:CONTENT_LENGTH\x006\0SCGI\x001\0A\0/scgi\0,a body";
    assert_eq!(
        String::from_utf8_lossy(&sent.recv().expect("a request")),
        String::from_utf8_lossy(expected)
    );
}

/// What uWSGI does for WebSockets: both sides hear each other from then on.
#[test]
fn an_upgrade() {
    let (port, sent) =
        peer("HTTP/1.1 101 Web Socket\r\nUpgrade: words\r\nConnection: Upgrade\r\n\r\nfirst");
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; location / {{ uwsgi_pass 127.0.0.1:{port}; }} location /scgi {{ scgi_pass 127.0.0.1:{port}; }} }}"
    )));
    for path in ["/", "/scgi"] {
        let mut wire = server.wire();
        wire.send(format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: words\r\nConnection: Upgrade\r\n\r\n"
        ));
        let head = wire.until("\r\n\r\n");
        assert!(
            head.starts_with("HTTP/1.1 101 ") && head.contains("Upgrade: words"),
            "{path}: {head}"
        );
        assert_eq!(wire.exactly(5), b"first");
        let request = sent.recv().expect("a request");
        assert!(request.windows(12).any(|part| part == b"HTTP_UPGRADE"), "{path}");
    }
    // Who has not asked gets none.
    assert_eq!(server.get("/").status, 502);
}

#[test]
fn half_a_body_is_not_the_whole() {
    let (port, _sent) = peer("Status: 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; location / {{ scgi_pass 127.0.0.1:{port}; }} location /u {{ uwsgi_pass 127.0.0.1:{port}; }} }}"
    )));
    for path in ["/", "/u"] {
        let answer = server.get(path);
        assert!(!answer.complete && answer.text() == "half", "{path}: {}", answer.text());
    }
}

#[test]
fn encrypted_peers() {
    let authority = Authority::new("peers");
    let leaf = authority.server(&["app.example"]);
    let config = rustls_server(&leaf.chain, &leaf.key);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(connection) = rustls::ServerConnection::new(config.clone()) else { return };
            let mut stream = rustls::StreamOwned::new(connection, stream);
            let mut piece = [0; 4096];
            let Ok(count) = stream.read(&mut piece) else { continue };
            let name = stream.conn.server_name().unwrap_or("none").to_owned();
            let told = format!("HTTP/1.1 200 OK\r\n\r\n{name} {}", count > 4);
            let _ = stream.write_all(told.as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    let server = Start::new(BINARY)
        .file("peers.pem", &authority.certificate)
        .conf(http(&format!(
            "uwsgi_ssl_trusted_certificate {{dir}}/peers.pem; uwsgi_ssl_verify on; uwsgi_ssl_server_name on;
            upstream app.example {{ server 127.0.0.1:{port}; }} upstream other.example {{ server 127.0.0.1:{port}; }}
            server {{ listen 127.0.0.1:{{port}};
              location / {{ uwsgi_pass suwsgi://app.example; }}
              location /other {{ uwsgi_pass suwsgi://other.example; }}
              location /named {{ uwsgi_pass suwsgi://other.example; uwsgi_ssl_name app.example; }}
              location /variable {{ set $to suwsgi://app.example; uwsgi_pass $to; }}
              location /plain {{ uwsgi_pass app.example; uwsgi_read_timeout 300ms; }} }}"
        )))
        .start();
    for path in ["/", "/named", "/variable"] {
        assert_eq!(server.get(path).text(), "app.example true", "{path}: {}", server.error_log());
    }
    assert_eq!(server.get("/other").status, 502);
    assert!(server.error_log().contains("suwsgi://127.0.0.1:"), "{}", server.error_log());
    assert!(server.get("/plain").status >= 502);
}

fn rustls_server(chain: &str, key: &str) -> std::sync::Arc<rustls::ServerConfig> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("certificates");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let builder = rustls::ServerConfig::builder_with_provider(support::transport::provider());
    let builder = builder.with_safe_default_protocol_versions().expect("versions");
    let config = builder.with_no_client_auth().with_single_cert(chain, key);
    std::sync::Arc::new(config.expect("a configuration"))
}

#[test]
fn mistakes() {
    for (body, words) in [
        ("uwsgi_pass 127.0.0.1;", "no port in upstream \"127.0.0.1\""),
        ("scgi_pass 127.0.0.1;", "no port in upstream \"127.0.0.1\""),
        ("uwsgi_modifier1 256;", "value must be between 0 and 255"),
        ("uwsgi_modifier2 x;", "invalid number"),
        ("uwsgi_param A;", "invalid number of arguments in \"uwsgi_param\" directive"),
        ("scgi_next_upstream http_504;", "invalid value \"http_504\""),
        (
            "uwsgi_pass suwsgi://127.0.0.1:1; uwsgi_ssl_verify on; uwsgi_ssl_trusted_certificate none.pem;",
            "none.pem",
        ),
    ] {
        let conf =
            http(&format!("server {{ listen 127.0.0.1:{{port}}; location / {{ {body} }} }}"));
        let (_, said) = Start::new(BINARY).conf(&conf).fail();
        assert!(said.contains(words), "{body}: {said}");
    }
}
