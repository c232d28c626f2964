//! Compressed answers, beside nginx: who gets them, what their header says, and that they are what was to be sent.

mod bodies;
mod conditions;
mod stored;

use std::io::Write;
use std::process::{Command, Stdio};

use support::{Answer, Server, Twin, raw, site};

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
