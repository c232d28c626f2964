//! Parts of files.

use support::transport::reason;
use support::{Answer, Server, bytes, set_modified, site, start};

const SIZE: usize = 200_000;

fn serving(body: &str) -> Server {
    let server = start!(site(&format!("root html; types {{ text/plain txt; }} {body}")));
    set_modified(&server.file("html/a.txt", bytes(SIZE)), 1_609_459_200);
    server.file("html/empty.txt", "");
    server
}

fn ask(server: &Server, path: &str, range: &str) -> Answer {
    server.curl(&["--header", &format!("Range: {range}")], path)
}

#[test]
fn one_part() {
    for way in [
        "",
        "sendfile on;",
        "aio threads;",
        "aio threads; sendfile on;",
        "file_cache 1m max_file=1m;",
        "file_cache off;",
    ] {
        let server = serving(way);
        let all = bytes(SIZE);
        let size = SIZE;
        for (range, from, to) in [
            ("0-0", 0, 1),
            ("0-99", 0, 100),
            ("100-199999", 100, size),
            ("199999-", size - 1, size),
            ("5-", 5, size),
            ("-1", size - 1, size),
            ("-70000", size - 70_000, size),
            ("-999999999", 0, size),
            ("1000-999999999999", 1000, size),
            (" 7 - 9 ", 7, 10),
        ] {
            let answer = ask(&server, "/a.txt", &format!("bytes={range}"));
            assert_eq!(
                (answer.status, answer.reason.as_str()),
                (206, reason("Partial Content")),
                "{range}"
            );
            let content_range = format!("bytes {from}-{}/{size}", to - 1);
            assert_eq!(answer.header("Content-Range"), Some(content_range.as_str()));
            assert_eq!(answer.header("Content-Length"), Some((to - from).to_string().as_str()));
            assert_eq!(answer.header("Accept-Ranges"), None);
            assert!(answer.body == all[from..to], "{range} with {way}");
        }
    }
}

#[test]
fn what_curl_asks_for_piece_by_piece_is_the_file() {
    let server = serving("sendfile on;");
    let pieces = (0..SIZE).step_by(33_333).map(|from| format!("{from}-{}", from + 33_332));
    let whole: Vec<u8> =
        pieces.flat_map(|range| server.curl(&["--range", &range], "/a.txt").body).collect();
    assert!(whole == bytes(SIZE));
    let half = server.dir().file("half", &bytes(SIZE)[..77_777]);
    let half = half.to_str().expect("a name");
    server.curl(&["--continue-at", "-", "--output", half, "--no-include"], "/a.txt");
    assert!(std::fs::read(half).expect("a file") == bytes(SIZE), "resumed");
}

#[test]
fn several_parts() {
    for way in ["", "sendfile on;", "aio threads;", "file_cache off;"] {
        let server = serving(way);
        let all = bytes(SIZE);
        let answer = ask(&server, "/a.txt", "bytes=100000-169999, 0-4,-3");
        assert_eq!(answer.status, 206);
        let kind = answer.header("Content-Type").unwrap_or_default();
        let boundary = kind.strip_prefix("multipart/byteranges; boundary=").expect("several parts");
        assert!(boundary.len() == 20 && boundary.bytes().all(|byte| byte.is_ascii_digit()));
        let mut wanted = Vec::new();
        for (from, to) in [(100_000, 170_000), (0, 5), (SIZE - 3, SIZE)] {
            let last = to - 1;
            let head = format!(
                "\r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes {from}-{last}/{SIZE}\r\n\r\n"
            );
            wanted.extend_from_slice(head.as_bytes());
            wanted.extend_from_slice(&all[from..to]);
        }
        wanted.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        assert_eq!(answer.header("Content-Length"), Some(wanted.len().to_string().as_str()));
        assert_eq!(answer.header("Content-Range"), None);
        assert!(answer.body == wanted, "{way}");
    }
}

