//! Clients' issuers are asked before a client is let in; Debian's nginx says the same of each.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Answer, Server, Start, Twin, comes, curl, proc, process, wait_for};

use crate::authority::Authority;

const SITE: &str = "worker_processes 2; events {} http { access_log off;
    server { listen 127.0.0.1:{port} ssl; server_name a.example;
        ssl_certificate DIRserver.pem; ssl_certificate_key DIRserver.key;
        ssl_verify_client on; ssl_verify_depth 2; ssl_client_certificate DIRca.pem; LINES
        error_page 495 496 /verdict;
        location / { return 200 \"in $ssl_client_verify\"; }
        location /verdict { return 200 $ssl_client_verify; } } }";

fn site(lines: &str, dir: &str) -> String {
    SITE.replace("LINES", lines).replace("DIR", dir)
}

/// A server that asks, a good client, one that is revoked, and one that its issuer does not know.
fn start(lines: &str) -> (Server, Authority) {
    start_as(site(lines, ""))
}

fn start_as(conf: String) -> (Server, Authority) {
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(conf);
    let mut authority = Authority::new(start.dir());
    for (name, number) in [("good", "11"), ("revoked", "12"), ("unknown", "13")] {
        authority.signs(name, number, "extendedKeyUsage=clientAuth");
    }
    authority.says(
        "V\t351231235959Z\t\t11\tunknown\t/CN=good\nR\t351231235959Z\t250101000000Z\t12\tunknown\t/CN=revoked\n",
    );
    (start.start(), authority)
}

/// What a client is told at a port.
fn said(server: &Server, port: u16, name: &str, more: &[&str]) -> Answer {
    let (certificate, key) =
        (server.path(&format!("{name}.pem")), server.path(&format!("{name}.key")));
    let path = |path: &std::path::Path| path.display().to_string();
    let (certificate, key) = (path(&certificate), path(&key));
    let url = format!("https://127.0.0.1:{port}/");
    curl(&[&["--cert", &certificate, "--key", &key], more, &[&url]].concat())
}

fn words(server: &Server, port: u16, name: &str) -> String {
    said(server, port, name, &[]).text()
}

#[test]
fn whom_issuers_do_not_stand_by_is_not_let_in() {
    let (server, mut authority) = start("ssl_ocsp on;");
    let absolute = server.path("").display().to_string() + "/";
    let twin = Twin::start(site("ssl_ocsp on;", &absolute), &server);
    authority.answers();
    let revoked = "FAILED:certificate revoked";
    let unknown = "FAILED:certificate status unknown";
    for (name, wanted) in [("good", "in SUCCESS"), ("revoked", revoked), ("unknown", unknown)] {
        assert_eq!(
            words(&server, twin.port(), name),
            wanted,
            "nginx, {name}: {}",
            twin.error_log()
        );
        for more in [&["--tls-max", "1.2"][..], &["--tlsv1.3"], &["--http2"]] {
            assert_eq!(said(&server, server.port(), name, more).text(), wanted, "{name} {more:?}");
        }
    }
    let log = server.error_log();
    for why in ["certificate revoked", "certificate status unknown"] {
        assert!(log.contains(&format!("client SSL certificate verify error: {why}")), "{log}");
    }
    authority.ends();
    let failed = "FAILED:certificate status request failed";
    assert_eq!(words(&server, twin.port(), "good"), failed, "nginx");
    assert_eq!(words(&server, server.port(), "good"), failed);
    assert!(server.error_log().contains("while requesting certificate status"));
}

/// An answer that somebody else has signed is none.
#[test]
fn who_answers_in_the_name_of_the_issuer_is_not_believed() {
    let (server, mut authority) = start("ssl_ocsp on;");
    authority.answers_as("unknown");
    let failed = "FAILED:certificate status request failed";
    assert_eq!(words(&server, server.port(), "good"), failed);
    assert!(server.error_log().contains("not signed by the issuer or its responder"));
}

