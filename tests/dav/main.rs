//! WebDAV's methods that change files: beside nginx, and where it is not enough to be as nginx.

mod as_nginx;
mod links;
mod propfind;
mod threads;
mod trees;
mod whole;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use support::{Answer, Server, answers, http, raw, start};

const CONF: &str = r#"
    server { listen 127.0.0.1:{port}; server_name localhost; root html;
        client_max_body_size 1m; client_body_buffer_size 8k;
        location / { dav_methods PUT DELETE MKCOL COPY MOVE; }
        location /made/ { dav_methods PUT; create_full_put_path on; dav_access user:rw group:r all:r; }
        location /deep/ { dav_methods DELETE; min_delete_depth 3; }
        location /get/ { }
        location /put/ { dav_methods PUT; }
        location /threads/ { dav_methods PUT DELETE; aio threads; }
        location /alias/ { alias html/dir/; dav_methods PUT DELETE COPY MOVE MKCOL; }
        location /page/ { dav_methods DELETE; error_page 404 =200 /file.txt; }
    }
"#;

/// The files of a server, made afresh: each case begins with them.
fn fill(html: &Path) {
    let _ = fs::remove_dir_all(html);
    for dir in ["dir/sub", "empty", "deep/a/b", "get", "put", "made", "page", "threads"] {
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
            } else if !kind.is_file() {
                found.push(format!("{name}: {kind:?}"));
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
    server_of("")
}

/// One with further words in the main context.
fn server_of(words: &str) -> Server {
    let server = start!(format!("{words}{}", conf()));
    fill(&server.path("html"));
    server
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
