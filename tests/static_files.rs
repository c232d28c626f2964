//! Files: GET, HEAD and what else there is to a URI.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use support::{Server, bytes, http, process, set_modified, site, start};

fn serving(body: &str) -> Server {
    start!(site(&format!("root html; {body}")))
}

#[test]
fn a_file_comes_with_all_that_is_known_of_it() {
    let server = serving("types { text/html html; text/css css; }");
    set_modified(&server.file("html/a.html", "hello"), 1_609_459_200);
    let answer = server.get("/a.html");
    assert_eq!(
        (answer.status, answer.reason.as_str(), answer.text().as_str()),
        (200, "OK", "hello")
    );
    let fields: Vec<_> = answer.headers.iter().map(|(name, _)| name.as_str()).collect();
    let wanted =
        "Server Date Content-Type Content-Length Last-Modified Connection ETag Accept-Ranges";
    assert_eq!(fields, wanted.split(' ').collect::<Vec<_>>());
    assert_eq!(answer.header("Server"), Some(concat!("rserve/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(answer.header("Content-Type"), Some("text/html"));
    assert_eq!(answer.header("Content-Length"), Some("5"));
    assert_eq!(answer.header("Last-Modified"), Some("Fri, 01 Jan 2021 00:00:00 GMT"));
    assert_eq!(answer.header("ETag"), Some("\"5fee6600-5\""));
    assert_eq!(answer.header("Connection"), Some("keep-alive"));
}

#[test]
fn head_is_get_without_the_body() {
    let server = serving("");
    server.file("html/a.txt", bytes(100_000));
    let (get, head) = (server.get("/a.txt"), server.curl(&["--head"], "/a.txt"));
    let without_date = |answer: &support::Answer| {
        let all = answer.headers.iter().filter(|(name, _)| name != "Date");
        all.cloned().collect::<Vec<_>>()
    };
    assert_eq!(without_date(&get), without_date(&head));
    assert_eq!((get.body.len(), head.body.len()), (100_000, 0));
}

#[test]
fn other_methods_are_refused_and_told_which_are_not() {
    let server = serving("location = /posted { return 200 ok; }");
    server.file("html/a.txt", "hello");
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "LOCK"] {
        let answer = server.curl(&["--request", method], "/a.txt");
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("GET, HEAD")), "{method}");
        assert!(answer.keeps(), "{method}");
    }
    assert_eq!(server.curl(&["--data", "x"], "/posted").status, 200);
    assert_eq!(server.curl(&["--request", "TRACE"], "/posted").status, 405);
}

#[test]
fn bodies_of_all_sizes_in_all_ways() {
    let ways = [
        "sendfile off;",
        "sendfile on;",
        "sendfile on; sendfile_max_chunk 10k;",
        "aio threads;",
        "aio threads; sendfile on;",
        "output_buffers 1 4k;",
        "file_cache off;",
        "file_cache off; sendfile on; aio threads;",
        "file_cache 1m max_file=1m;",
    ];
    let locations: String = ways
        .iter()
        .enumerate()
        .map(|(at, way)| format!("location /{at}/ {{ alias html/; {way} }}\n"))
        .collect();
    let server = serving(&locations);
    let sizes = [
        0, 1, 1459, 1460, 4095, 4096, 4097, 16_384, 32_768, 32_769, 65_535, 65_536, 65_537,
        1_048_577, 5_000_000,
    ];
    for size in sizes {
        server.file(&format!("html/{size}"), bytes(size));
    }
    for (at, way) in ways.iter().enumerate() {
        let mut wire = server.wire();
        for size in sizes.into_iter().chain(sizes) {
            assert!(wire.send(format!("GET /{at}/{size} HTTP/1.1\r\nHost: x\r\n\r\n")));
            let answer = wire.answer();
            assert_eq!((answer.status, answer.complete), (200, true), "{size} with {way}");
            assert!(answer.body == bytes(size), "{size} bytes with {way}");
        }
    }
}

#[test]
fn many_clients_at_once_get_what_they_asked_for() {
    let server = start!(format!("worker_processes 2;\n{}", site("root html; sendfile on;")));
    let sizes: Vec<usize> = (1..=8).map(|at| at * 123_457).collect();
    for size in &sizes {
        server.file(&format!("html/{size}"), bytes(*size));
    }
    std::thread::scope(|scope| {
        for size in sizes.iter().cycle().take(32) {
            let server = &server;
            scope.spawn(move || assert!(server.get(&format!("/{size}")).body == bytes(*size)));
        }
    });
}

#[test]
fn a_directory_is_asked_for_with_its_slash() {
    let server = serving(
        "location /relative/ { absolute_redirect off; alias html/; }
        location /without-port/ { port_in_redirect off; alias html/; }",
    );
    server.file("html/dir/index.html", "index");
    server.file("html/a b%/index.html", "odd");
    let port = server.port();
    let location = |path: &str| {
        let answer = server.get(path);
        assert_eq!(answer.status, 301, "{path}");
        answer.header("Location").unwrap_or_default().to_owned()
    };
    assert_eq!(location("/dir"), format!("http://127.0.0.1:{port}/dir/"));
    assert_eq!(location("/dir?a=b"), format!("http://127.0.0.1:{port}/dir/?a=b"));
    assert_eq!(location("/a%20b%25"), format!("http://127.0.0.1:{port}/a%20b%25/"));
    assert_eq!(location("/relative/dir"), "/relative/dir/");
    assert_eq!(location("/without-port/dir"), "http://127.0.0.1/without-port/dir/");
    assert_eq!(server.get("/dir/").text(), "index");
    assert_eq!(server.get("/a%20b%25/").text(), "odd");
}

