//! The same requests over HTTP/2 to nginx and to rserve: the same answers.

use std::process::Command;

use support::{Answer, Twin, bytes, process, set_modified};

/// The server speaks it where it listens, as Debian's nginx has it.
const CONF: &str = r#"
    http {
        access_log off;
        types { text/html html; text/plain txt; }
        default_type application/octet-stream;
        server {
            listen 127.0.0.1:{port} http2;
            root html;
            location /301 { return 301 /target; }
            location /302 { return 302 http://example.com/x?y=$arg_y; }
            location /204 { return 204; }
            location /418 { return 418; }
            location /500 { return 500; }
            location /text { default_type text/x-test; return 200 "text $request_method $http_x_test $http_cookie $server_protocol $request $http_host $host $scheme"; }
            location /uri { return 200 "$uri|$args|$request_uri"; }
            location /internal/ { internal; }
            location /denied/ { deny all; }
            location /page/ { error_page 404 /page.html; }
            location /small/ { alias html/; client_max_body_size 10; }
            location /added/ { alias html/; add_header X-A "a $uri"; add_header X-B b always; }
            location /alias/ { alias html/; }
        }
    }
"#;

/// Arguments of curl, and paths. What is malformed (RFC 9113 §8.1.1) is reset here, and a page of nginx.
const CASES: &[(&[&str], &[&str])] = &[
    (
        &[],
        &["/", "/file.txt", "/none", "/dir", "/dir/", "/301", "/302?y=1", "/204", "/418", "/500"],
    ),
    (
        &[],
        &[
            "/internal/x",
            "/denied/x",
            "/page/x",
            "/added/file.txt",
            "/added/none",
            "/alias/file.txt",
        ],
    ),
    (
        &[],
        &[
            "/uri/%41%2f%2F?a=b%20c",
            "/uri//x/../y",
            "/uri?",
            "/uri?a?b",
            "/uri/a+b",
            "/uri/%zz",
            "/../x",
            "/uri/%00",
        ],
    ),
    (&[], &["/uri/\"quoted\"", "/uri/{a}|b", "/uri/a\\b", "/uri/;a=b", "/uri/%c3%a4", "/big.bin"]),
    (&["-I"], &["/", "/file.txt", "/none", "/301", "/text"]),
    (&["-X", "POST", "-d", "body"], &["/text", "/file.txt", "/none"]),
    (&["-d", "body that is too long"], &["/small/file.txt"]),
    (&["-X", "PUT", "-d", "x"], &["/file.txt"]),
    (&["-X", "DELETE"], &["/file.txt", "/text"]),
    (&["-X", "OPTIONS"], &["/file.txt", "/text"]),
    (&["-X", "TRACE"], &["/text"]),
    (&["-X", "FOO"], &["/text", "/file.txt"]),
    (&["-r", "0-4"], &["/file.txt", "/none", "/big.bin"]),
    (&["-r", "-5"], &["/file.txt"]),
    (&["-r", "1000-"], &["/file.txt"]),
    (&["-H", "If-Modified-Since: Fri, 01 Jan 2021 00:00:00 GMT"], &["/file.txt"]),
    (&["-H", "If-None-Match: *"], &["/file.txt"]),
    (&["-H", "If-Match: \"x\""], &["/file.txt"]),
    (&["-H", "X-Test: a", "-H", "Cookie: a=1", "-H", "Cookie: b=2"], &["/text"]),
    (&["-H", "Host: other.test"], &["/text"]),
    (&["-H", "Host: Other.Test:80"], &["/text"]),
    (&["-H", "X_Odd: a", "-H", "X-Test: b"], &["/text"]),
    (&["-H", "X-Test;"], &["/text"]),
    (&["-H", "TE: trailers"], &["/text"]),
];

fn ask(port: u16, arguments: &[&str], path: &str) -> (Answer, i32) {
    let mut command = Command::new("curl");
    command.args([
        "-s",
        "-i",
        "--path-as-is",
        "--globoff",
        "--http2-prior-knowledge",
        "--max-time",
        "20",
    ]);
    let output =
        process::run(command.args(arguments).arg(format!("http://127.0.0.1:{port}{path}")));
    let text = output.stdout;
    let at = text.windows(4).position(|part| part == b"\r\n\r\n").map_or(0, |at| at + 4);
    let head = String::from_utf8_lossy(&text[..at]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_owned(), value.to_owned()))
    });
    let answer = Answer {
        status,
        headers: headers.collect(),
        body: text[at..].to_vec(),
        ..Answer::default()
    };
    (answer, output.status.code().unwrap_or(-1))
}

/// Without what may differ: name, date, port.
fn shown((answer, code): &(Answer, i32), port: u16) -> String {
    let mut text = format!("{} (curl {code})\n", answer.status);
    for (name, value) in &answer.headers {
        // RFC 9110 §15.5.6 wants it, nginx does not have it.
        if name == "allow" {
            continue;
        }
        let value = match name.as_str() {
            "server" | "date" => "…",
            _ => value,
        };
        text.push_str(&format!("{name}: {value}\n"));
    }
    text.push_str(&String::from_utf8_lossy(&answer.body));
    let text = text.replace(&format!(":{port}"), ":PORT");
    // The name on the pages, and what its length comes to.
    let name = |text: String, from: &str| match text.find(from) {
        Some(at) => {
            let end = text[at..].find('<').map_or(text.len(), |len| at + len);
            text.replace(&text[at..end], "NAME")
        }
        None => text,
    };
    let text = name(name(text, "nginx/"), "rserve/");
    match text.contains("NAME") {
        true => text
            .lines()
            .filter(|line| !line.starts_with("content-length"))
            .collect::<Vec<_>>()
            .join("\n"),
        false => text,
    }
}

#[test]
fn the_same_requests_get_the_same_answers() {
    let server = support::start!(CONF);
    for (path, size) in [
        ("file.txt", 100),
        ("big.bin", 300_000),
        ("dir/index.html", 10),
        ("page.html", 20),
        ("index.html", 7),
    ] {
        set_modified(&server.file(&format!("html/{path}"), bytes(size)), 1_609_459_200);
    }
    let twin = Twin::start(CONF, &server);
    let mut wrong = Vec::new();
    for (arguments, paths) in CASES {
        for path in *paths {
            let theirs = ask(twin.port(), arguments, path);
            // nginx resets what it has answered before all of the body was there; curl takes that for a failure.
            if theirs.1 == 92 && arguments.contains(&"-d") {
                continue;
            }
            let theirs = shown(&theirs, twin.port());
            let ours = shown(&ask(server.port(), arguments, path), server.port());
            if ours != theirs {
                wrong
                    .push(format!("{arguments:?} {path}\n--- nginx\n{theirs}\n--- rserve\n{ours}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n\n"));
}
