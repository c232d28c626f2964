//! Who gets a compressed answer, and what its header says.

use support::{site, start};

use crate::{both, facts, get, gunzip, same, text};

#[test]
fn who_accepts_it_gets_it_as_from_nginx() {
    let (server, twin) = both();
    let accepted = [
        "",
        "Accept-Encoding: gzip\r\n",
        "Accept-Encoding: gzip, deflate, br\r\n",
        "Accept-Encoding: deflate, GZIP;q=0.5\r\n",
        "Accept-Encoding: gzip;q=0\r\n",
        "Accept-Encoding: gzip;q=0.000\r\n",
        "Accept-Encoding: gzip; q=1\r\n",
        "Accept-Encoding: x-gzip\r\n",
        "Accept-Encoding: *\r\n",
        "Accept-Encoding: gzip;q=abc\r\n",
        "Accept-Encoding: gzip;q=1.5\r\n",
        "Accept-Encoding: gzip;q=1.000\r\n",
        "Accept-Encoding: gzip;q=0.0001\r\n",
        "Accept-Encoding: gzip;q=0.01, br\r\n",
        "Accept-Encoding: gzip;q\r\n",
        "Accept-Encoding: gzip ,br\r\n",
        "Accept-Encoding: gzipx, gzip\r\n",
        "Accept-Encoding: br gzip\r\n",
        "Accept-Encoding: identity\r\n",
    ];
    for path in ["/a.txt", "/b.json", "/c.png", "/tiny.txt", "/", "/text", "/none"] {
        for fields in accepted {
            same(&server, &twin, &get(path, fields));
        }
    }
    let compressed = same(&server, &twin, &get("/b.json", accepted[1]));
    assert_eq!(compressed.header("Content-Encoding"), Some("gzip"));
    assert!(
        compressed.body.len() < 120_000 && gunzip(&compressed.body) == text(200_000).as_bytes()
    );
}

#[test]
fn the_configuration_says_what_and_for_whom() {
    let (server, twin) = both();
    let gzip = "Accept-Encoding: gzip\r\n";
    let via = [
        "",
        "Via: 1.1 x\r\n",
        "Via: 1.1 x\r\nAuthorization: Basic eDp5\r\n",
        "User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)\r\n",
        "User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)\r\n",
        "User-Agent: curl/7.88.1\r\n",
        "Range: bytes=0-99\r\n",
        "If-None-Match: *\r\n",
    ];
    let places = [
        "", "/level9", "/off", "/all", "/long", "/old", "/any", "/auth", "/private", "/store",
        "/dated", "/tagged", "/not-for",
    ];
    for place in places {
        for fields in via {
            for file in ["/a.txt", "/tiny.txt", "/c.png"] {
                same(&server, &twin, &get(&format!("{place}{file}"), &format!("{gzip}{fields}")));
            }
        }
        let old = format!("GET {place}/a.txt HTTP/1.0\r\n{gzip}\r\n");
        same(&server, &twin, &old);
        let head =
            format!("HEAD {place}/a.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{gzip}\r\n");
        same(&server, &twin, &head);
    }
    for path in ["/forbidden", "/gone", "/moved", "/empty"] {
        same(&server, &twin, &get(path, gzip));
    }
}

#[test]
fn answers_follow_each_other_on_one_connection() {
    let (server, _twin) = both();
    let mut wire = server.wire();
    let request =
        |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n");
    let paths = ["/a.txt", "/b.json", "/tiny.txt", "/b.json", "/text", "/c.png", "/a.txt"];
    wire.send(paths.map(request).concat());
    for path in paths {
        let answer = wire.answer();
        assert_eq!(answer.status, 200, "{path}");
        let (_, _, plain) = facts(&answer);
        assert_eq!(
            plain.len(),
            [2000, 200_000, 4, 200_000, 44, 5000, 2000]
                [paths.iter().position(|p| *p == path).expect("one")]
        );
    }
    let log = server.access_log();
    assert_eq!(log.lines().count(), paths.len(), "{log}");
}

#[test]
fn event_streams_are_compressed_as_before() {
    let conf = site(
        "sse_zone z 1m; gzip on; gzip_types *; location / { sse_subscribe c; sse_publish c; }",
    );
    let conf = conf.replace("sse_zone z 1m;", "").replace("http {", "http { sse_zone z 1m;");
    let server = start!(conf);
    let mut wire = server.wire();
    wire.send("GET /c HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n");
    let head = wire.until("\r\n\r\n");
    assert_eq!(head.matches("Content-Encoding: gzip").count(), 1, "{head}");
    assert_eq!(head.matches("Transfer-Encoding: chunked").count(), 1, "{head}");
}
