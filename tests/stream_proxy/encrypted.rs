//! Encryption on either side: from clients, and to peers that nginx and OpenSSL are.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use support::certificates::Authority;
use support::{Server, Start, Wire, wait_for};

use crate::peer::{Peer, nobody};

fn started(stream: &str, authority: &Authority) -> Server {
    let leaf = authority.server(&["localhost", "a.example"]);
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(stream);
    let start = start.file("authority.pem", &authority.certificate);
    let start = start.file("server.pem", &leaf.chain);
    let key = start.dir().file("server.key", &leaf.key);
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    start.start()
}

/// `openssl s_server`, which says each line backwards.
struct OpenSsl(Child, u16);

impl OpenSsl {
    fn start(server: &Server) -> OpenSsl {
        let port = nobody();
        let mut command = Command::new("openssl");
        command.args(["s_server", "-rev", "-accept", &format!("127.0.0.1:{port}")]);
        command.arg("-cert").arg(server.dir().path("server.pem"));
        command.arg("-key").arg(server.dir().path("server.key"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("openssl");
        wait_for("openssl", || support::is_listening(port));
        OpenSsl(child, port)
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn peers_are_encrypted() {
    let authority = Authority::new("tests");
    // Its files are OpenSSL's, too.
    let files = started("stream { server { listen 127.0.0.1:{port}; return x; } }", &authority);
    let openssl = OpenSsl::start(&files);
    let conf = format!(
        "stream {{ proxy_ssl on; proxy_ssl_server_name on; proxy_ssl_verify on; proxy_ssl_trusted_certificate authority.pem;
        server {{ listen 127.0.0.1:{{port}}; proxy_ssl_name a.example; proxy_pass 127.0.0.1:{0}; }}
        server {{ listen 127.0.0.1:{{port2}}; proxy_ssl_name other.example; proxy_pass 127.0.0.1:{0}; }} }}",
        openssl.1
    );
    let server = started(&conf, &authority);
    for _ in 0..3 {
        let mut wire = server.wire();
        wire.send("abc\n");
        assert_eq!(wire.until("\n"), "cba\n");
    }
    assert!(Wire::open(server.port2()).closes());
    let log = server.error_log();
    assert!(log.contains("while SSL handshaking to upstream, client: 127.0.0.1"), "{log}");
}

/// Clients are encrypted, and peers are not: what openssl's client says arrives as it is.
#[test]
fn clients_are_encrypted() {
    // It ends after a line: the client does not, whose input ends at once.
    let peer = Peer::start(|stream| {
        let mut line = String::new();
        let _ = BufReader::new(&mut *stream).read_line(&mut line);
        let _ = stream.write_all(line.as_bytes());
    });
    let conf = format!(
        "stream {{ ssl_certificate server.pem; ssl_certificate_key server.key;
        server {{ listen 127.0.0.1:{{port}} ssl; proxy_pass 127.0.0.1:{}; }} }}",
        peer.port
    );
    let server = started(&conf, &Authority::new("tests"));
    let script = format!(
        "echo hello | openssl s_client -quiet -connect 127.0.0.1:{} 2>/dev/null",
        server.port()
    );
    let output = support::process::run(Command::new("sh").args(["-c", &script]));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "hello\n");
}

/// The peer is told who the client is before the handshake begins.
#[test]
fn a_proxys_header_goes_before_the_handshake() {
    let authority = Authority::new("tests");
    let behind = started(
        "stream { server { listen 127.0.0.1:{port} ssl proxy_protocol; ssl_certificate server.pem; ssl_certificate_key server.key;
        return \"$proxy_protocol_addr $ssl_protocol\"; } }",
        &authority,
    );
    for version in ["on", "v2"] {
        let conf = format!(
            "stream {{ server {{ listen 127.0.0.1:{{port}}; proxy_protocol {version}; proxy_ssl on; proxy_pass 127.0.0.1:{}; }} }}",
            behind.port()
        );
        let server = started(&conf, &authority);
        assert_eq!(server.wire().rest(), b"127.0.0.1 TLSv1.3");
    }
}