/// What was said is kept as long as it holds: by all workers, over a reload, and when the responder is gone.
#[test]
fn what_issuers_have_said_is_kept() {
    let (server, mut authority) = start("ssl_ocsp on; ssl_ocsp_cache shared:ocsp:1m;");
    authority.answers();
    let both = || {
        for (name, wanted) in [("good", "in SUCCESS"), ("revoked", "FAILED:certificate revoked")] {
            for _ in 0..6 {
                assert_eq!(words(&server, server.port(), name), wanted);
            }
        }
    };
    both();
    authority.ends();
    both();
    let before = server.workers();
    server.signal("HUP");
    let is_new = |pid: &u32| !before.contains(pid);
    wait_for("new workers", || server.workers().len() == 2 && server.workers().iter().all(is_new));
    both();
    for pid in server.workers() {
        process::kill(&[pid]);
    }
    wait_for("new workers", || server.workers().len() == 2);
    assert!(comes(|| said(&server, server.port(), "good", &[]).status == 200));
    both();
}

/// `leaf` asks about the client's own certificate alone; `ssl_ocsp_responder` names whom to ask.
#[test]
fn those_between_are_asked_about_too() {
    for (lines, wanted) in
        [("ssl_ocsp on;", "FAILED:certificate revoked"), ("ssl_ocsp leaf;", "in SUCCESS")]
    {
        let (server, mut authority) = start(lines);
        let mut between = authority.between("between", "21");
        between.signs("far", "31", "extendedKeyUsage=clientAuth");
        let dir = server.dir();
        dir.file("far.pem", dir.text("far.pem") + &dir.text("between.pem"));
        authority.says("R\t351231235959Z\t250101000000Z\t21\tunknown\t/CN=between\n");
        between.says("V\t351231235959Z\t\t31\tunknown\t/CN=far\n");
        authority.answers();
        between.answers();
        let absolute = dir.path("").display().to_string() + "/";
        let twin = Twin::start(site(lines, &absolute), &server);
        assert_eq!(words(&server, twin.port(), "far"), wanted, "nginx, {lines}");
        assert_eq!(words(&server, server.port(), "far"), wanted, "{lines}");
    }
}

/// A responder that says nothing costs its client its time, and nobody else anything.
#[test]
fn who_waits_for_an_issuer_keeps_nothing_from_others() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let responder = format!("http://{}", silent.local_addr().expect("an address"));
    let conf = site(&format!("ssl_ocsp on; ssl_ocsp_responder {responder};"), "");
    let conf = conf.replace("worker_processes 2", "worker_processes 1");
    let conf = conf.replace("access_log off;", "access_log off; client_header_timeout 1500ms;");
    let (server, _authority) = start_as(conf);
    let url = format!("https://127.0.0.1:{}/", server.port());
    let nobody = || Command::new("curl").args(["-sk", &url]).output().expect("curl").stdout;
    assert_eq!(nobody(), b"NONE");
    let worker = server.workers()[0];
    let spent = proc::cpu_ms(worker);
    let known = || {
        let mut curl = Command::new("curl");
        curl.args(["-sk", "--cert", "good.pem", "--key", "good.key", "-o", "/dev/null", &url]);
        curl.current_dir(server.path("")).spawn().expect("curl")
    };
    let waits: Vec<_> = (0..5).map(|_| known()).collect();
    let asked: Vec<_> = (0..5).map(|_| silent.accept().expect("a question")).collect();
    assert!(proc::connections(worker) >= 10, "those of clients, and those to the responder");
    assert_eq!(nobody(), b"NONE", "it is told so meanwhile");
    for mut wait in waits {
        assert!(!wait.wait().expect("curl").success(), "it is not let in");
    }
    wait_for("all connections to be closed", || proc::connections(worker) == 0);
    let said = "client timed out (110: Connection timed out) while SSL handshaking";
    assert!(server.error_log().contains(said), "{}", server.error_log());
    assert!(proc::cpu_ms(worker) - spent < 1000, "who waits does not run");
    drop(asked);
}

