//! Compressed answers, beside nginx: who gets them, what their header says, and that they are what was to be sent.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use support::{Answer, Server, Twin, raw, site, start};

/// What the program says that everybody has.
#[track_caller]
fn run(argument: &str, bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new("gzip")
        .arg(argument)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gzip runs");
    let mut input = child.stdin.take().expect("its input");
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().expect("its output");
    writer.join().expect("the writer").expect("written");
    assert!(output.status.success(), "gzip does not take it");
    output.stdout
}

#[track_caller]
fn gunzip(bytes: &[u8]) -> Vec<u8> {
    run("-dc", bytes)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    run("-c", bytes)
}

fn text(len: usize) -> String {
    let words =
        (0..).map(|n: u32| format!("word {} of {}\n", n % 97, n.wrapping_mul(2_654_435_761)));
    let mut all = String::new();
    words.take_while(|_| true).any(|word| {
        all.push_str(&word);
        all.len() >= len
    });
    all.truncate(len);
    all
}

const CONF: &str = r#"
    root html; gzip on; gzip_types text/plain application/json; gzip_vary on; error_page 404 /404.html;
    types { text/html html; text/plain txt; application/json json; image/png png; }
    location /level9/ { alias html/; gzip_comp_level 9; }
    location /off/ { alias html/; gzip off; }
    location /all/ { alias html/; gzip_types *; gzip_min_length 5; }
    location /long/ { alias html/; gzip_min_length 3000; }
    location /old/ { alias html/; gzip_http_version 1.0; }
    location /any/ { alias html/; gzip_proxied any; }
    location /auth/ { alias html/; gzip_proxied auth; }
    location /private/ { alias html/; gzip_proxied private no-cache; add_header Cache-Control private; }
    location /store/ { alias html/; gzip_proxied no-store; add_header Cache-Control private; }
    location /dated/ { alias html/; gzip_proxied no_last_modified; }
    location /tagged/ { alias html/; gzip_proxied no_etag; etag off; }
    location /not-for/ { alias html/; gzip_disable msie6 "curl/7"; }
    location /text { default_type text/plain; return 200 "a text that is long enough to be compressed\n"; }
    location /forbidden { return 403 "forbidden, and long enough to be compressed"; }
    location /gone { return 410 "gone, and long enough to be compressed as it is"; }
    location /moved { return 302 /text; }
    location /empty { return 204; }
"#;

fn files(start: support::Start) -> support::Start {
    start
        .file("html/a.txt", text(2000))
        .file("html/b.json", text(200_000))
        .file("html/c.png", text(5000))
        .file("html/tiny.txt", "tiny")
        .file("html/404.html", text(700))
        .file("html/index.html", text(3000))
}

fn both() -> (Server, Twin) {
    let conf = site(CONF);
    let server = files(support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(&conf)).start();
    let twin = Twin::start(&conf, &server);
    (server, twin)
}

/// What is compared: status, the fields that compression has to do with, and the plain body.
fn facts(answer: &Answer) -> (u16, Vec<(String, String)>, Vec<u8>) {
    const FIELDS: [&str; 7] = [
        "Content-Encoding",
        "Vary",
        "Content-Length",
        "Transfer-Encoding",
        "Accept-Ranges",
        "Content-Type",
        "Content-Range",
    ];
    let mut fields: Vec<(String, String)> = FIELDS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), answer.header(name)?.to_owned())))
        .collect();
    let tag = answer.header("ETag").map(|tag| tag.starts_with("W/").to_string());
    fields.extend(tag.map(|weak| ("weak".to_owned(), weak)));
    let body = match answer.header("Content-Encoding") {
        Some("gzip") if !answer.body.is_empty() => gunzip(&answer.body),
        _ => answer.body.clone(),
    };
    // Pages of errors name the server.
    let body = if body.starts_with(b"<html>") { b"a page".to_vec() } else { body };
    (answer.status, fields, body)
}

