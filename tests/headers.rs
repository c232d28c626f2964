//! `expires`, `add_header` and what blocks inherit of it, beside nginx.

use support::{Twin, answers, http, raw, start};

const CONF: &str = r#"
    map $arg_e $until { "" off; default $arg_e; }
    server { listen 127.0.0.1:{port}; root html; add_header X-Level server; add_header Cache-Control private;
        location /hour/ { alias html/; expires 1h; }
        location /none/ { alias html/; }
        location /off/ { alias html/; expires off; }
        location /zero/ { alias html/; expires 0; }
        location /past/ { alias html/; expires -1; add_header X-Own yes; }
        location /epoch/ { alias html/; expires epoch; }
        location /max/ { alias html/; expires max; }
        location /changed/ { alias html/; expires modified +10d; }
        location /long-ago/ { alias html/; expires modified -10d; }
        location /changed0/ { alias html/; expires modified 0; }
        location /no-date { expires modified 1h; return 200 text; }
        location /map/ { alias html/; expires $until; }
        location /word/ { alias html/; expires "${arg_e}h"; }
        location /error { expires 1h; return 404; }
        location /redirect { expires 1h; return 301 /x; }
        location /if/ { alias html/; if ($arg_e) { expires 2h; add_header X-If yes; } }
        location /type/ { alias html/; expires 1h; add_header Cache-Control public; add_header Cache-Control immutable; }
    }
"#;

/// The answer without what tells the two servers, and two moments, apart.
fn told(port: u16, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let answers = answers(&raw(port, request.as_bytes()), &[]);
    let Some(answer) = answers.first() else { return String::new() };
    let mut text = format!("{}", answer.status);
    for name in ["Cache-Control", "X-Level", "X-Own", "X-If", "ETag", "Last-Modified"] {
        text.push_str(&format!("\n{name}: {:?}", answer.all(name)));
    }
    let seconds =
        |name: &str| answer.header(name).and_then(|date| proto::date::parse(date.as_bytes()));
    // How long after the answer: the two are not asked in the same second.
    let after = seconds("Expires").zip(seconds("Date")).map(|(at, now)| at as i64 - now as i64);
    let fixed = after.is_some_and(|after| !(-86_400..=86_400 * 365).contains(&after));
    let told = if fixed { seconds("Expires").map(|at| at as i64) } else { after };
    text + &format!("\nexpires {told:?}")
}

#[test]
fn answers_may_be_kept_as_long_as_from_nginx() {
    let server = start!(http(CONF));
    std::fs::write(server.path("html/a"), "a").expect("a file");
    let twin = Twin::start(http(CONF), &server);
    let mut paths = vec!["/no-date".to_owned(), "/error".to_owned(), "/redirect".to_owned()];
    for place in [
        "hour", "none", "off", "zero", "past", "epoch", "max", "changed0", "long-ago", "if", "type",
    ] {
        paths.push(format!("/{place}/a"));
        paths.push(format!("/{place}/a?e=1"));
    }
    for value in ["", "1h", "-1", "max", "epoch", "off", "nonsense", "0", "%7f", "modified"] {
        paths.push(format!("/map/a?e={value}"));
    }
    paths.extend(["/word/a?e=3", "/word/a?e=", "/word/a?e=x"].map(str::to_owned));
    for path in paths {
        assert_eq!(told(server.port(), &path), told(twin.port(), &path), "{path}");
    }
}

#[test]
fn a_time_after_the_last_change_counts_from_there() {
    let server = start!(http(CONF));
    std::fs::write(server.path("html/a"), "a").expect("a file");
    let twin = Twin::start(http(CONF), &server);
    let until = |port: u16| {
        let answers = answers(&raw(port, b"GET /changed/a HTTP/1.0\r\n\r\n"), &[]);
        let header = |name: &str| answers[0].header(name).unwrap_or_default().to_owned();
        let control = header("Cache-Control");
        let (head, age) = control.split_once('=').expect("an age");
        // Some seconds may lie between.
        let age: u64 = age.parse().expect("seconds");
        assert!((863_900..=864_000).contains(&age), "{control}");
        (header("Expires"), head.to_owned())
    };
    assert_eq!(until(server.port()), until(twin.port()));
}

#[test]
fn at_a_time_of_day() {
    let server = start!(http(
        "server { listen 127.0.0.1:{port}; location / { expires @0h; return 200 x; } }"
    ));
    let answer = server.get("/");
    let age = answer.header("Cache-Control").and_then(|value| value.strip_prefix("max-age="));
    let age: u64 = age.expect("an age").parse().expect("seconds");
    assert!((1..=86_400).contains(&age), "{age}");
}

#[test]
fn what_a_block_inherits_can_be_said() {
    let server = start!(http(
        r#"add_header X-A http; add_trailer X-T http;
        server { listen 127.0.0.1:{port}; add_header_inherit merge; add_header X-A server;
            location /merge { add_header X-A location; return 200 x; }
            location /on { add_header_inherit on; add_header X-A location; return 200 x; }
            location /off { add_header_inherit off; return 200 x; }
            location /plain { return 200 x; }
            location /trailer { add_trailer_inherit off; return 200 x; }
            location /deep { add_header X-A location; location /deep/er { add_header X-A deeper; return 200 x; } } }"#
    ));
    for (path, expected) in [
        ("/merge", &["location", "server", "http"][..]),
        ("/on", &["location"]),
        ("/off", &[]),
        ("/plain", &["server", "http"]),
        ("/deep/er", &["deeper", "location", "server", "http"]),
    ] {
        assert_eq!(server.get(path).all("X-A"), expected, "{path}");
    }
    assert_eq!(server.get("/plain").header("Transfer-Encoding"), Some("chunked"));
    assert_eq!(server.get("/trailer").header("Transfer-Encoding"), None);
}