#[test]
fn index_is_the_first_that_exists() {
    let server = serving(
        "index none.html b.html a.html; location /absolute/ { index none /b.html; }
        location /variable/ { index $arg_name; }",
    );
    for path in ["a.html", "b.html", "only-a/a.html", "absolute/x", "variable/y.html"] {
        server.file(&format!("html/{path}"), path);
    }
    fs::create_dir(server.path("html/empty")).expect("a directory");
    assert_eq!(server.get("/").text(), "b.html");
    assert_eq!(server.get("/only-a/").text(), "only-a/a.html");
    assert_eq!(server.get("/absolute/").text(), "b.html");
    assert_eq!(server.get("/variable/?name=y.html").text(), "variable/y.html");
    assert_eq!(server.get("/empty/").status, 403);
    assert!(
        server.error_log().contains("directory index of \"")
            && server.error_log().contains("/html/empty/\" is forbidden")
    );
    assert_eq!(server.get("/missing/").status, 404);
    assert_eq!(server.get("/a.html/").status, 404);
}

#[test]
fn what_cannot_be_served_is_refused() {
    let server = serving("location /quiet/ { log_not_found off; }");
    fs::set_permissions(server.file("html/secret", "x"), Permissions::from_mode(0o000))
        .expect("chmod");
    server.file("html/closed/a.txt", "x");
    fs::set_permissions(server.path("html/closed"), Permissions::from_mode(0o000)).expect("chmod");
    process::run(Command::new("mkfifo").arg(server.path("html/pipe")));
    assert_eq!(server.get("/secret").status, 403);
    assert_eq!(server.get("/closed/a.txt").status, 403);
    assert_eq!(server.get("/closed/").status, 403);
    assert_eq!(server.get("/pipe").status, 404);
    assert_eq!(server.get("/none").status, 404);
    assert_eq!(server.get("/quiet/none").status, 404);
    assert_eq!(server.get("/pipe/x").status, 404);
    assert_eq!(server.get(&format!("/{}", "x".repeat(300))).status, 404);
    let log = server.error_log();
    assert!(log.contains("html/none\" failed (2: No such file or directory), client: 127.0.0.1, server: , request: \"GET /none HTTP/1.1\""), "{log}");
    assert!(!log.contains("quiet/none\" failed"));
    fs::set_permissions(server.path("html/closed"), Permissions::from_mode(0o755)).expect("chmod");
}

#[test]
fn names_may_be_odd() {
    let server = serving("");
    let names = [
        "a b",
        "a%b",
        "a?b",
        "a#b",
        "ä€🎈",
        "a\"b'",
        "a\\b",
        "a\nb",
        "a\u{1}b",
        "-",
        "...",
        ".hidden",
        "a;b",
        "a+b",
        "*",
        "~x",
        "a:b",
        "<x>&",
    ];
    for name in names {
        server.file(&format!("html/{name}"), name);
        let escaped: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
        assert_eq!(server.get(&format!("/{escaped}")).text(), name, "{name:?}");
    }
    let longest = "x".repeat(255);
    server.file(&format!("html/{longest}"), "long");
    assert_eq!(server.get(&format!("/{longest}")).text(), "long");
}

#[test]
fn types_by_extension() {
    let server = start!(http(
        "types { text/html html htm; text/x-c c; } default_type a/b;
        server { listen 127.0.0.1:{port}; root html;
            location /own/ { alias html/; types { x/y html; } }
            location /none/ { alias html/; types {} default_type c/d; } }"
    ));
    for name in ["a.html", "a.HTM", "a.tar.c", "a", "html", "a.", ".c", "d.c/x"] {
        server.file(&format!("html/{name}"), "");
    }
    let kind =
        |path: &str| server.get(path).header("Content-Type").map(str::to_owned).unwrap_or_default();
    let found = ["/a.html", "/a.HTM", "/a.tar.c", "/a", "/html", "/a.", "/.c", "/d.c/x"].map(kind);
    assert_eq!(
        found,
        ["text/html", "text/html", "text/x-c", "a/b", "a/b", "a/b", "text/x-c", "a/b"]
    );
    assert_eq!(kind("/own/a.html"), "x/y");
    assert_eq!(kind("/own/.c"), "a/b");
    assert_eq!(kind("/none/a.html"), "c/d");
}

#[test]
fn what_is_not_wanted_is_not_told() {
    let server = serving("server_tokens off; etag off; range off;");
    server.file("html/a.txt", "hello");
    let answer = server.get("/a.txt");
    assert_eq!(answer.header("Server"), Some("rserve"));
    assert_eq!((answer.header("ETag"), answer.header("Accept-Ranges")), (None, None));
    assert!(server.get("/none").text().contains("<hr><center>rserve</center>"));
}
