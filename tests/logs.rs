//! Where lines of logs go: compressed files, files that requests name, servers of syslog.

use std::io::Read;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{PATIENCE, http, process, start};

fn received(mut datagram: impl FnMut(&mut [u8]) -> usize) -> String {
    let mut buffer = [0; 4096];
    let count = datagram(&mut buffer);
    String::from_utf8_lossy(&buffer[..count]).into_owned()
}

#[test]
fn lines_go_to_syslog() {
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    udp.set_read_timeout(Some(PATIENCE)).expect("set");
    let at = udp.local_addr().expect("an address");
    let server = start!(http(&format!(
        r#"log_format short escape=json "$uri $arg_x";
        server {{ listen 127.0.0.1:{{port}};
            access_log syslog:server={at},facility=local1,severity=notice,tag=web,nohostname short if=$arg_x;
            error_log syslog:server={at},tag=errors,nohostname;
            location / {{ return 200 ok; }} location /file {{ root html; }} }}"#
    )));
    server.get("/a");
    server.get("/b?x=%0a%22y");
    let line = received(|buffer| udp.recv(buffer).expect("a datagram"));
    let (head, text) = line.split_once("web: ").expect("a tag");
    assert!(head.starts_with("<141>"), "{line}");
    assert_eq!(text, "/b %0a%22y");
    server.get("/file/none");
    let line = received(|buffer| udp.recv(buffer).expect("a datagram"));
    assert!(line.starts_with("<187>") && line.contains(" errors: "), "{line}");
    assert!(
        line.contains("[error]") && line.contains("No such file") && !line.contains('\n'),
        "{line}"
    );
}

#[test]
fn syslog_that_is_down_stops_nobody_and_is_told() {
    let server = start!(http(
        r#"server { listen 127.0.0.1:{port}; access_log syslog:server=unix:{dir}/log.sock; location / { return 200 ok; } }"#
    ));
    for _ in 0..3 {
        assert_eq!(server.get("/a").status, 200);
    }
    server.wait_for("an alert", || server.error_log().contains("lines are lost"));
    assert_eq!(server.error_log().matches("lines are lost").count(), 1);
    // A line is written behind its answer.
    process::come_to_rest("rserve", Duration::ZERO);
    // It comes back, at the same place.
    let socket = UnixDatagram::bind(server.path("log.sock")).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    let everybody = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(server.path("log.sock"), everybody).expect("set");
    assert_eq!(server.get("/back").status, 200);
    let line = received(|buffer| socket.recv(buffer).expect("a datagram"));
    assert!(
        line.starts_with("<190>") && line.contains("rserve: ") && line.contains("GET /back"),
        "{line}"
    );
    // Nobody reads: it is full after a while.
    let mut wire = server.wire();
    for _ in 0..500 {
        wire.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(wire.answer().status, 200);
    }
}