#[track_caller]
fn same(server: &Server, twin: &Twin, request: &str) -> Answer {
    let method = request.split(' ').next().unwrap_or_default();
    let ask = |port| {
        let answers = support::answers(&raw(port, request.as_bytes()), &[method]);
        answers.into_iter().next().unwrap_or_else(|| panic!("no answer to {request}"))
    };
    let (ours, theirs) = (ask(server.port()), ask(twin.port()));
    let (our_facts, their_facts) = (facts(&ours), facts(&theirs));
    let long = |(status, fields, body): &(u16, Vec<(String, String)>, Vec<u8>)| {
        format!("{status} {fields:?} {} bytes", body.len())
    };
    let (a, b) = (long(&our_facts), long(&their_facts));
    assert!(our_facts == their_facts, "{request}\nnginx  {b}\nrserve {a}");
    ours
}

fn get(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n")
}

#[test]
fn who_accepts_it_gets_it_as_from_nginx() {
    let (server, twin) = both();
    let accepted = [
        "",
        "Accept-Encoding: gzip\r\n",
        "Accept-Encoding: gzip, deflate, br\r\n",
        "Accept-Encoding: deflate, GZIP;q=0.5\r\n",
        "Accept-Encoding: gzip;q=0\r\n",
        "Accept-Encoding: gzip;q=0.000\r\n",
        "Accept-Encoding: gzip; q=1\r\n",
        "Accept-Encoding: x-gzip\r\n",
        "Accept-Encoding: *\r\n",
        "Accept-Encoding: gzip;q=abc\r\n",
        "Accept-Encoding: gzip;q=1.5\r\n",
        "Accept-Encoding: gzip;q=1.000\r\n",
        "Accept-Encoding: gzip;q=0.0001\r\n",
        "Accept-Encoding: gzip;q=0.01, br\r\n",
        "Accept-Encoding: gzip;q\r\n",
        "Accept-Encoding: gzip ,br\r\n",
        "Accept-Encoding: gzipx, gzip\r\n",
        "Accept-Encoding: br gzip\r\n",
        "Accept-Encoding: identity\r\n",
    ];
    for path in ["/a.txt", "/b.json", "/c.png", "/tiny.txt", "/", "/text", "/none"] {
        for fields in accepted {
            same(&server, &twin, &get(path, fields));
        }
    }
    let compressed = same(&server, &twin, &get("/b.json", accepted[1]));
    assert_eq!(compressed.header("Content-Encoding"), Some("gzip"));
    assert!(
        compressed.body.len() < 120_000 && gunzip(&compressed.body) == text(200_000).as_bytes()
    );
}

#[test]
fn the_configuration_says_what_and_for_whom() {
    let (server, twin) = both();
    let gzip = "Accept-Encoding: gzip\r\n";
    let via = [
        "",
        "Via: 1.1 x\r\n",
        "Via: 1.1 x\r\nAuthorization: Basic eDp5\r\n",
        "User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)\r\n",
        "User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)\r\n",
        "User-Agent: curl/7.88.1\r\n",
        "Range: bytes=0-99\r\n",
        "If-None-Match: *\r\n",
    ];
    let places = [
        "", "/level9", "/off", "/all", "/long", "/old", "/any", "/auth", "/private", "/store",
        "/dated", "/tagged", "/not-for",
    ];
    for place in places {
        for fields in via {
            for file in ["/a.txt", "/tiny.txt", "/c.png"] {
                same(&server, &twin, &get(&format!("{place}{file}"), &format!("{gzip}{fields}")));
            }
        }
        let old = format!("GET {place}/a.txt HTTP/1.0\r\n{gzip}\r\n");
        same(&server, &twin, &old);
        let head =
            format!("HEAD {place}/a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{gzip}\r\n");
        same(&server, &twin, &head);
    }
    for path in ["/forbidden", "/gone", "/moved", "/empty"] {
        same(&server, &twin, &get(path, gzip));
    }
}

#[test]
fn answers_follow_each_other_on_one_connection() {
    let (server, _twin) = both();
    let mut wire = server.wire();
    let request =
        |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n");
    let paths = ["/a.txt", "/b.json", "/tiny.txt", "/b.json", "/text", "/c.png", "/a.txt"];
    wire.send(paths.map(request).concat());
    for path in paths {
        let answer = wire.answer();
        assert_eq!(answer.status, 200, "{path}");
        let (_, _, plain) = facts(&answer);
        assert_eq!(
            plain.len(),
            [2000, 200_000, 4, 200_000, 44, 5000, 2000]
                [paths.iter().position(|p| *p == path).expect("one")]
        );
    }
    let log = server.access_log();
    assert_eq!(log.lines().count(), paths.len(), "{log}");
}

