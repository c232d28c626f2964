//! `event_trace`: the life of a connection, line by line.

use support::{Server, start};

fn tracing(directive: &str) -> Server {
    let server = start!(format!(
        "http {{ {directive} server {{ listen 127.0.0.1:{{port}}; root html; }} }}"
    ));
    server.file("html/a", "hello");
    server.file("html/b", "hello, world");
    server
}

/// The trace without times, numbers and addresses: what happened to connections.
fn happenings(server: &Server) -> Vec<String> {
    let text = server.dir().text("logs/trace.log");
    // Whether the end of the client's bytes is a read of none is left open.
    let of_connection = text.lines().filter(|line| !line.contains(" *0 - "));
    let of_connection = of_connection.filter(|line| !line.ends_with(" DataIn 0"));
    of_connection.map(|line| line.splitn(4, ' ').nth(3).unwrap_or(line).to_owned()).collect()
}

#[test]
fn two_requests_on_one_connection() {
    let server = tracing("event_trace logs/trace.log;");
    let mut wire = server.wire();
    let mut sizes = Vec::new();
    for path in ["/a", "/b"] {
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        let answer = wire.answer();
        let head: usize =
            answer.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        sizes.push("HTTP/1.1 200 OK\r\n\r\n".len() + head + answer.body.len());
    }
    drop(wire);
    server.wait_for("the end in the trace", || {
        happenings(&server).iter().any(|line| line == "Disconnect")
    });
    let html = server.path("html");
    let html = html.display();
    let request = |name: &str, size: usize, sent: usize| {
        let check = format!("CheckRequest {html}/{name} {size}");
        [
            "DataIn 28".to_owned(),
            check,
            "RequestAccepted 200".to_owned(),
            format!("DataOut {sent}"),
            "DataSent 0".to_owned(),
            "ResponseDone".to_owned(),
        ]
    };
    let mut wanted: Vec<String> =
        ["ClientConnect", "Connecting", "Connect"].map(str::to_owned).to_vec();
    wanted.extend(request("a", 5, sizes[0]));
    wanted.extend(request("b", 12, sizes[1]));
    wanted.extend(["ClientDisconnect", "Disconnecting", "Disconnect"].map(str::to_owned));
    assert_eq!(happenings(&server), wanted);
}

#[test]
fn each_line_has_a_time_a_number_and_an_address() {
    let server = tracing("event_trace logs/trace.log;");
    server.get("/a");
    server.get("/a");
    let mut numbers = std::collections::BTreeSet::new();
    server.wait_for("two connections", || {
        happenings(&server).iter().filter(|line| *line == "Disconnect").count() == 2
    });
    let text = server.dir().text("logs/trace.log");
    for line in text.lines().filter(|line| !line.contains(" *0 - ")) {
        let words: Vec<&str> = line.split(' ').collect();
        let (seconds, millis) = words[0].split_once('.').expect("a time");
        assert!(seconds.len() == 10 && millis.len() == 3, "{line}");
        assert!(words[0].replace('.', "").bytes().all(|byte| byte.is_ascii_digit()), "{line}");
        assert_eq!(words[2], "127.0.0.1", "{line}");
        numbers.insert(words[1].strip_prefix('*').expect("a number").to_owned());
    }
    assert_eq!(numbers.len(), 2);
    let listener = format!("ListenStart 127.0.0.1:{}", server.port());
    assert!(text.lines().next().is_some_and(|line| line.ends_with(&listener)), "{text}");
}

#[test]
fn pipelined_requests_bodies_and_errors() {
    let server = tracing("event_trace logs/trace.log;");
    server.raw("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /a HTTP/1.1\r\nHost: x\r\n\r\nnonsense\r\n\r\n");
    server.wait_for("the end", || happenings(&server).iter().any(|line| line == "Disconnect"));
    let all = happenings(&server);
    let count = |name: &str| all.iter().filter(|line| line.split(' ').next() == Some(name)).count();
    assert_eq!(
        (count("RequestAccepted"), count("ResponseDone"), count("PeekRequest")),
        (3, 3, 2),
        "{all:?}"
    );
    for line in ["RequestAccepted 405", "RequestAccepted 200", "RequestAccepted 400"] {
        assert!(all.iter().any(|other| other == line), "{line}: {all:?}");
    }
}

#[test]
fn only_of_these_networks() {
    let server = tracing("event_trace logs/trace.log 127.0.0.2/32 127.0.1.0/24;");
    for (address, counted) in
        [("127.0.0.1", 0), ("127.0.0.2", 1), ("127.0.0.3", 1), ("127.0.1.77", 2)]
    {
        server.curl(&["--interface", address], "/a");
        let ends = || happenings(&server).iter().filter(|line| *line == "Disconnect").count();
        server.wait_for("the trace", || ends() >= counted);
        assert_eq!(ends(), counted, "{address}");
    }
}

#[test]
fn off_by_default() {
    let server = tracing("");
    server.get("/a");
    assert!(!server.path("logs/trace.log").exists());
}
