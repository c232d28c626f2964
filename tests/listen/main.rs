//! `listen`: addresses. What its options do is in `options.rs`.

mod options;
mod proxy_protocol;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use support::{Server, Start, curl, http, is_listening, start};

const BINARY: &str = env!("CARGO_BIN_EXE_rserve");

fn get(url: &str) -> String {
    curl(&[url]).text()
}

/// A port's URL on an address of this machine.
fn at(server: &Server, address: &str) -> String {
    format!("http://{address}:{}/", server.port())
}

/// Whether this machine has the address `::1`.
fn has_ipv6() -> bool {
    std::net::TcpListener::bind("[::1]:0").is_ok()
}

/// Starts a server for IPv6. On a machine without it this fails, and says so.
fn start_ipv6(listen: &str) -> Option<Server> {
    let text = http(&format!("server {{ {listen} return 200 $server_addr; }}"));
    if has_ipv6() {
        return Some(start!(text));
    }
    let (code, said) = Start::new(BINARY).conf(text).fail();
    assert_eq!(code, 1);
    assert!(
        said.contains("failed (97: Address family not supported by protocol)")
            || said.contains("failed (99: Cannot assign requested address)"),
        "{said}"
    );
    None
}

#[test]
fn a_port_alone_is_every_address_of_ipv4() {
    let server = start!(http("server { listen {port}; return 200 $server_addr:$server_port; }"));
    for address in ["127.0.0.1", "127.1.2.3"] {
        assert_eq!(get(&at(&server, address)), format!("{address}:{}", server.port()));
    }
}

#[test]
fn an_address_is_that_address() {
    let server = start!(http("server { listen 127.1.2.3:{port}; return 200 $server_addr; }"));
    assert_eq!(get(&at(&server, "127.1.2.3")), "127.1.2.3");
    assert_eq!(curl(&[&at(&server, "127.0.0.1")]).status, 0, "nobody listens there");
}

#[test]
fn ipv6() {
    let Some(server) = start_ipv6("listen [::1]:{port};") else { return };
    assert_eq!(get(&at(&server, "[::1]")), "::1");
    assert_eq!(curl(&[&at(&server, "127.0.0.1")]).status, 0, "nobody listens there");
}

#[test]
fn both_families_side_by_side() {
    let Some(server) = start_ipv6("listen {port}; listen [::]:{port};") else { return };
    assert_eq!(get(&at(&server, "[::1]")), "::1");
    assert_eq!(get(&at(&server, "127.0.0.1")), "127.0.0.1");
}

#[test]
fn both_families_on_one_socket() {
    let Some(server) = start_ipv6("listen [::]:{port} ipv6only=off;") else { return };
    assert_eq!(get(&at(&server, "[::1]")), "::1");
    assert_eq!(curl(&[&at(&server, "127.0.0.1")]).status, 200);
}

/// The server of the address that was asked is chosen, not that of the socket.
#[test]
fn an_address_goes_before_the_wildcard() {
    let server = start!(http(
        "server { listen *:{port}; return 200 wildcard; }
         server { listen 127.0.0.2:{port}; return 200 two; }
         server { listen 127.0.0.3:{port}; server_name three; return 200 three; }
         server { listen 127.0.0.3:{port} default_server; return 200 other; }",
    ));
    assert_eq!(get(&at(&server, "127.0.0.1")), "wildcard");
    assert_eq!(get(&at(&server, "127.0.0.2")), "two");
    let three = at(&server, "127.0.0.3");
    assert_eq!(get(&three), "other");
    assert_eq!(curl(&["-H", "Host: three", &three]).text(), "three");
    assert_eq!(curl(&["-H", "Host: three", &at(&server, "127.0.0.1")]).text(), "wildcard");
}

const UNIX: &str = "server { listen unix:{dir}/web.sock; return 200 socket; }
                    server { listen 127.0.0.1:{port}; return 200 port; }";

fn ask_socket(server: &Server) -> String {
    let path = server.path("web.sock").to_string_lossy().into_owned();
    curl(&["--unix-socket", &path, "http://localhost/"]).text()
}

#[test]
fn a_unix_socket() {
    let mut server = start!(http(UNIX));
    assert_eq!(ask_socket(&server), "socket");
    assert_eq!(server.get("/").text(), "port");
    let mode = server.path("web.sock").metadata().expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o666);
    assert_eq!(server.stop(), Some(0));
    assert!(!server.path("web.sock").exists(), "the socket is left");
}

#[test]
fn an_abandoned_unix_socket_is_taken_over() {
    let start = Start::new(BINARY).conf(http(UNIX));
    let server = {
        // A listener that is dropped leaves its file.
        let dir = support::Dir::new();
        let path = dir.path("web.sock");
        drop(UnixListener::bind(&path).expect("a socket"));
        assert!(path.exists());
        let text = http(UNIX).replace("{dir}/web.sock", &path.to_string_lossy());
        let server = start.conf(text).start();
        let path = path.to_string_lossy().into_owned();
        assert_eq!(curl(&["--unix-socket", &path, "http://localhost/"]).text(), "socket");
        server
    };
    assert_eq!(server.get("/").text(), "port");
}

#[test]
fn a_unix_socket_in_use_is_not() {
    let dir = support::Dir::new();
    let path = dir.path("web.sock");
    let _listener = UnixListener::bind(&path).expect("a socket");
    let text = http(UNIX).replace("{dir}/web.sock", &path.to_string_lossy());
    let (code, said) = Start::new(BINARY).conf(text).fail();
    assert_eq!(code, 1);
    let reason = format!("bind() to unix:{} failed (98: Address already in use)", path.display());
    assert!(said.contains(&reason), "{said}");
    assert!(std::os::unix::net::UnixStream::connect(&path).is_ok(), "it is still theirs");
}

#[test]
fn a_port_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    let text = http(&format!("server {{ listen {address}; return 200; }}"));
    let (code, said) = Start::new(BINARY).conf(text).fail();
    assert_eq!(code, 1);
    assert!(said.contains(&format!("bind() to {address} failed (98: Address already")), "{said}");
}

#[test]
fn several_ports_of_one_server() {
    let text =
        "server { listen 127.0.0.1:{port}; listen 127.0.0.1:{port2}; return 200 $server_port; }";
    let server = start!(http(text));
    for port in [server.port(), server.port2()] {
        assert!(is_listening(port));
        assert_eq!(get(&format!("http://127.0.0.1:{port}/")), port.to_string());
    }
}
