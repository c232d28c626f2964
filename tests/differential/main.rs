//! The same requests to nginx and to rserve: the same answers, byte for byte but for the server's
//! name, the date, the port and the boundaries between parts.
//!
//! Where rserve is different on purpose the case stands in [`support::compare::DELIBERATE`], with the
//! reason.

mod bodies;
mod conditionals;
mod heads;
mod ranges;
mod uris;

use support::compare::{difference, is_deliberate, normalize};
use support::{Answer, Dir, Server, Transport, Twin, answers, raw, set_modified};

/// A request, or several on one connection.
struct Case {
    name: String,
    /// All that the client sends before it closes its side.
    bytes: Vec<u8>,
    /// The methods of the answers, as far as it matters (`HEAD` has no body).
    methods: &'static [&'static str],
}

const CONF: &str = r#"
    http {
        access_log off;
        lingering_timeout 200ms;
        types { text/html html; text/plain txt; image/gif gif; }
        default_type application/octet-stream;
        server {
            listen 127.0.0.1:{port};
            server_name localhost;
            root html;
            location / {}
            location = /exact { return 200 "exact"; }
            location ^~ /prefix/ { return 200 "prefix $uri $args"; }
            location ~ \.php$ { return 200 "regex $uri"; }
            location ~* \.JPG$ { return 200 "regex without case $uri"; }
            location /prefix/x.php { return 200 "longer $uri"; }
            location /alias/ { alias html/sub/; }
            location /one/ { alias html/; max_ranges 1; }
            location /none/ { alias html/; max_ranges 0; }
            location /before/ { alias html/; if_modified_since before; }
            location /never/ { alias html/; if_modified_since off; etag off; }
            location /301 { return 301 /target; }
            location /302 { return 302 http://example.com/x?y=$arg_y; }
            location /303 { return 303 /; }
            location /307 { return 307 "$uri?$args"; }
            location /308 { return 308 /; }
            location /url { return http://example.com$request_uri; }
            location /204 { return 204; }
            location /404 { return 404; }
            location /418 { return 418; }
            location /444 { return 444; }
            location /500 { return 500; }
            location /503 { return 503 "later"; }
            location /text { default_type text/x-test; return 200 "text $request_method $http_x_test"; }
            location /internal/ { internal; }
            location /denied/ { deny all; }
            location /page/ { error_page 404 /sub/page.html; }
            location /page200/ { error_page 404 =200 /sub/page.html; }
            location /page-own/ { error_page 404 = /exact; }
            location /page-url/ { error_page 404 http://example.com/; }
            location /page-named/ { error_page 404 @named; }
            location /page-405/ { alias html/; error_page 405 =200 /file.txt; }
            location /page-416/ { alias html/; error_page 416 /sub/page.html; }
            location /page-missing/ { error_page 404 /nowhere; }
            location /try/ { try_files $uri $uri/ /sub/page.html?x=1; }
            location /try-code/ { try_files $uri =403; }
            location /try-named/ { try_files $uri @named; }
            location /cycle/ { try_files /none /cycle/x; }
            location /small/ { alias html/; client_max_body_size 10; }
            location /any/ { alias html/; client_max_body_size 0; }
            location /added/ { alias html/; add_header X-A "a $uri"; add_header X-B b always; add_header X-Empty $arg_none; }
            location /nested/ {
                location ~ \.gif$ { return 200 "nested regex"; }
                location /nested/deep/ { return 200 "nested deep"; }
                return 200 "nested";
            }
            location @named { return 200 "named $uri"; }
        }
        server {
            listen 127.0.0.1:{port};
            server_name example.com *.example.com;
            return 200 "wildcard before $host";
        }
        server {
            listen 127.0.0.1:{port};
            server_name www.example.*;
            return 200 "wildcard after $host";
        }
        server {
            listen 127.0.0.1:{port};
            server_name ~^(?<first>[a-z]+)\.test$;
            return 200 "regex $first $1";
        }
    }
"#;

/// 2021-01-01 00:00:00
const MODIFIED: u64 = 1_609_459_200;

#[test]
fn the_same_requests_get_the_same_answers() {
    let server = support::start!(CONF);
    for (path, size) in [
        ("file.txt", 100),
        ("empty.txt", 0),
        ("big.bin", 300_000),
        ("dir/index.html", 10),
        ("a b%.txt", 3),
        ("sub/page.html", 20),
        ("no-type", 5),
        ("Ü.txt", 4),
        ("plus+.txt", 4),
    ] {
        let bytes: Vec<u8> = (0..size).map(|at| b'a' + (at % 26) as u8).collect();
        set_modified(&server.file(&format!("html/{path}"), bytes), MODIFIED);
    }
    let _ = std::fs::create_dir(server.path("html/without-index"));
    let twin = Twin::over(Transport::of_run(), CONF, &server);
    let mut cases = Vec::new();
    cases.extend(uris::cases());
    cases.extend(ranges::cases());
    cases.extend(conditionals::cases());
    cases.extend(bodies::cases());
    cases.extend(heads::cases());
    let wrong: Vec<String> = cases.iter().filter_map(|case| case.compare(&server, &twin)).collect();
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

impl Case {
    /// A case with these bytes.
    fn new(name: impl Into<String>, bytes: impl AsRef<[u8]>) -> Case {
        Case { name: name.into(), bytes: bytes.as_ref().to_vec(), methods: &[] }
    }

    /// A well-formed request with these fields.
    fn request(method: &'static str, uri: &str, fields: &str) -> Case {
        let name = format!("{method} {uri} {}", fields.replace("\r\n", "; "));
        let bytes = format!("{method} {uri} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
        let methods: &[&str] = if method == "HEAD" { &["HEAD"] } else { &[] };
        Case { name: name.trim_end().to_owned(), bytes: bytes.into_bytes(), methods }
    }

    /// What is wrong, if anything is.
    fn compare(&self, server: &Server, twin: &Twin) -> Option<String> {
        let theirs = self.ask(twin.port(), twin.dir());
        let ours = self.ask(server.port(), server.dir());
        let different = ours != theirs;
        if !different || is_deliberate(&self.name) {
            return None;
        }
        let sent = String::from_utf8_lossy(&self.bytes);
        Some(format!("--- {}\nsent   {sent:?}\n{}", self.name, difference(&theirs, &ours)))
    }

    fn ask(&self, port: u16, dir: &Dir) -> Vec<Answer> {
        let bytes = raw(port, &self.bytes);
        answers(&bytes, self.methods)
            .into_iter()
            .map(|answer| normalize(answer, port, dir))
            .collect()
    }
}
