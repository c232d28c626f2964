//! `charset` and conversion, beside nginx, with the tables that Debian's nginx has.

use support::{Answer, Server, Twin, raw, site, start};

const CONF: &str = r#"
    root html; default_type text/html; set $chosen koi8-r; set $none "";
    types { text/plain txt; text/css css; application/javascript js; image/png png; }
    location /told/ { alias html/; charset utf-8; }
    location /same/ { alias html/; charset utf-8; source_charset UTF-8; }
    location /typed/ { alias html/; charset utf-8; charset_types text/css; }
    location /every/ { alias html/; charset utf-8; charset_types *; }
    location /off/ { alias html/; charset off; source_charset koi8-r; }
    location /koi-utf/ { alias html/; charset utf-8; source_charset koi8-r; }
    location /utf-koi/ { alias html/; charset koi8-r; source_charset utf-8; }
    location /koi-win/ { alias html/; charset windows-1251; source_charset koi8-r; }
    location /win-koi/ { alias html/; charset koi8-r; source_charset windows-1251; }
    location /win-utf/ { alias html/; charset utf-8; source_charset windows-1251; }
    location /utf-win/ { alias html/; charset windows-1251; source_charset utf-8; }
    location /chosen/ { alias html/; charset $chosen; source_charset utf-8; }
    location /other/ { alias html/; charset $arg_charset; source_charset utf-8; }
    location /said { charset utf-8; return 200 "said"; }
    location /moved { charset utf-8; return 302 /x; }
    location /moved-on { charset utf-8; return 307 /x; }
    location /pages/ { alias html/; ssi on; charset utf-8; source_charset koi8-r; }
    location /part/ { alias html/; source_charset windows-1251; }
    location /kept/ { alias html/; gzip_static always; charset utf-8; source_charset koi8-r; }
"#;

const MAPS: &str =
    "include /etc/nginx/koi-utf; include /etc/nginx/koi-win; include /etc/nginx/win-utf;";

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let utf = "Съешь ещё этих мягких французских булок, да выпей чаю. € ☃";
    let long: String = utf.repeat(2000);
    vec![
        ("ascii", b"plain text".to_vec()),
        ("empty", Vec::new()),
        ("utf", utf.as_bytes().to_vec()),
        ("long", long.into_bytes()),
        ("koi", b"\xf3\xdf\xc5\xdb\xd8 \xc5\xdd\xa3 \x80".to_vec()),
        ("win", b"\xd1\xfa\xe5\xf8\xfc \xe5\xf9\xb8 \x88".to_vec()),
        (
            "bad",
            b"\xd0\xa1a\xc3(\xf0\x80\x80\x80\xf7\xbf\xbf\xbf.\xf0\x9f\x98\x80\xe2\x82\xac".to_vec(),
        ),
        ("cut", b"\xd0\xa1a\xe2\x82".to_vec()),
        ("a.txt", b"text".to_vec()),
        ("a.css", b"css".to_vec()),
        ("a.js", b"js".to_vec()),
        ("a.png", b"png".to_vec()),
        ("include", b"\xf3\xdf <!--#include virtual='/part/win' --> \xc5".to_vec()),
    ]
}

fn both() -> (Server, Twin) {
    let conf = site(CONF).replacen("http {", &format!("http {{ {MAPS}"), 1);
    let mut start = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(&conf);
    for (name, text) in files() {
        start = start.file(&format!("html/{name}"), text);
    }
    let server = start.start();
    let twin = Twin::start(&conf, &server);
    (server, twin)
}

fn facts(answer: &Answer) -> (u16, Vec<Option<String>>, String) {
    const FIELDS: [&str; 8] = [
        "Content-Type",
        "Content-Length",
        "Transfer-Encoding",
        "Accept-Ranges",
        "Last-Modified",
        "ETag",
        "Content-Range",
        "Location",
    ];
    let field = |name: &&str| answer.header(name).map(|value| value.replace(char::is_numeric, "0"));
    let body = match answer.body.starts_with(b"<html>") {
        true => "a page".to_owned(),
        false => answer.body.escape_ascii().to_string(),
    };
    let mut fields: Vec<Option<String>> = FIELDS.iter().map(field).collect();
    if body == "a page" {
        fields[1] = None;
    }
    (answer.status, fields, body)
}

