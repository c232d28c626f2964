//! `valid_referers`: whose pages may lead here; beside nginx.

use support::{Start, Twin, answers, http, raw, site, start};

const LISTS: [&str; 12] = [
    "none blocked server_names",
    "server_names",
    "a.example b.example/path",
    "none *.a.example",
    ".a.example www.b.*",
    "blocked a.example/",
    "~a\\.example",
    "~^a\\.example/path$ ~b",
    "A.Example",
    "none a.example ~\\.b\\.",
    "*.a.example a.example www.a.example/deep",
    "http://a.example",
];

const REFERERS: [&str; 29] = [
    "",
    "-",
    "http://",
    "http://a",
    "http://a.ex",
    "http://a.example",
    "https://a.example",
    "HTTP://A.EXAMPLE/",
    "ftp://a.example/",
    "a.example",
    "http://a.example/",
    "http://a.example/path",
    "http://a.example:80/path",
    "http://a.example:80",
    "http://b.example",
    "http://b.example/",
    "http://b.example/path",
    "http://b.example/pathology",
    "http://b.example:1/path?q",
    "http://b.example/Path",
    "http://www.a.example/x",
    "http://www.a.example/deep/x",
    "http://x.www.a.example/",
    "http://www.b.org/",
    "http://localhost/",
    "http://one.example/x",
    "http://x.two.example/x",
    "http://digits42.example",
    "http://a.example.evil.example/",
];

#[test]
fn pages_are_valid_that_are_so_in_nginx() {
    let locations: String = LISTS
        .iter()
        .enumerate()
        .map(|(n, list)| {
            format!("location /{n} {{ valid_referers {list}; return 200 \"[$invalid_referer]\"; }}")
        })
        .collect();
    let conf = http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; server_name localhost one.example *.two.example ~^digits\\d+;
           valid_referers none a.example; referer_hash_max_size 512; referer_hash_bucket_size 128;
           {locations}
           location /inherited {{ return 200 \"[$invalid_referer]\"; }}
           location /two {{ valid_referers a.example; valid_referers b.example; return 200 \"[$invalid_referer]\"; }}
           location /if {{ if ($invalid_referer) {{ return 403; }} return 200; }} }}
         server {{ listen 127.0.0.1:{{port2}}; location / {{ return 200 \"[$invalid_referer]\"; }} }}"
    ));
    let server = start!(&conf);
    let twin = Twin::start(&conf, &server);
    let mut seen = [0, 0];
    let ask = |port: u16, path: &str, field: &str| {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{field}\r\n");
        let answer = answers(&raw(port, request), &["GET"]).remove(0);
        (answer.status, answer.text().len(), answer.text().contains("[1]"))
    };
    let paths = (0..LISTS.len()).map(|n| format!("/{n}"));
    let paths: Vec<String> =
        paths.chain(["/inherited", "/two", "/if"].map(str::to_owned)).collect();
    let long = format!("http://{}.a.example/", "x".repeat(300));
    for path in &paths {
        for referer in REFERERS.iter().copied().chain([&*long]) {
            let field = match referer {
                "-" => String::new(),
                text => format!("Referer: {text}\r\n"),
            };
            let (ours, theirs) = (ask(server.port(), path, &field), ask(twin.port(), path, &field));
            assert_eq!((ours.0, ours.2), (theirs.0, theirs.2), "{path} from {referer:?}");
            seen[usize::from(ours.2)] += 1;
        }
    }
    assert!(seen.iter().all(|count| *count > 100), "{seen:?}");
    assert!(!ask(server.port2(), "/", "").2);
    assert!(!ask(twin.port(), "/inherited", "").2);
}

#[test]
fn faults_are_told_as_nginx_tells_them() {
    for (list, message) in [
        (
            "none",
            "the \"none\" or \"blocked\" referers are specified in the \"valid_referers\" directive without any valid referer",
        ),
        ("blocked ~x", "without any valid referer"),
        ("a.com a.com/x", "conflicting parameter \"a.com\""),
        ("''", "invalid referer \"\""),
        ("*a.com", "invalid hostname or wildcard \"*a.com\""),
        ("a*.com", "invalid hostname or wildcard \"a*.com\""),
        ("a..com", "invalid hostname or wildcard \"a..com\""),
        ("~", "empty regex in \"~\""),
        ("~(", "missing closing parenthesis"),
    ] {
        let line = format!("location / {{ valid_referers {list}; }}");
        let (_, said) = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(site(&line)).fail();
        assert!(said.contains(message), "{list}: {said}");
    }
}