#[test]
fn what_is_not_understood_or_too_much_is_the_whole_file() {
    let server = serving(
        "location /one/ { alias html/; max_ranges 1; }
        location /off/ { alias html/; range off; } location /zero/ { alias html/; max_ranges 0; }",
    );
    for (path, range) in [
        ("/a.txt", "items=0-1"),
        ("/a.txt", "bytes"),
        ("/a.txt", "bytes="),
        ("/a.txt", "bytes=0-,0-"),
        ("/one/a.txt", "bytes=0-1,3-4"),
        ("/off/a.txt", "bytes=0-1"),
        ("/zero/a.txt", "bytes=0-1"),
        ("/empty.txt", "bytes=0-"),
    ] {
        let answer = ask(&server, path, range);
        assert_eq!(answer.status, 200, "{path} {range}");
        assert_eq!(answer.body.len(), if path == "/empty.txt" { 0 } else { SIZE });
        let announced = !path.starts_with("/off") && !path.starts_with("/zero");
        assert_eq!(answer.header("Accept-Ranges").is_some(), announced, "{path}");
    }
    assert_eq!(ask(&server, "/one/a.txt", "bytes=0-1").status, 206);
}

#[test]
fn what_is_not_there_is_not_satisfiable() {
    let server = serving("");
    for range in [
        "bytes=200000-",
        "bytes=300000-400000",
        "bytes=-0",
        "bytes=5-3",
        "bytes=x",
        "bytes=,",
        "bytes=0-1-2",
        "bytes=99999999999999999999-",
    ] {
        let answer = ask(&server, "/a.txt", range);
        assert_eq!(
            (answer.status, answer.reason.as_str()),
            (416, reason("Requested Range Not Satisfiable")),
            "{range}"
        );
        assert_eq!(answer.header("Content-Range"), Some("bytes */200000"));
        assert_eq!(answer.header("Content-Type"), Some("text/html"));
        for absent in ["ETag", "Last-Modified", "Accept-Ranges"] {
            assert_eq!(answer.header(absent), None, "{range}");
        }
        assert!(answer.keeps(), "{range}");
    }
    assert_eq!(ask(&server, "/empty.txt", "bytes=1-").status, 416);
}

#[test]
fn head_tells_of_the_part() {
    let server = serving("");
    let answer = server.curl(&["--head", "--range", "10-19"], "/a.txt");
    assert_eq!((answer.status, answer.header("Content-Length")), (206, Some("10")));
    assert_eq!(answer.header("Content-Range"), Some("bytes 10-19/200000"));
}

#[test]
fn if_range_wants_the_file_unchanged() {
    let server = serving("");
    let ask = |condition: &str| {
        server
            .curl(&["--range", "0-1", "--header", &format!("If-Range: {condition}")], "/a.txt")
            .status
    };
    assert_eq!(ask("\"5fee6600-30d40\""), 206);
    assert_eq!(ask("Fri, 01 Jan 2021 00:00:00 GMT"), 206);
    for other in [
        "\"x\"",
        "W/\"5fee6600-30d40\"",
        "Fri, 01 Jan 2021 00:00:01 GMT",
        "Thu, 31 Dec 2020 23:59:59 GMT",
        "x",
        "*",
    ] {
        assert_eq!(ask(other), 200, "{other}");
    }
}

#[test]
fn a_file_beyond_four_gigabytes() {
    let server = serving("sendfile on;");
    let path = server.path("html/huge");
    let size = (5 << 30) + 3;
    let file = std::fs::File::create(path).expect("a file");
    file.set_len(size).expect("a sparse file");
    std::os::unix::fs::FileExt::write_all_at(&file, b"end", size - 3).expect("written");
    let answer = ask(&server, "/huge", "bytes=5368709120-");
    assert_eq!((answer.status, answer.text().as_str()), (206, "end"));
    assert_eq!(answer.header("Content-Range"), Some("bytes 5368709120-5368709122/5368709123"));
    let head = server.curl(&["--head"], "/huge");
    assert_eq!(head.header("Content-Length"), Some("5368709123"));
    assert_eq!(ask(&server, "/huge", "bytes=4294967295-4294967296").body, [0, 0]);
}