#[test]
fn a_body_of_any_length_costs_no_memory() {
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(site("root html; gzip on; gzip_types *;"))
        .file("html/x", "")
        .start();
    // A gigabyte of holes: nothing is on the disk.
    let file = std::fs::File::options().write(true).open(server.path("html/x")).expect("there");
    file.set_len(1 << 30).expect("longer");
    server.wait_for("a worker", || server.workers().len() == 1);
    let memory = || -> u64 {
        let worker = server.workers()[0];
        let status = std::fs::read_to_string(format!("/proc/{worker}/status")).expect("a worker");
        let line = status.lines().find(|line| line.starts_with("RssAnon")).expect("a line");
        line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
    };
    let before = memory();
    let mut wire = server.wire();
    wire.send(get("/x", "Accept-Encoding: gzip\r\n"));
    wire.until("\r\n\r\n");
    // A slow reader: looks at the worker now and then.
    let (mut total, mut most, mut room) = (0, 0, vec![0; 1 << 16]);
    loop {
        match wire.stream().read(&mut room) {
            Ok(0) => break,
            Ok(count) => total += count,
            Err(error) => panic!("{error}"),
        }
        most = most.max(memory());
    }
    assert!(total > 500_000, "{total}");
    assert!(most < before + 4096, "{before} kB before, {most} kB");
}

#[test]
fn a_file_that_shrinks_ends_the_connection() {
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(site("root html; gzip on; gzip_types *;"))
        .file("html/x", support::bytes(32 << 20))
        .start();
    let mut wire = server.wire();
    wire.send(get("/x", "Accept-Encoding: gzip\r\n"));
    wire.until("\r\n\r\n");
    std::fs::File::create(server.path("html/x")).expect("cut to nothing");
    let rest = wire.rest();
    assert!(!rest.ends_with(b"0\r\n\r\n"), "it is not taken for complete");
    server.wait_for("the log", || server.error_log().contains("the answer's body ended too early"));
    assert_eq!(server.get("/x").status, 200);
}

#[test]
fn who_cannot_take_it_gets_it_plain() {
    let plain = text(300_000);
    let conf =
        site("root html; gunzip on; gzip_vary on; gzip_static always; default_type text/plain;");
    let bomb = gzip(&vec![0; 200 << 20]);
    let whole = gzip(plain.as_bytes());
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(&conf)
        .file("html/x.gz", &whole)
        .file("html/two.gz", [&whole[..], &whole].concat())
        .file("html/cut.gz", &whole[..whole.len() / 2])
        .file("html/none.gz", "this is no gzip at all, whatever its header says")
        .file("html/bomb.gz", &bomb)
        .start();
    let twin = Twin::start(&conf, &server);
    let both = same(&server, &twin, &get("/x", ""));
    assert_eq!((both.header("Content-Encoding"), both.body == plain.as_bytes()), (None, true));
    same(&server, &twin, &get("/x", "Accept-Encoding: gzip\r\n"));
    let two = server.get("/two");
    assert!(two.body == [plain.as_bytes(), plain.as_bytes()].concat());
    for broken in ["/cut", "/none"] {
        let answer = raw(server.port(), get(broken, "").as_bytes());
        assert!(!answer.ends_with(b"0\r\n\r\n"), "{broken}");
    }
    // Two hundred megabytes out of two hundred kilobytes, and nobody reads them.
    let mut wire = server.wire();
    wire.send(get("/bomb", ""));
    wire.until("\r\n\r\n");
    let worker = server.workers()[0];
    let status = std::fs::read_to_string(format!("/proc/{worker}/status")).expect("a worker");
    let line = status.lines().find(|line| line.starts_with("RssAnon")).expect("a line").to_owned();
    let kilobytes: u64 =
        line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number");
    assert!(kilobytes < 20_000, "{line}");
    let length: usize = wire.rest().len();
    assert!(length > 200 << 20, "{length}");
}

