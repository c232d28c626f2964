//! What is told of files: PROPFIND and OPTIONS, asked by curl.

use support::{Server, http, start};

const CONF: &str = r#"
    dav_ext_lock_zone zone=locks:1m;
    server { listen 127.0.0.1:{port}; root html;
        location / { dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK; dav_ext_lock zone=locks; }
        location /plain/ { alias html/; }
        location /closed/ { alias html/; dav_ext_methods PROPFIND; deny all; } }
"#;

fn server() -> Server {
    let server = start!(http(CONF));
    server.file("html/one & two.txt", "12345");
    server.file("html/dir/inner.txt", "1");
    server
}

fn propfind(server: &Server, path: &str, depth: &str, body: &str) -> (u16, String) {
    let depth = format!("Depth: {depth}");
    let mut args = vec!["-X", "PROPFIND", "-H", &depth];
    if !body.is_empty() {
        args.extend(["-d", body]);
    }
    let answer = server.curl(&args, path);
    (answer.status, answer.text())
}

#[test]
fn a_directory_and_what_is_in_it() {
    let server = server();
    let (status, text) = propfind(&server, "/", "1", "");
    assert_eq!(status, 207);
    for piece in [
        "<D:href>/</D:href>",
        "<D:href>/one%20&amp;%20two.txt</D:href>",
        "<D:href>/dir/</D:href>",
        "<D:displayname>one &amp; two.txt</D:displayname>",
        "<D:getcontentlength>5</D:getcontentlength>",
        "<D:resourcetype><D:collection/></D:resourcetype>",
        "<D:resourcetype></D:resourcetype>",
        "HTTP/1.1 200 OK",
    ] {
        assert!(text.contains(piece), "{piece}: {text}");
    }
    assert!(!text.contains("inner.txt"));
    let (_, text) = propfind(&server, "/dir", "0", "");
    assert!(
        text.contains("<D:href>/dir/</D:href>") && text.matches("<D:response>").count() == 1,
        "{text}"
    );
    // The tag is the one that a GET has.
    let etag = server.get("/dir/inner.txt").header("ETag").expect("a tag").to_owned();
    let (_, text) = propfind(&server, "/dir/inner.txt", "0", "");
    assert!(text.contains(&format!("<D:getetag>{etag}</D:getetag>")), "{text}");
}

#[test]
fn what_is_asked_for_and_what_is_not_there() {
    let server = server();
    let asked = r#"<D:propfind xmlns:D="DAV:"><D:prop><D:getcontentlength/><x:colour xmlns:x="urn:&quot;x"/></D:prop></D:propfind>"#;
    let (status, text) = propfind(&server, "/dir/inner.txt", "0", asked);
    assert_eq!(status, 207);
    assert!(
        text.contains("<D:getcontentlength>1</D:getcontentlength>")
            && !text.contains("displayname"),
        "{text}"
    );
    assert!(
        text.contains("<x:colour xmlns:x=\"") && text.contains("HTTP/1.1 404 Not Found"),
        "{text}"
    );
    for (path, depth, body, expected) in [
        ("/none", "0", "", 404),
        ("/", "infinity", "", 403),
        ("/", "2", "", 400),
        ("/", "0", "<no xml", 400),
        ("/", "0", "<!DOCTYPE a SYSTEM \"/etc/passwd\"><a/>", 400),
        ("/plain/", "0", "", 405),
        ("/closed/", "0", "", 403),
    ] {
        assert_eq!(propfind(&server, path, depth, body).0, expected, "{path} {depth} {body}");
    }
    let long = format!("<a>{}</a>", "x".repeat(100_000));
    assert_eq!(propfind(&server, "/", "0", &long).0, 413);
}

#[test]
fn methods_are_told() {
    let server = server();
    let answer = server.curl(&["-X", "OPTIONS"], "/");
    assert_eq!((answer.status, answer.header("DAV")), (200, Some("1")));
    assert_eq!(
        answer.header("Allow"),
        Some("OPTIONS,GET,HEAD,PUT,DELETE,MKCOL,COPY,MOVE,PROPFIND")
    );
    assert_eq!(server.curl(&["-X", "LOCK"], "/dir/").status, 405);
}