/// Who leaves meanwhile without having asked for anything is forgotten at once, and the question with it.
#[test]
fn who_leaves_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let responder = format!("http://{}", silent.local_addr().expect("an address"));
    let conf = site(&format!("ssl_ocsp on; ssl_ocsp_responder {responder};"), "");
    let (server, _authority) = start_as(conf.replace("worker_processes 2", "worker_processes 1"));
    let worker = server.workers()[0];
    for version in ["-tls1_2", "-tls1_3"] {
        let mut client = Command::new("openssl");
        client.args(["s_client", "-cert", "good.pem", "-key", "good.key", version, "-connect"]);
        client.arg(format!("127.0.0.1:{}", server.port())).current_dir(server.path(""));
        let client = client.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut client = client.spawn().expect("openssl");
        let asked = silent.accept().expect("a question");
        client.kill().expect("killed");
        client.wait().expect("ended");
        wait_for("its connections to be closed", || proc::connections(worker) == 0);
        drop(asked);
    }
}

/// An issuer that takes its time is waited for by a worker that is told to go, too.
#[test]
fn a_reload_waits_for_a_slow_issuer() {
    let slow = TcpListener::bind("127.0.0.1:0").expect("a port");
    let responder = format!("http://{}", slow.local_addr().expect("an address"));
    let (server, mut authority) = start(&format!("ssl_ocsp on; ssl_ocsp_responder {responder};"));
    authority.answers();
    let url = format!("https://127.0.0.1:{}/", server.port());
    let mut client = Command::new("curl");
    client.args(["-sk", "--cert", "good.pem", "--key", "good.key", &url]);
    let client = client.current_dir(server.path("")).stdout(Stdio::piped()).spawn().expect("curl");
    let (mut asked, _) = slow.accept().expect("a question");
    let before = server.workers();
    server.signal("HUP");
    let is_new = |pid: &u32| !before.contains(pid);
    wait_for("new workers", || server.workers().iter().filter(|pid| is_new(pid)).count() == 2);
    // It takes longer than a worker waits for clients that say nothing.
    std::thread::sleep(Duration::from_secs(6));
    let mut question = vec![0; 4096];
    let mut count = asked.read(&mut question).expect("a question");
    while !question[..count].windows(4).any(|end| end == b"\r\n\r\n") {
        match asked.read(&mut question[count..]).expect("more of it") {
            0 => break,
            more => count += more,
        }
    }
    let mut issuer = TcpStream::connect(("127.0.0.1", authority.port)).expect("the responder");
    issuer.write_all(&question[..count]).expect("sent");
    let mut answer = Vec::new();
    issuer.read_to_end(&mut answer).expect("an answer");
    asked.write_all(&answer).expect("passed on");
    drop(asked);
    let output = client.wait_with_output().expect("curl");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "in SUCCESS", "{}", server.error_log());
}

#[test]
fn rtmp_asks_too() {
    let conf = "rtmp { server { listen 127.0.0.1:{port} ssl;
        ssl_certificate server.pem; ssl_certificate_key server.key;
        ssl_verify_client on; ssl_client_certificate ca.pem; ssl_ocsp on; application live { live on; } } }";
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(conf);
    let mut authority = Authority::new(start.dir());
    authority.signs("good", "11", "extendedKeyUsage=clientAuth");
    authority.signs("revoked", "12", "extendedKeyUsage=clientAuth");
    authority.says("V\t351231235959Z\t\t11\tunknown\t/CN=good\nR\t351231235959Z\t250101000000Z\t12\tunknown\t/CN=revoked\n");
    authority.answers();
    let server = start.start();
    // The handshake, and `connect` to the application, in one chunk.
    let amf = b"\x02\x00\x07connect\x00\x3f\xf0\x00\x00\x00\x00\x00\x00\x03\x00\x03app\x02\x00\x04live\x00\x00\x09";
    let connect = [&[3, 0, 0, 0, 0, 0, amf.len() as u8, 20, 0, 0, 0, 0][..], amf].concat();
    server.file("said", [&[3][..], &[0; 2 * 1536], &connect].concat());
    let is_in = |name: &str| {
        let script = format!(
            "(cat said; sleep 2) | timeout 2 openssl s_client -quiet -connect 127.0.0.1:{} -cert {name}.pem -key {name}.key 2>/dev/null",
            server.port()
        );
        let output = Command::new("sh").args(["-c", &script]).current_dir(server.path("")).output();
        let said = output.expect("sh").stdout;
        String::from_utf8_lossy(&said).contains("NetConnection.Connect.Success")
    };
    assert!(is_in("good"));
    assert!(!is_in("revoked"));
    assert!(
        server.error_log().contains("client SSL certificate verify error: certificate revoked")
    );
}