#[test]
fn a_compressed_log_is_read_by_gzip() {
    let mut server = start!(http(
        r#"server { listen 127.0.0.1:{port}; access_log logs/access.gz combined gzip=9 flush=10ms; location / { return 200 ok; } }"#
    ));
    server.get("/first");
    server.wait_for("a member", || {
        std::fs::metadata(server.path("logs/access.gz")).is_ok_and(|m| m.len() > 0)
    });
    server.get("/second");
    server.stop();
    let mut unzip = Command::new("gzip")
        .arg("-dc")
        .arg(server.path("logs/access.gz"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("gzip");
    let mut text = String::new();
    unzip.stdout.take().expect("a pipe").read_to_string(&mut text).expect("text");
    assert!(unzip.wait().expect("wait").success());
    assert!(text.contains("GET /first") && text.contains("GET /second"), "{text}");
    assert_eq!(text.lines().count(), 2);
}

#[test]
fn requests_name_their_files_but_no_others() {
    for cache in ["", "open_log_file_cache max=2 inactive=10s valid=1ms min_uses=1;"] {
        let server = start!(http(&format!(
            r#"{cache} server {{ listen 127.0.0.1:{{port}}; root html; access_log logs/by-$arg_x.log combined;
                location / {{ return 200 ok; }}
                location /nowhere {{ root nowhere; return 200 ok; }} }}"#
        )));
        // A worker makes these files, and it is nobody.
        let everybody = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(server.path("logs"), everybody).expect("set");
        for x in ["a", "b", "c", "a", "d", "a"] {
            assert_eq!(server.get(&format!("/?x={x}")).status, 200);
        }
        let lines = |name: &str| server.dir().text(&format!("logs/by-{name}.log")).lines().count();
        server.wait_for("three lines", || lines("a") == 3);
        assert_eq!((lines("b"), lines("c"), lines("d")), (1, 1, 1));
        // Rotated: the name is what counts.
        std::fs::rename(server.path("logs/by-a.log"), server.path("logs/old")).expect("renamed");
        server.signal("USR1");
        server.wait_for("a new file", || {
            server.get("/?x=a");
            server.path("logs/by-a.log").exists()
        });
        for (path, file) in [
            ("/?x=../../../evil", "evil.log"),
            ("/?x=x/../../evil", "evil.log"),
            ("/nowhere?x=n", "logs/by-n.log"),
        ] {
            assert_eq!(server.get(path).status, 200);
            assert!(!server.path(file).exists(), "{path}");
        }
        let log = server.error_log();
        assert!(log.contains("leads out of the directory") && log.contains("not logged"), "{log}");
        // What cannot be opened is told, and stops nobody.
        assert_eq!(server.get("/?x=no/such/place/at/all").status, 200);
        server.wait_for("a line", || server.error_log().contains("[crit]"));
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (line, why) in [
        (
            "access_log syslog:server=127.0.0.1 combined buffer=4k;",
            "logs to syslog cannot be buffered",
        ),
        ("access_log logs/$host.log combined gzip;", "buffered logs cannot have variables in name"),
        ("access_log syslog:facility=user;", "no syslog server specified"),
        ("access_log syslog:server=127.0.0.1,x;", "unknown syslog parameter \"x\""),
        ("access_log logs/a combined gzip=10;", "invalid compression level \"gzip=10\""),
        ("access_log logs/a combined buffer=x;", "invalid buffer size \"buffer=x\""),
        ("access_log logs/a combined flush=0;", "invalid flush time \"flush=0\""),
        ("error_log memory:0;", "invalid buffer size"),
        ("error_log syslog:server=;", "host not found in syslog server"),
        ("open_log_file_cache inactive=1s;", "\"open_log_file_cache\" must have \"max\" parameter"),
    ] {
        let conf = http(&format!("server {{ listen 127.0.0.1:{{port}}; {line} }}"));
        let (status, said) = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail();
        assert!(status != 0 && said.contains(why), "{line}: {said}");
    }
}

#[test]
fn a_log_in_memory_writes_nothing() {
    let server =
        start!(http("server { listen 127.0.0.1:{port}; error_log memory:4k debug; root html; }"));
    assert_eq!(server.get("/none").status, 404);
    assert!(!server.error_log().contains("/none"), "{}", server.error_log());
}

#[test]
fn a_name_from_a_request_makes_no_directory_and_waits_for_no_reader() {
    let server = start!(http(
        r#"server { listen 127.0.0.1:{port}; root html; access_log logs/$host/a.log combined; location / { return 200 ok; }
            location /named { access_log logs/$arg_f combined; return 200 ok; } }"#
    ));
    let everybody = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(server.path("logs"), everybody.clone()).expect("set");
    server.curl(&["-H", "Host: invented.example"], "/");
    server.wait_for("a line", || {
        server.error_log().contains("[crit] ") || server.error_log().contains("open() \"")
    });
    assert!(!server.path("logs/invented.example").exists());
    let fifo = server.path("logs/fifo");
    assert!(process::run(Command::new("mkfifo").arg(&fifo)).status.success());
    std::fs::set_permissions(&fifo, everybody).expect("set");
    // With a reader that stands still.
    let _reader = std::fs::OpenOptions::new().read(true).write(true).open(&fifo).expect("open");
    for _ in 0..2000 {
        assert_eq!(server.get("/named?f=fifo").status, 200);
        if server.error_log().contains("no regular file") {
            break;
        }
    }
    assert!(server.error_log().contains("no regular file"), "{}", server.error_log());
}