#[test]
fn files_that_are_compressed_already() {
    let conf = site(
        "root html; gzip_vary on; default_type text/plain;
         location /on/ { alias html/; gzip_static on; }
         location /always/ { alias html/; gzip_static always; }
         location /both/ { alias html/; gzip_static on; gzip on; gzip_types *; }
         location /quiet/ { alias html/; gzip_static on; gzip_vary off; }
         location /tagless/ { alias html/; gzip_static on; etag off; }",
    );
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(&conf)
        .file("html/a.txt", text(5000))
        .file("html/a.txt.gz", gzip(text(5000).as_bytes()))
        .file("html/b.txt", text(5000))
        .file("html/c.txt.gz", gzip(text(400).as_bytes()))
        .file("html/d.txt", text(5000))
        .file("html/d.txt.gz/x", "a folder")
        .start();
    let twin = Twin::start(&conf, &server);
    let fields = [
        "",
        "Accept-Encoding: gzip\r\n",
        "Accept-Encoding: gzip\r\nRange: bytes=0-9\r\n",
        "Accept-Encoding: gzip\r\nVia: x\r\n",
        "Accept-Encoding: gzip\r\nIf-None-Match: *\r\n",
    ];
    for place in ["", "/on", "/always", "/both", "/quiet", "/tagless"] {
        for file in ["a.txt", "b.txt", "c.txt", "d.txt", "none.txt"] {
            for fields in fields {
                let path = format!("{place}/{file}");
                same(&server, &twin, &get(&path, fields));
                let head = get(&path, fields).replacen("GET", "HEAD", 1);
                same(&server, &twin, &head);
            }
        }
    }
    let post = get("/on/a.txt", "Accept-Encoding: gzip\r\nContent-Length: 0\r\n");
    same(&server, &twin, &post.replacen("GET", "POST", 1));
}

#[test]
fn a_body_that_fails_takes_nothing_else_along() {
    let whole = gzip(text(300_000).as_bytes());
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(site("root html; gunzip on; gzip_static always; default_type text/plain;"))
        .file("html/small", "small")
        .file("html/dir/x", "x")
        .file("html/none.gz", "this is no gzip at all, whatever its name says")
        .file("html/cut.gz", &whole[..whole.len() / 2])
        .start();
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut wire = server.wire();
    wire.send([request("/small"), request("/small"), request("/none"), request("/small")].concat());
    assert_eq!((wire.answer().text(), wire.answer().text()), ("small".into(), "small".into()));
    // Its head comes, and then the connection's end: no last chunk, and no answer behind it.
    let rest = String::from_utf8_lossy(&wire.rest()).into_owned();
    assert!(rest.starts_with("HTTP/1.1 200 OK\r\n") && !rest.contains("\r\n0\r\n"), "{rest}");
    server.wait_for("three lines", || server.access_log().lines().count() == 3);
    // Where the connection's end would be the body's, it is broken off instead.
    let mut old = server.wire();
    old.send("GET /cut HTTP/1.0\r\n\r\n");
    let mut bytes = Vec::new();
    let ended = old.stream().read_to_end(&mut bytes);
    assert_eq!(
        ended.map_err(|error| error.kind()).err(),
        Some(std::io::ErrorKind::ConnectionReset)
    );
    // A page of the server's own is none of the files.
    let server = start!(site(
        "root html; gunzip on; location / { add_header Content-Encoding gzip always; }"
    ));
    let moved = raw(server.port(), get("/none", "").as_bytes());
    assert!(String::from_utf8_lossy(&moved).contains("404 Not Found</h1>"));
}

#[test]
fn event_streams_are_compressed_as_before() {
    let conf = site(
        "sse_zone z 1m; gzip on; gzip_types *; location / { sse_subscribe c; sse_publish c; }",
    );
    let conf = conf.replace("sse_zone z 1m;", "").replace("http {", "http { sse_zone z 1m;");
    let server = start!(conf);
    let mut wire = server.wire();
    wire.send("GET /c HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n");
    let head = wire.until("\r\n\r\n");
    assert_eq!(head.matches("Content-Encoding: gzip").count(), 1, "{head}");
    assert_eq!(head.matches("Transfer-Encoding: chunked").count(), 1, "{head}");
}