fn ask(port: u16, path: &str, fields: &str) -> Answer {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n");
    let answers = support::answers(&raw(port, request.as_bytes()), &["GET"]);
    answers.into_iter().next().unwrap_or_else(|| panic!("no answer to {request}"))
}

#[test]
fn charsets_are_told_and_converted_as_by_nginx() {
    let (server, twin) = both();
    let places = [
        "told", "same", "typed", "every", "off", "koi-utf", "utf-koi", "koi-win", "win-koi",
        "win-utf", "utf-win", "chosen", "pages",
    ];
    let mut paths: Vec<(String, &str)> = Vec::new();
    for place in places {
        for (name, _) in files() {
            paths.push((format!("/{place}/{name}"), ""));
        }
        paths.push((format!("/{place}/missing"), ""));
        paths.push((format!("/{place}/koi"), "Range: bytes=1-3\r\n"));
    }
    for charset in ["koi8-r", "UTF-8", "KOI8-R", "windows-1251", "unheard-of"] {
        paths.push((format!("/other/utf?charset={charset}"), ""));
    }
    paths.extend(["/said", "/moved", "/moved-on"].map(|path| (path.to_owned(), "")));
    let mut faults = Vec::new();
    for (path, fields) in paths {
        let ours = facts(&ask(server.port(), &path, fields));
        let theirs = facts(&ask(twin.port(), &path, fields));
        if ours != theirs {
            let shown = |(status, fields, body): &(u16, Vec<Option<String>>, String)| {
                format!("{status} {fields:?} {} {}", body.len(), &body[..body.len().min(300)])
            };
            let (a, b) = (shown(&ours), shown(&theirs));
            faults.push(format!("{path} {fields}\nnginx  {b}\nrserve {a}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_long_body_is_converted_there_and_back() {
    let (server, _twin) = both();
    let koi = ask(server.port(), "/utf-koi/long", "");
    assert_eq!(koi.header("Content-Type"), Some("text/html; charset=koi8-r"));
    server.file("html/back", &koi.body);
    let back = ask(server.port(), "/koi-utf/back", "").text();
    let utf = "Съешь ещё этих мягких французских булок, да выпей чаю. € &#9731;".repeat(2000);
    assert!(back == utf, "{} {}", back.len(), utf.len());
}

#[test]
fn faults_are_told() {
    for (conf, fault) in [
        ("charset_map a a { 80 81; }", "between the same charsets \"a\" and \"a\""),
        (
            "charset_map a b { 80 81; } charset_map A B { 80 81; }",
            "duplicate \"charset_map\" between",
        ),
        ("charset_map a b { 80; }", "invalid parameters number"),
        ("charset_map a b { 80 8182; }", "invalid value \"8182\""),
        ("charset_map a b { xx 81; }", "invalid value \"xx\""),
        ("charset_map a b { 100 81; }", "invalid value \"100\""),
        ("charset_map a utf-8 { 80 zz; }", "invalid value \"zz\""),
        ("charset_map a utf-8 { 80 D0; }", "invalid value \"D0\""),
        ("charset b; source_charset a;", "no \"charset_map\" between the charsets \"a\" and \"b\""),
    ] {
        let conf = site("").replacen("http {", &format!("http {{ {conf}"), 1);
        let (_, error) = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail();
        assert!(error.contains(fault), "{fault}: {error}");
    }
    // Nobody has a table for what a client asks for.
    let server = start!(site("charset $arg_c; source_charset a; return 200 x;"));
    assert_eq!(ask(server.port(), "/?c=b", "").header("Content-Type"), Some("text/plain"));
    server.wait_for("the log", || {
        server.error_log().contains("no \"charset_map\" between the charsets")
    });
}
