//! `autoindex`, beside nginx, and its own page.

use std::os::unix::ffi::OsStrExt;

use support::{Server, Twin, answers, http, raw, start};

const CONF: &str = r#"
    server { listen 127.0.0.1:{port}; root html; autoindex on;
        location / { }
        location /short/ { alias html/; autoindex_exact_size off; }
        location /local/ { alias html/; autoindex_localtime on; }
        location /json/ { alias html/; autoindex_format json; }
        location /jsonp/ { alias html/; autoindex_format jsonp; }
        location /xml/ { alias html/; autoindex_format xml; }
        location /off/ { alias html/; autoindex off; }
        location /style/ { alias html/; autoindex_style on; }
    }
"#;

fn tree(server: &Server) {
    for dir in [
        "utf8",
        "b-dir",
        "a dir",
        "empty",
        "<dir>&\"",
        "d234567890123456789012345678901234567890123456789",
        "d2345678901234567890123456789012345678901234567890",
    ] {
        std::fs::create_dir_all(server.path("html").join(dir)).expect("a directory");
    }
    for (name, size) in [
        ("a.txt", 0),
        ("b", 999),
        ("c", 9999),
        ("d", 10_000),
        ("e", 10_239),
        ("f", 10_240),
        ("g", 1_048_575),
        ("h", 1_048_576),
        ("i", 1_600_000),
        ("j", 3_000_000_000),
        (".hidden", 5),
        ("x:y", 1),
        ("a?b#c%d", 1),
        ("<script>", 1),
        ("utf8/é", 1),
        ("f2345678901234567890123456789012345678901234567890", 1),
        ("f23456789012345678901234567890123456789012345678901", 1),
        ("utf8/ää345678901234567890123456789012345678901234567890", 1),
        ("utf8/ää34567890123456789012345678901234567890123456789012345", 1),
        ("a\nb", 1),
        ("quote\"back\\slash", 1),
        ("~tilde_-.", 1),
    ] {
        let path = server.path("html").join(name);
        std::fs::File::create(&path).expect("a file").set_len(size).expect("a length");
    }
    let odd = server.path("html").join(std::ffi::OsStr::from_bytes(b"odd\xff\xfename"));
    std::fs::write(odd, "x").expect("a file");
    std::os::unix::fs::symlink("nowhere", server.path("html/broken")).expect("a link");
    std::os::unix::fs::symlink("b-dir", server.path("html/link")).expect("a link");
}

fn told(port: u16, method: &str, path: &str) -> (u16, Option<String>, Vec<u8>) {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let methods = if method == "HEAD" { &["HEAD"][..] } else { &[] };
    let answers = answers(&raw(port, request.as_bytes()), methods);
    let answer = answers.into_iter().next().expect("an answer");
    let content_type = answer.header("Content-Type").map(str::to_owned);
    let body = if answer.status == 200 { answer.body } else { Vec::new() };
    (answer.status, content_type, body)
}

#[test]
fn lists_are_those_of_nginx() {
    let server = start!(http(CONF));
    tree(&server);
    let twin = Twin::start(http(&CONF.replace("autoindex_style on;", "")), &server);
    for path in [
        "/",
        "/b-dir/",
        "/empty/",
        "/b-dir",
        "/none/",
        "/short/",
        "/local/",
        "/json/",
        "/json/empty/",
        "/xml/",
        "/off/",
        "/jsonp/",
        "/jsonp/?callback=f",
        "/jsonp/?callback=a.b[1]_2",
        "/jsonp/?callback=alert(1)",
        "/jsonp/?callback=%3Cscript%3E",
        "/%3Cdir%3E&%22/",
        "/a.txt/",
    ] {
        for method in ["GET", "HEAD", "POST"] {
            let (ours, theirs) =
                (told(server.port(), method, path), told(twin.port(), method, path));
            let text = |body: &[u8]| String::from_utf8_lossy(body).into_owned();
            assert_eq!((ours.0, &ours.1), (theirs.0, &theirs.1), "{method} {path}");
            assert_eq!(text(&ours.2), text(&theirs.2), "{method} {path}");
        }
    }
}

#[test]
fn the_page_for_people_has_all_of_it_and_runs_nothing_of_it() {
    let server = start!(http(CONF));
    tree(&server);
    let page = server.get("/style/").text();
    for piece in [
        "<title>/style/</title>",
        "href=\"a%20dir/\"",
        "href=\"x%3Ay\"",
        "3.0 GB",
        "&lt;script&gt;",
        "href=\"../\"",
    ] {
        assert!(page.contains(piece), "{piece}: {page}");
    }
    assert!(!page.contains("<script>") && !page.contains(".hidden"));
    let empty = server.get("/style/empty/").text();
    assert!(
        empty.contains("Nothing here") && empty.contains("<a href=\"./\">empty</a>"),
        "{empty}"
    );
}

#[test]
fn what_cannot_be_read_is_an_answer_too() {
    use std::os::unix::fs::PermissionsExt;
    let server = start!(http(CONF));
    std::fs::create_dir(server.path("html/closed")).expect("a directory");
    std::fs::set_permissions(server.path("html/closed"), std::fs::Permissions::from_mode(0o711))
        .expect("set");
    assert_eq!(server.get("/closed/").status, 403);
    assert!(server.error_log().contains("opendir() \""), "{}", server.error_log());
}

#[test]
fn links_lead_nowhere_where_they_may_not() {
    let server = start!(http(
        "server { listen 127.0.0.1:{port}; root html; autoindex on;
            location /open/ { alias html/; }
            location /closed/ { alias html/; disable_symlinks on from=$document_root; }
            location /random/ { alias html/; random_index on; disable_symlinks on from=$document_root; } }"
    ));
    server.file("elsewhere/secret.txt", "secret");
    std::os::unix::fs::symlink(server.path("elsewhere"), server.path("html/link")).expect("a link");
    assert!(server.get("/open/link/").text().contains("secret.txt"));
    for place in ["/closed/link/", "/random/link/"] {
        let answer = server.get(place);
        assert!(matches!(answer.status, 403 | 404) && !answer.text().contains("secret"), "{place}");
    }
    assert_eq!(server.get("/closed/").status, 200);
}
