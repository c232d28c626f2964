//! `add_before_body` and `add_after_body`, beside nginx.

use support::{Answer, Server, Twin, raw, site};

const CONF: &str = r#"
    root html; default_type text/html; add_before_body /top; add_after_body /bottom?x=1;
    location = /top { return 200 "[top of $uri]"; }
    location /bottom { return 200 "[bottom $args]"; }
    location /off/ { alias html/; add_before_body ""; add_after_body ""; }
    location /only-before/ { alias html/; add_after_body ""; }
    location /pages/ { alias html/; add_before_body /pages/page; add_after_body /missing; ssi on; }
    location /plain/ { alias html/; default_type text/plain; }
    location /typed/ { alias html/; default_type text/plain; addition_types text/plain; }
    location /long/ { alias html/; add_before_body /long; add_after_body /long; }
    location /words/ { alias html/; sub_filter top TOP; sub_filter body BODY; }
    location /failed { return 404; }
"#;

fn both() -> (Server, Twin) {
    let conf = site(CONF);
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(&conf)
        .file("html/page", "body <!--#echo var='uri' --> top")
        .file("html/empty", "")
        .file("html/long", "long line\n".repeat(40_000))
        .start();
    let twin = Twin::start(&conf, &server);
    (server, twin)
}

fn facts(answer: &Answer) -> (u16, Vec<Option<String>>, String) {
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
    (answer.status, FIELDS.iter().map(field).collect(), answer.text().replace(&own, "nginx/1.22.1"))
}

fn ask(port: u16, method: &str, path: &str, fields: &str) -> Answer {
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n");
    let answers = support::answers(&raw(port, request.as_bytes()), &[method]);
    answers.into_iter().next().unwrap_or_else(|| panic!("no answer to {request}"))
}

#[test]
fn bodies_are_added_as_by_nginx() {
    let (server, twin) = both();
    let places =
        ["/", "/off/", "/only-before/", "/pages/", "/plain/", "/typed/", "/long/", "/words/"];
    for place in places {
        for (method, file, fields) in [
            ("GET", "page", ""),
            ("GET", "page", "Range: bytes=0-3\r\n"),
            ("GET", "page", "If-None-Match: *\r\n"),
            ("GET", "empty", ""),
            ("GET", "long", ""),
            ("GET", "missing", ""),
            ("HEAD", "page", ""),
        ] {
            let path = format!("{place}{file}");
            let ours = facts(&ask(server.port(), method, &path, fields));
            let theirs = facts(&ask(twin.port(), method, &path, fields));
            let shown = |(status, fields, body): &(u16, Vec<Option<String>>, String)| {
                format!("{status} {fields:?} {} {}", body.len(), &body[..body.len().min(200)])
            };
            let (a, b) = (shown(&ours), shown(&theirs));
            assert!(ours == theirs, "{method} {path} {fields}\nnginx  {b}\nrserve {a}");
        }
    }
    assert_eq!(ask(server.port(), "GET", "/failed", "").status, 404);
    let body = ask(server.port(), "GET", "/words/page", "").text();
    assert!(body.starts_with("[top of /top]BODY") && body.ends_with(" TOP[bottom ]"), "{body}");
}

#[test]
fn what_is_added_is_waited_for() {
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(site(
            "root html; aio threads; gzip on; default_type text/html; add_before_body /top; add_after_body /bottom;",
        ))
        .file("html/page", "page".repeat(9000))
        .file("html/top", "top".repeat(90_000))
        .file("html/bottom", "bottom".repeat(90_000))
        .start();
    let body = server.curl(&["--compressed"], "/page").text();
    let wanted = "top".repeat(90_000) + &"page".repeat(9000) + &"bottom".repeat(90_000);
    assert!(body == wanted, "{} bytes", body.len());
}
