//! Many clients: deaths under load, nothing left behind, more connections than fit.

use std::io::Write;
use std::net::TcpStream;
use std::process::Command;

use support::{Server, Wrk, http, proc, process, site, start, wait_for};

fn quiet(body: &str) -> String {
    http(&format!("access_log off; server {{ listen 127.0.0.1:{{port}}; {body} }}"))
}

#[test]
fn a_killed_worker_takes_only_its_own_connections_along() {
    const CONNECTIONS: u32 = 16;
    let conf = quiet("return 200 ok;");
    let server = start!(format!("worker_processes 3; error_log logs/error.log notice; {conf}"));
    server.wait_for("the workers", || server.workers().len() == 3);
    let url = server.url("/");
    let wrk = Wrk::start(CONNECTIONS, &[&url]);
    let kills = 6;
    for number in 0..kills {
        assert_eq!(server.get("/").text(), "ok");
        let before = server.workers();
        let victim = before[number as usize % before.len()];
        process::kill(&[victim]);
        server.wait_for("a new worker", || {
            let now = server.workers();
            now.len() == 3 && !now.contains(&victim)
        });
    }
    let report = wrk.stop();
    let broken = report.read + report.write;
    assert!(broken <= u64::from(CONNECTIONS * kills), "{report:?}");
    assert_eq!((report.connect, report.bad_status, report.timeout), (0, 0, 0), "{report:?}");
    assert!(report.requests > broken, "{report:?}");
    assert_eq!(server.get("/").text(), "ok");
}

/// Connections to a port of this machine that are neither closed nor waiting out their time.
fn connections(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("/proc/net/tcp");
    let local = format!(":{port:04X}");
    let open = |line: &&str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words[1].ends_with(&local) && !matches!(words[3], "0A" | "06")
    };
    table.lines().skip(1).filter(open).count()
}

/// So many connections with a request each.
fn ab(server: &Server, count: u32) {
    let output = process::run(
        Command::new("ab")
            .args(["-q", "-c", "50", "-n", &count.to_string()])
            .arg(server.url("/file.txt")),
    );
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().parse::<u32>().ok())
    };
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(number("Complete requests:"), Some(count), "{said}{errors}");
    assert_eq!(number("Failed requests:"), Some(0), "{said}{errors}");
}

#[test]
fn a_hundred_thousand_connections_leave_nothing_behind() {
    let conf = quiet("location / { root html; }");
    let server = start!(format!("error_log logs/error.log notice; {conf}"));
    server.file("html/file.txt", "x".repeat(2000));
    ab(&server, 5_000);
    let worker = server.workers()[0];
    wait_for("the last connection to close", || connections(server.port()) == 0);
    let (descriptors, memory) = (proc::descriptors(worker), proc::memory_kb(worker));
    ab(&server, 100_000);
    assert_eq!(server.workers(), [worker]);
    wait_for("the last connection to close", || connections(server.port()) == 0);
    wait_for("the descriptors of before", || proc::descriptors(worker) == descriptors);
    let after = proc::memory_kb(worker);
    assert!(after <= memory + 512, "the worker has grown from {memory} KB to {after} KB");
}

/// Lets this process have as many descriptors as it may, and gives that number.
fn raise_limit() -> u64 {
    let pid = std::process::id().to_string();
    let limits = std::fs::read_to_string("/proc/self/limits").expect("limits");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("a line");
    let hard = line.split_whitespace().nth(4).expect("a number");
    let limit = hard.parse::<u64>().unwrap_or(1 << 20).min(1 << 20);
    let raised = process::run(Command::new("prlimit").args([
        "--pid",
        &pid,
        &format!("--nofile={limit}:{hard}"),
    ]));
    assert!(raised.status.success(), "{}", String::from_utf8_lossy(&raised.stderr));
    limit
}

/// Connections that have sent this and wait.
fn clients(server: &Server, count: usize, bytes: &str) -> Vec<TcpStream> {
    let connect = |_| {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("a connection");
        stream.write_all(bytes.as_bytes()).expect("sent");
        stream
    };
    (0..count).map(connect).collect()
}

#[test]
fn ten_thousand_heads_that_do_not_end() {
    let count = (raise_limit() as usize - 500).min(10_000);
    let conf = quiet("return 200 ok;");
    let server = start!(format!(
        "error_log logs/error.log notice; events {{ worker_connections 12000; }}
         worker_rlimit_nofile {}; {conf}",
        count + 400
    ));
    assert_eq!(server.get("/").text(), "ok");
    let worker = server.workers()[0];
    let before = proc::memory_kb(worker);
    let clients = clients(&server, count, "GET / HTTP/1.1\r\nHost: a\r\nX-Half");
    server.wait_for("all to be accepted", || proc::descriptors(worker) > count);
    for _ in 0..10 {
        assert_eq!(server.get("/").text(), "ok");
    }
    let each = (proc::memory_kb(worker) - before) * 1024 / count as u64;
    assert!(each <= 4096, "{each} bytes for a client that has sent half a head");
    drop(clients);
    server.wait_for("all to be gone", || proc::descriptors(worker) < 100);
    assert_eq!(server.get("/").text(), "ok");
}

#[test]
fn idle_connections_make_room() {
    raise_limit();
    let conf = quiet("return 200 ok;");
    let server = start!(format!("events {{ worker_connections 64; }} {conf}"));
    let mut idle = Vec::new();
    // Each is served, though there is no room for all: the idlest go.
    for _ in 0..200 {
        let mut wire = server.wire();
        wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(wire.answer().text(), "ok");
        idle.push(wire);
    }
    assert_eq!(server.get("/").text(), "ok");
    let worker = server.workers()[0];
    assert!(proc::descriptors(worker) < 64 + 50);
}

#[test]
fn full_of_half_heads_it_serves_again_when_they_time_out() {
    let conf = quiet("client_header_timeout 500ms; return 200 ok;");
    let server = start!(format!("events {{ worker_connections 64; }} {conf}"));
    let _clients = clients(&server, 150, "GET / HT");
    let worker = server.workers()[0];
    server.wait_for("a full worker", || proc::descriptors(worker) >= 64);
    assert_eq!(server.get("/").text(), "ok");
    assert_eq!(server.workers(), [worker]);
    let full = server.error_log();
    assert!(full.contains("worker_connections are not enough"), "{full}");
}

#[test]
fn a_large_file_for_many() {
    let server = start!(format!("error_log logs/error.log notice; {}", site("location / {}")));
    let path = server.file("html/large", "");
    let file = std::fs::File::options().write(true).open(path).expect("a file");
    file.set_len(1 << 30).expect("a size");
    assert_eq!(server.curl(&["-I"], "/large").status, 200);
    let worker = server.workers()[0];
    let before = proc::memory_kb(worker);
    // None of them reads.
    let clients = clients(&server, 100, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    server.wait_for("all to be served", || {
        clients.iter().all(|client| client.peek(&mut [0]).is_ok_and(|count| count > 0))
    });
    assert_eq!(server.curl(&["-I"], "/large").status, 200);
    let each = (proc::memory_kb(worker).saturating_sub(before)) / 100;
    assert!(each <= 256, "{each} KB for a client that does not read");
}
