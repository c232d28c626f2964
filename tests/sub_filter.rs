//! `sub_filter`, beside nginx.

use support::{Answer, Server, Twin, raw, site};

const CONF: &str = r#"
    root html; default_type text/html; set $word world; set $none "";
    location /one/ { alias html/; sub_filter world WORLD; }
    location /all/ { alias html/; sub_filter world WORLD; sub_filter_once off; }
    location /some/ { alias html/; sub_filter hello bye; sub_filter world earth; sub_filter o 0; }
    location /some-all/ { alias html/; sub_filter hello bye; sub_filter world earth; sub_filter o 0; sub_filter_once off; }
    location /overlap/ { alias html/; sub_filter aab 1; sub_filter ab 2; sub_filter abc 3; sub_filter_once off; }
    location /overlap-once/ { alias html/; sub_filter aab 1; sub_filter ab 2; sub_filter abc 3; }
    location /variables/ { alias html/; sub_filter $word "[$arg_by-$uri]"; sub_filter "$arg_text" X; sub_filter_once off; }
    location /nothing/ { alias html/; sub_filter "$none" X; }
    location /delete/ { alias html/; sub_filter hello ""; sub_filter_once off; }
    location /plain/ { alias html/; default_type text/plain; sub_filter world WORLD; }
    location /typed/ { alias html/; default_type text/plain; sub_filter world WORLD; sub_filter_types text/plain; }
    location /every/ { alias html/; default_type a/b; sub_filter world WORLD; sub_filter_types *; }
    location /dated/ { alias html/; sub_filter world WORLD; sub_filter_last_modified on; }
    location /outer/ { alias html/; sub_filter hello bye;
        location /outer/in/ { alias html/; sub_filter world earth; }
        location /outer/same/ { alias html/; }
    }
    location /said { sub_filter world WORLD; return 200 "hello world"; }
    location /zipped/ { alias html/; gzip on; sub_filter world WORLD; }
    location /page/ { alias html/; ssi on; sub_filter world WORLD; }
    location /part/ { alias html/; sub_filter hello bye; }
    location /failed { sub_filter Found FOUND; return 404; }
"#;

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let mut long = Vec::new();
    for number in 0..20_000 {
        long.extend_from_slice(format!("hello World {number} aab ab aaabc wor").as_bytes());
    }
    vec![
        ("hello", b"hello world, Hello WORLD; helloworld".to_vec()),
        ("overlap", b"aaab aab ab abc aabc xaAbC aaaaaab a".to_vec()),
        ("end", b"this ends in hello worl".to_vec()),
        ("empty", Vec::new()),
        ("long", long),
        ("include", b"hello world <!--#include virtual='/part/hello' -->".to_vec()),
    ]
}

fn both() -> (Server, Twin) {
    let conf = site(CONF);
    let mut start = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(&conf);
    for (name, text) in files() {
        start = start.file(&format!("html/{name}"), text);
    }
    let server = start.start();
    let twin = Twin::start(&conf, &server);
    (server, twin)
}

fn facts(answer: &Answer) -> (u16, Vec<Option<String>>, Vec<u8>) {
    const FIELDS: [&str; 7] = [
        "Content-Type",
        "Content-Length",
        "Transfer-Encoding",
        "Accept-Ranges",
        "Last-Modified",
        "ETag",
        "Content-Range",
    ];
    let field = |name: &&str| answer.header(name).map(str::to_owned);
    let own = format!("rserve/{}", env!("CARGO_PKG_VERSION"));
    let body = String::from_utf8_lossy(&answer.body).replace(&own, "nginx/1.22.1").into_bytes();
    (answer.status, FIELDS.iter().map(field).collect(), body)
}

fn ask(port: u16, path: &str, fields: &str) -> Answer {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n");
    let answers = support::answers(&raw(port, request.as_bytes()), &["GET"]);
    answers.into_iter().next().unwrap_or_else(|| panic!("no answer to {request}"))
}

#[track_caller]
fn same(server: &Server, twin: &Twin, path: &str, fields: &str) -> Answer {
    let (ours, theirs) = (ask(server.port(), path, fields), ask(twin.port(), path, fields));
    let (a, b) = (facts(&ours), facts(&theirs));
    if a != b {
        let shown = |body: &[u8]| body[..body.len().min(300)].escape_ascii().to_string();
        let (our, their) = (shown(&a.2), shown(&b.2));
        panic!("{path} {fields}\nnginx  {} {:?} {their}\nrserve {} {:?} {our}", b.0, b.1, a.0, a.1);
    }
    ours
}

#[test]
fn texts_are_replaced_as_by_nginx() {
    let (server, twin) = both();
    let places = [
        "/one/",
        "/all/",
        "/some/",
        "/some-all/",
        "/overlap/",
        "/overlap-once/",
        "/nothing/",
        "/delete/",
        "/plain/",
        "/typed/",
        "/every/",
        "/dated/",
        "/outer/",
        "/outer/in/",
        "/outer/same/",
        "/page/",
        "/variables/",
    ];
    for place in places {
        for file in ["hello", "overlap", "end", "empty", "long", "include", "missing"] {
            same(&server, &twin, &format!("{place}{file}"), "");
        }
        for fields in ["Range: bytes=2-5\r\n", "If-None-Match: *\r\n"] {
            same(&server, &twin, &format!("{place}hello"), fields);
        }
    }
    for query in ["by=1&text=ello", "text=hello+", "by=world&text=WORLD", "text=&by=", "by=%41"] {
        same(&server, &twin, &format!("/variables/hello?{query}"), "");
    }
    for path in ["/said", "/failed"] {
        same(&server, &twin, path, "");
    }
    let body = same(&server, &twin, "/all/hello", "").text();
    assert_eq!(body, "hello WORLD, Hello WORLD; helloWORLD");
}

#[test]
fn what_is_replaced_is_compressed() {
    let (server, _twin) = both();
    let answer = server.curl(&["--compressed"], "/zipped/long");
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert_eq!(answer.text().matches("WORLD").count(), 1);
}

/// A client chooses text and replacement, so that each byte becomes eight thousand.
#[test]
fn what_clients_choose_costs_no_memory() {
    let (server, _twin) = both();
    let memory = || -> u64 {
        let worker = server.workers()[0];
        let status = std::fs::read_to_string(format!("/proc/{worker}/status")).expect("a worker");
        let line = status.lines().find(|line| line.starts_with("RssAnon")).expect("a line");
        line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
    };
    server.file("html/worlds", "world".repeat(3000));
    let before = memory();
    let by = "y".repeat(7000);
    let mut wire = server.wire();
    wire.send(format!(
        "GET /variables/worlds?by={by} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    ));
    wire.until("\r\n\r\n");
    assert!(memory() < before + 8192, "{before} {}", memory());
    assert!(wire.rest().len() > 3000 * 7000);
}

#[test]
fn an_empty_text_is_refused() {
    let error =
        support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(site("sub_filter \"\" x;")).fail().1;
    assert!(error.contains("empty search pattern"), "{error}");
}