/// Their content is sent behind the issuer's answer: a client that comes in has waited for it.
#[test]
fn streams_ask_too() {
    let conf = "stream { server { listen 127.0.0.1:{port} ssl; return \"in $ssl_client_verify\";
        ssl_certificate server.pem; ssl_certificate_key server.key;
        ssl_verify_client on; ssl_client_certificate ca.pem; ssl_ocsp on; } }";
    let (server, mut authority) = start_as(conf.to_owned());
    // `-quiet` waits for the server's end, not for that of what is to be said.
    let told = |name: &str, version: &str| {
        let script = format!(
            "timeout 20 openssl s_client -quiet {version} -connect 127.0.0.1:{} -cert {name}.pem -key {name}.key 2>/dev/null </dev/null",
            server.port()
        );
        let output = Command::new("sh").args(["-c", &script]).current_dir(server.path("")).output();
        String::from_utf8_lossy(&output.expect("sh").stdout).into_owned()
    };
    authority.answers();
    for version in ["-tls1_2", "-tls1_3"] {
        assert_eq!(told("good", version), "in SUCCESS");
        assert_eq!(told("revoked", version), "");
        assert_eq!(told("unknown", version), "");
    }
    authority.ends();
    assert_eq!(told("good", "-tls1_3"), "");
    let log = server.error_log();
    for why in ["certificate revoked", "certificate status unknown"] {
        assert!(log.contains(&format!("client SSL certificate verify error: {why}")), "{log}");
    }
}

/// nginx' words.
#[test]
fn what_cannot_be_done_is_refused() {
    let refused = |lines: &str| {
        let start = Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(site(lines, ""));
        let _authority = Authority::new(start.dir());
        start.fail().1
    };
    for (lines, words) in [
        (
            "ssl_ocsp on; ssl_ocsp_responder https://a.example/;",
            "invalid URL prefix in OCSP responder \"https://a.example/\" in \"ssl_ocsp_responder\"",
        ),
        ("ssl_ocsp on; ssl_ocsp_cache shared:x;", "invalid OCSP cache \"shared:x\""),
        ("ssl_ocsp on; ssl_ocsp_cache shared:x:1k;", "OCSP cache \"shared:x:1k\" is too small"),
        ("ssl_ocsp maybe;", "invalid value \"maybe\""),
        (
            "ssl_ocsp on; ssl_session_cache shared:x:1m; ssl_ocsp_cache shared:x:1m;",
            "the shared memory zone \"x\" is already declared for a different use",
        ),
    ] {
        let said = refused(lines);
        assert!(said.contains(words), "{lines}\n{said}");
    }
    let optional = SITE.replace("ssl_verify_client on", "ssl_verify_client optional_no_ca");
    let optional = optional.replace("LINES", "ssl_ocsp on;");
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(optional.replace("DIR", ""));
    let _authority = Authority::new(start.dir());
    let said = start.fail().1;
    let words = "\"ssl_ocsp\" is incompatible with \"ssl_verify_client optional_no_ca\"";
    assert!(said.contains(words), "{said}");
}

/// It is looked up, and all its addresses are tried.
#[test]
fn a_responder_may_have_a_name() {
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).plain();
    let mut authority = Authority::new(start.dir());
    authority.signs("good", "11", "extendedKeyUsage=clientAuth");
    authority.says("V\t351231235959Z\t\t11\tunknown\t/CN=good\n");
    authority.answers();
    let named = format!("ssl_ocsp on; ssl_ocsp_responder http://localhost:{}/;", authority.port);
    let conf = site(&named, "");
    let server = start.conf(conf).start();
    for _ in 0..3 {
        assert_eq!(words(&server, server.port(), "good"), "in SUCCESS");
    }
}
