//! Server side includes, beside nginx: the same pages, the same bytes.

mod bounds;
mod commands;
mod includes;
mod syntax;

use std::net::TcpStream;

use support::{Answer, Server, Twin, raw, site};

/// What both serve: pages of `html/`, and what is asked for of them.
const CONF: &str = r#"
    root html; ssi on; default_type text/html; set $own "a <value>";
    log_subrequest off;
    location /quiet/ { alias html/; ssi_silent_errors on; }
    location /dated/ { alias html/; ssi_last_modified on; }
    location /off/ { alias html/; ssi off; }
    location /plain/ { alias html/; default_type text/plain; }
    location /typed/ { alias html/; default_type text/plain; ssi_types text/plain; }
    location /short/ { alias html/; ssi_value_length 20; }
    location /says/ { return 200 "said $uri $args"; }
    location /denied { deny all; }
    location /fails { return 500; }
    location /moved { return 302 /elsewhere; }
    location /empty { return 204; }
    location /inner { internal; return 200 "inner"; }
    location /page404 { error_page 404 /says/404; }
"#;

fn both(pages: &[(&str, &[u8])]) -> (Server, Twin) {
    let conf = site(CONF);
    let ours = conf.replace("log_subrequest off;", "");
    let mut start = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(&ours);
    for (name, text) in pages {
        start = start.file(&format!("html/{name}"), text);
    }
    let server = start.start();
    let twin = Twin::start(&conf, &server);
    (server, twin)
}

/// Status, the fields that includes have to do with, and the body; what names the server is taken out.
fn facts(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    const FIELDS: [&str; 6] = [
        "Content-Type",
        "Content-Length",
        "Transfer-Encoding",
        "Accept-Ranges",
        "Last-Modified",
        "ETag",
    ];
    let field = |name: &&str| Some(((*name).to_owned(), answer.header(name)?.to_owned()));
    let body = answer.body.escape_ascii().to_string();
    let body = body.replace("nginx/1.22.1", "SERVER");
    let body = body.replace(&format!("rserve/{}", env!("CARGO_PKG_VERSION")), "SERVER");
    (answer.status, FIELDS.iter().filter_map(field).collect(), body)
}

fn ask(port: u16, path: &str, fields: &str) -> Answer {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n");
    let answers = support::answers(&raw(port, request.as_bytes()), &["GET"]);
    answers.into_iter().next().unwrap_or_else(|| panic!("no answer to {request}"))
}

/// Asks both for a page; gives the body.
#[track_caller]
fn same(server: &Server, twin: &Twin, path: &str) -> String {
    let (ours, theirs) = (ask(server.port(), path, ""), ask(twin.port(), path, ""));
    let (ours, theirs) = (facts(&ours), facts(&theirs));
    if ours != theirs && theirs.2.len() + ours.2.len() > 5000 {
        let (a, b) = (&ours.2, &theirs.2);
        let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
        panic!("{path}: nginx {} bytes, rserve {} bytes, {same} the same", b.len(), a.len());
    }
    assert!(ours == theirs, "{path}\nnginx  {theirs:?}\nrserve {ours:?}");
    ours.2
}

/// Has both carry out each of these pages.
#[track_caller]
fn all_same(pages: &[&[u8]]) -> Vec<String> {
    let names: Vec<String> = (0..pages.len()).map(|number| format!("{number}.html")).collect();
    let mut files: Vec<(&str, &[u8])> =
        names.iter().zip(pages).map(|(name, page)| (&name[..], *page)).collect();
    files.push(("part.txt", b"(part)"));
    files.push(("dir/part.txt", b"(part in dir)"));
    files.push(("nothing.txt", b""));
    let (server, twin) = both(&files);
    let mut faults = Vec::new();
    let mut bodies = Vec::new();
    for (number, page) in pages.iter().enumerate() {
        let path = format!("/{number}.html?x=1&y=a<b");
        let (ours, theirs) = (ask(server.port(), &path, ""), ask(twin.port(), &path, ""));
        let (ours, theirs) = (facts(&ours), facts(&theirs));
        if ours != theirs {
            let page = page.escape_ascii();
            faults.push(format!("{page}\n  nginx  {theirs:?}\n  rserve {ours:?}"));
        }
        bodies.push(ours.2);
    }
    assert!(faults.is_empty(), "{} differ\n{}", faults.len(), faults.join("\n"));
    bodies
}

/// A connection that nobody reads from.
fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(("127.0.0.1", server.port())).expect("it listens")
}
