//! WebDAV's methods that change files: beside nginx, and where it is not enough to be as nginx.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use support::{Answer, Server, Twin, answers, http, raw, start};

const CONF: &str = r#"
    server { listen 127.0.0.1:{port}; server_name localhost; root html;
        client_max_body_size 1m; client_body_buffer_size 8k;
        location / { dav_methods PUT DELETE MKCOL COPY MOVE; }
        location /made/ { dav_methods PUT; create_full_put_path on; dav_access user:rw group:r all:r; }
        location /deep/ { dav_methods DELETE; min_delete_depth 3; }
        location /get/ { }
        location /put/ { dav_methods PUT; }
        location /alias/ { alias html/dir/; dav_methods PUT DELETE COPY MOVE MKCOL; }
        location /page/ { dav_methods DELETE; error_page 404 =200 /file.txt; }
    }
"#;

/// The files of a server, made afresh: each case begins with them.
fn fill(html: &Path) {
    let _ = fs::remove_dir_all(html);
    for dir in ["dir/sub", "empty", "deep/a/b", "get", "put", "made", "page"] {
        fs::create_dir_all(html.join(dir)).expect("a directory");
    }
    for (path, text) in [
        ("file.txt", "0123456789"),
        ("other.txt", "other"),
        ("dir/one", "one"),
        ("dir/sub/two", "two"),
        ("deep/a/b/c", "c"),
        ("deep/d", "d"),
        ("get/x", "x"),
    ] {
        fs::write(html.join(path), text).expect("a file");
    }
    symlink("file.txt", html.join("link")).expect("a link");
    symlink("dir", html.join("dirlink")).expect("a link");
}

/// Everything that is there: paths, kinds, contents.
fn tree(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).expect("a directory").flatten() {
            let (path, kind) = (entry.path(), entry.file_type().expect("a kind"));
            let name = path.strip_prefix(root).expect("inside").display().to_string();
            if kind.is_dir() {
                found.push(format!("{name}/"));
                open.push(path);
            } else if kind.is_symlink() {
                found.push(format!("{name} -> {}", fs::read_link(path).expect("a link").display()));
            } else {
                found.push(format!("{name}: {}", fs::read_to_string(path).expect("text")));
            }
        }
    }
    found.sort();
    found
}

fn ask(port: u16, line: &str, fields: &str, body: &str) -> Answer {
    let fields = fields.replace("{port}", &port.to_string());
    let request =
        format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n{body}");
    let bytes = raw(port, request.as_bytes());
    let method = line.split(' ').next().unwrap_or_default();
    let mut all = answers(&bytes, &[method]);
    assert!(!all.is_empty(), "{line} {fields}: {}", String::from_utf8_lossy(&bytes));
    all.remove(0)
}

/// The files are this user's, whoever that is.
fn conf() -> String {
    format!("user root;\n{}", http(CONF))
}

fn server() -> Server {
    let server = start!(conf());
    fill(&server.path("html"));
    server
}

/// Lines, fields and bodies for which nginx's answer, and what it does to the files, is the measure.
const AS_NGINX: &[(&str, &str, &str)] = &[
    ("PUT /new", "Content-Length: 3\r\n", "abc"),
    ("PUT /new%20name%C3%A4", "Content-Length: 3\r\n", "abc"),
    ("PUT /file.txt", "Content-Length: 3\r\n", "abc"),
    ("PUT /empty-file", "Content-Length: 0\r\n", ""),
    ("PUT /chunked", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"),
    ("PUT /dir", "Content-Length: 3\r\n", "abc"),
    ("PUT /dir/", "Content-Length: 3\r\n", "abc"),
    ("PUT /new/", "Content-Length: 3\r\n", "abc"),
    ("PUT /new", "Content-Length: 3\r\nContent-Range: bytes 0-2/3\r\n", "abc"),
    ("PUT /link", "Content-Length: 3\r\n", "abc"),
    ("PUT /made/a/b/c", "Content-Length: 3\r\n", "abc"),
    ("PUT /get/x", "Content-Length: 3\r\n", "abc"),
    ("PUT /put/../new", "Content-Length: 3\r\n", "abc"),
    ("PUT /alias/three", "Content-Length: 3\r\n", "abc"),
    ("PUT /large", "Content-Length: 2000000\r\n", ""),
    ("DELETE /file.txt", "", ""),
    ("DELETE /file.txt", "Depth: 0\r\n", ""),
    ("DELETE /file.txt", "Depth: 1\r\n", ""),
    ("DELETE /file.txt", "Depth: infinity\r\n", ""),
    ("DELETE /file.txt", "Depth: x\r\n", ""),
    ("DELETE /file.txt", "Content-Length: 3\r\n", "abc"),
    ("DELETE /file.txt/", "", ""),
    ("DELETE /none", "", ""),
    ("DELETE /none/none", "", ""),
    ("DELETE /dir", "", ""),
    ("DELETE /dir/", "", ""),
    ("DELETE /dir/", "Depth: 0\r\n", ""),
    ("DELETE /empty/", "", ""),
    ("DELETE /link", "", ""),
    ("DELETE /dirlink", "", ""),
    ("DELETE /put/x", "", ""),
    ("DELETE /deep/d", "", ""),
    ("DELETE /deep/a/b/c", "", ""),
    ("DELETE /deep/a/", "", ""),
    ("DELETE /deep/a/b/", "", ""),
    ("DELETE /page/none", "", ""),
    ("MKCOL /new/", "", ""),
    ("MKCOL /new", "", ""),
    ("MKCOL /dir/", "", ""),
    ("MKCOL /file.txt/", "", ""),
    ("MKCOL /none/none/", "", ""),
    ("MKCOL /new/", "Content-Length: 3\r\n", "abc"),
    ("COPY /file.txt", "", ""),
    ("COPY /file.txt", "Destination: /new\r\n", ""),
    ("COPY /file.txt", "Destination: http://localhost:{port}/new\r\n", ""),
    ("COPY /file.txt", "Destination: http://localhost/new\r\n", ""),
    ("COPY /file.txt", "Destination: http://elsewhere/new\r\n", ""),
    ("COPY /file.txt", "Destination: ftp://localhost/new\r\n", ""),
    ("COPY /file.txt", "Destination: new\r\n", ""),
    ("COPY /file.txt", "Destination: http://localhost\r\n", ""),
    ("COPY /file.txt", "Destination: /../new\r\n", ""),
    ("COPY /file.txt", "Destination: /dir/%2e%2e/new\r\n", ""),
    ("COPY /file.txt", "Destination: /new%00\r\n", ""),
    ("COPY /file.txt", "Destination: /new%20name\r\n", ""),
    ("COPY /file.txt", "Destination: /new/\r\n", ""),
    ("COPY /file.txt", "Destination: /other.txt\r\n", ""),
    ("COPY /file.txt", "Destination: /other.txt\r\nOverwrite: F\r\n", ""),
    ("COPY /file.txt", "Destination: /other.txt\r\nOverwrite: T\r\n", ""),
    ("COPY /file.txt", "Destination: /other.txt\r\nOverwrite: x\r\n", ""),
    ("COPY /file.txt", "Destination: /new\r\nOverwrite: F\r\n", ""),
    ("COPY /file.txt", "Destination: /dir\r\n", ""),
    ("COPY /file.txt", "Destination: /dir/new\r\n", ""),
    ("COPY /file.txt", "Destination: /new\r\nDepth: 1\r\n", ""),
    ("COPY /file.txt", "Destination: /new\r\nDepth: 0\r\n", ""),
    ("COPY /file.txt", "Destination: /new\r\nContent-Length: 3\r\n", "abc"),
    ("COPY /none", "Destination: /new\r\n", ""),
    ("COPY /dir", "Destination: /new\r\n", ""),
    ("COPY /dir/", "Destination: /new\r\n", ""),
    ("COPY /dir/", "Destination: /new/\r\n", ""),
    ("COPY /dir/", "Destination: /empty/\r\n", ""),
    ("COPY /alias/one", "Destination: /alias/three\r\n", ""),
    ("COPY /put/x", "Destination: /new\r\n", ""),
    ("MOVE /file.txt", "", ""),
    ("MOVE /file.txt", "Destination: /new\r\n", ""),
    ("MOVE /file.txt", "Destination: /other.txt\r\n", ""),
    ("MOVE /file.txt", "Destination: /other.txt\r\nOverwrite: F\r\n", ""),
    ("MOVE /file.txt", "Destination: /new\r\nDepth: 0\r\n", ""),
    ("MOVE /file.txt", "Destination: /new/\r\n", ""),
    ("MOVE /none", "Destination: /new\r\n", ""),
    ("MOVE /dir/", "Destination: /new/\r\n", ""),
    ("MOVE /dir/", "Destination: /empty/\r\n", ""),
    ("MOVE /link", "Destination: /new\r\n", ""),
    ("PROPFIND /", "", ""),
    ("GET /file.txt", "", ""),
];

#[test]
fn files_and_answers_are_as_nginx_leaves_them() {
    let server = server();
    let twin = Twin::start(conf(), &server);
    let html = server.path("html");
    let mut differ = Vec::new();
    for (line, fields, body) in AS_NGINX {
        let mut outcomes = Vec::new();
        for port in [server.port(), twin.port()] {
            fill(&html);
            let answer = ask(port, line, fields, body);
            let location =
                answer.header("Location").map(|to| to.replace(&port.to_string(), "PORT"));
            let length = answer.header("Content-Length").filter(|_| answer.status < 300);
            outcomes.push((answer.status, location, length.map(str::to_owned), tree(&html)));
        }
        if outcomes[0] != outcomes[1] {
            differ
                .push(format!("{line} {fields}: {:?}\n    nginx: {:?}", outcomes[0], outcomes[1]));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(AS_NGINX.len() > 80);
}

/// Where nginx does harm, or answers what RFC 4918 does not.
#[test]
fn what_nginx_does_worse() {
    let server = server();
    let html = server.path("html");
    for (line, fields, status, why) in [
        // nginx: 500.
        ("PUT /none/none", "Content-Length: 3\r\n", 409, "RFC 4918 §9.7.1: no parent"),
        // nginx truncates the file.
        ("COPY /file.txt", "Destination: /file.txt\r\n", 403, "RFC 4918 §9.8.5: the same"),
        ("COPY /file.txt", "Destination: /link\r\n", 204, "a link is replaced, not followed"),
        ("MOVE /file.txt", "Destination: /file.txt\r\n", 403, "RFC 4918 §9.9.4: the same"),
        // nginx copies until the path is too long.
        ("COPY /dir/", "Destination: /dir/sub/new/\r\n", 403, "a tree into itself"),
        ("COPY /dir/", "Destination: /dirlink/sub/new/\r\n", 403, "the same through a link"),
        ("MOVE /dir/", "Destination: /dir/sub/new/\r\n", 403, "a tree into itself"),
        ("COPY /dir/sub/", "Destination: /dir/\r\n", 403, "a tree onto what it is in"),
        // nginx compares the beginning alone.
        ("COPY /file.txt", "Destination: http://localhost.example/new\r\n", 400, "another host"),
        (
            "COPY /alias/one",
            "Destination: /new\r\n",
            500,
            "nginx cuts the path at the alias's length",
        ),
        ("DELETE /", "", 403, "nginx empties the root"),
        ("COPY /file.txt", "Destination: /none/new\r\n", 409, "RFC 4918 §9.8.5: no parent"),
    ] {
        fill(&html);
        let before = tree(&html);
        let answer = ask(server.port(), line, fields, "abc");
        assert_eq!(answer.status, status, "{line} {fields}: {why}");
        if status >= 400 {
            assert_eq!(tree(&html), before, "{line} {fields}: {why}");
        }
    }
}

/// nginx goes where a link in a tree leads, and fails where it leads nowhere.
#[test]
fn links_in_a_tree_are_not_followed() {
    let server = server();
    let html = server.path("html");
    symlink("nowhere", html.join("dir/dangling")).expect("a link");
    symlink("../other.txt", html.join("dir/outside")).expect("a link");
    symlink("../deep", html.join("dir/tree")).expect("a link");
    assert_eq!(ask(server.port(), "COPY /dir/", "Destination: /copy/\r\n", "").status, 201);
    assert_eq!(tree(&html.join("copy")), ["one: one", "sub/", "sub/two: two"]);
    assert_eq!(ask(server.port(), "MOVE /dir/", "Destination: /moved/\r\n", "").status, 201);
    assert!(html.join("moved/tree").is_symlink());
    // nginx copies as many bytes as the link's own text has.
    assert_eq!(ask(server.port(), "COPY /link", "Destination: /file\r\n", "").status, 204);
    assert_eq!(fs::read_to_string(html.join("file")).expect("a copy"), "0123456789");
    assert_eq!(ask(server.port(), "DELETE /moved/", "", "").status, 204);
    assert_eq!(ask(server.port(), "DELETE /dirlink/", "", "").status, 409);
    assert!(html.join("other.txt").exists() && html.join("deep/a/b/c").exists());
}

#[test]
fn modes_and_dates_are_as_written() {
    let server = server();
    let html = server.path("html");
    let date = "Date: Mon, 01 Jan 2001 00:00:00 GMT\r\nContent-Length: 1\r\n";
    assert_eq!(ask(server.port(), "PUT /dated", date, "x").status, 201);
    let about = fs::metadata(html.join("dated")).expect("a file");
    assert_eq!((about.mtime(), about.mode() & 0o777), (978_307_200, 0o600));
    assert_eq!(ask(server.port(), "PUT /made/x/y", "Content-Length: 1\r\n", "x").status, 201);
    assert_eq!(fs::metadata(html.join("made/x/y")).expect("a file").mode() & 0o777, 0o644);
    assert_eq!(fs::metadata(html.join("made/x")).expect("a directory").mode() & 0o777, 0o755);
    assert_eq!(ask(server.port(), "MKCOL /dir2/", "", "").status, 201);
    assert_eq!(fs::metadata(html.join("dir2")).expect("a directory").mode() & 0o777, 0o700);
    fs::set_permissions(html.join("file.txt"), fs::Permissions::from_mode(0o640)).expect("a mode");
    assert_eq!(ask(server.port(), "COPY /file.txt", "Destination: /copy\r\n", "").status, 204);
    assert_eq!(fs::metadata(html.join("copy")).expect("a file").mode() & 0o777, 0o640);
}

/// Bodies that are not what they say, or never end: nothing is written, nothing is left.
#[test]
fn a_broken_body_leaves_nothing_behind() {
    let server = server();
    let html = server.path("html");
    let before = tree(&html);
    for (fields, body) in [
        ("Content-Length: 1000000\r\n", "x".repeat(500_000)),
        ("Content-Length: 10\r\n", "x".to_owned()),
        ("Transfer-Encoding: chunked\r\n", format!("{:x}\r\n{}", 900_000, "x".repeat(100_000))),
        ("Transfer-Encoding: chunked\r\n", "zz\r\nabc".to_owned()),
        ("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\nabc".to_owned()),
        ("Transfer-Encoding: chunked\r\n", "3\r\nabcdef\r\n".to_owned()),
        (
            "Transfer-Encoding: chunked\r\n",
            format!("{:x}\r\n{}\r\n", 1_100_000, "x".repeat(1_100_000)),
        ),
        ("Content-Length: -1\r\n", String::new()),
        ("Content-Length: 99999999999999999999\r\n", String::new()),
        ("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n".to_owned()),
    ] {
        for name in ["file.txt", "new", "made/a/b/c"] {
            let mut wire = server.wire();
            wire.send(format!("PUT /{name} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n{body}"));
            wire.half_close();
            let _ = wire.rest();
            assert_eq!(tree(&html), before, "{fields}");
        }
    }
    assert_eq!(server.get("/file.txt").text(), "0123456789");
}

/// Whoever reads sees the old file or the new one, whatever its length.
#[test]
fn a_file_changes_at_once() {
    let server = server();
    let (short, long) = ("a".repeat(50_000), "b".repeat(900_000));
    let put = |body: &str| {
        let fields = format!("Content-Length: {}\r\n", body.len());
        assert!(ask(server.port(), "PUT /file.txt", &fields, body).status < 300);
    };
    put(&short);
    std::thread::scope(|scope| {
        let writer =
            scope.spawn(|| (0..20).for_each(|n| put(if n % 2 == 0 { &long } else { &short })));
        while !writer.is_finished() {
            let text = server.get("/file.txt").text();
            assert!(text == short || text == long, "{} bytes", text.len());
        }
    });
}

/// A disk that is full: 507, and what was there is there.
#[test]
fn a_full_disk_loses_nothing() {
    let server = server();
    let html = server.path("html");
    let small = html.join("small");
    fs::create_dir(&small).expect("a directory");
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=256k", "none"])
        .arg(&small)
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        // Only root can do that; elsewhere the file's own limit has to do (see the test of signals).
        return;
    }
    let outcome = std::panic::catch_unwind(|| {
        let put = |path: &str, len: usize| {
            let fields = format!("Content-Length: {len}\r\n");
            ask(server.port(), &format!("PUT {path}"), &fields, &"x".repeat(len)).status
        };
        assert_eq!(put("/small/file", 100_000), 201);
        let before = tree(&small);
        assert_eq!(put("/small/file", 500_000), 507);
        assert_eq!(put("/small/other", 500_000), 507);
        assert_eq!(put("/large", 500_000), 201);
        let copied = ask(server.port(), "COPY /large", "Destination: /small/copy\r\n", "");
        assert_eq!(copied.status, 507);
        fs::write(html.join("dir/large"), "x".repeat(400_000)).expect("a file");
        let copied = ask(server.port(), "COPY /dir/", "Destination: /small/dir/\r\n", "");
        assert_eq!(copied.status, 507);
        assert_eq!(tree(&small), before);
        let moved = ask(server.port(), "MOVE /dir/", "Destination: /small/dir/\r\n", "");
        assert_eq!(moved.status, 507);
        assert_eq!(tree(&small), before);
        // What was to be replaced is there again.
        fs::create_dir(small.join("kept")).expect("a directory");
        fs::write(small.join("kept/old"), "old").expect("a file");
        let before = tree(&small);
        let moved = ask(server.port(), "MOVE /dir/", "Destination: /small/kept/\r\n", "");
        assert_eq!(moved.status, 507);
        assert_eq!(tree(&small), before);
        assert_eq!(fs::read_to_string(html.join("dir/one")).expect("it stays"), "one");
        fs::remove_file(html.join("dir/large")).expect("removed");
        // Across file systems what fits is moved.
        let moved = ask(server.port(), "MOVE /dir/", "Destination: /small/dir/\r\n", "");
        assert_eq!(moved.status, 201);
        assert!(!html.join("dir").exists() && small.join("dir/sub/two").exists());
        let moved = ask(server.port(), "MOVE /other.txt", "Destination: /small/other\r\n", "");
        assert_eq!((moved.status, html.join("other.txt").exists()), (204, false));
    });
    let unmounted = std::process::Command::new("umount").arg(&small).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// A worker that is killed while it writes leaves nothing behind, and the file is the old one.
#[test]
fn a_killed_worker_leaves_nothing_behind() {
    let server = server();
    let html = server.path("html");
    let before = tree(&html);
    let mut wire = server.wire();
    let body = "x".repeat(600_000);
    wire.send(format!(
        "PUT /file.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n{body}"
    ));
    let [worker] = server.workers()[..] else { panic!("one worker") };
    server.wait_for("the body to be written", || {
        let dir = format!("/proc/{worker}/fd");
        let files = fs::read_dir(dir).into_iter().flatten().flatten();
        files
            .filter_map(|file| fs::metadata(file.path()).ok())
            .any(|about| about.is_file() && about.nlink() == 0 && about.len() > 300_000)
    });
    support::process::signal(worker, "KILL");
    server
        .wait_for("another worker", || server.workers().first().is_some_and(|pid| *pid != worker));
    assert_eq!(tree(&html), before);
    assert_eq!(server.get("/file.txt").text(), "0123456789");
}

#[test]
fn what_is_wrong_is_explained() {
    for (text, why) in [
        ("dav_methods GET;", "invalid value \"GET\""),
        ("dav_access user:w;", "invalid value \"user:w\""),
        ("dav_access other:rw;", "invalid value \"other:rw\""),
        ("min_delete_depth x;", "\"min_delete_depth\" directive"),
        ("dav_methods PUT; dav_methods PUT;", "\"dav_methods\" directive is duplicate"),
    ] {
        let conf = http(&format!("server {{ listen 127.0.0.1:{{port}}; {text} }}"));
        let (_, said) = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail();
        assert!(said.contains(why), "{text}: {said}");
    }
}
