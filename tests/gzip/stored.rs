//! What is kept compressed: `gzip_static`, `gunzip`.

use support::{Twin, raw, site};

use crate::{get, gzip, same, text};

#[test]
fn who_cannot_take_it_gets_it_plain() {
    let plain = text(300_000);
    let conf =
        site("root html; gunzip on; gzip_vary on; gzip_static always; default_type text/plain;");
    let bomb = gzip(&vec![0; 200 << 20]);
    let whole = gzip(plain.as_bytes());
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(&conf)
        .file("html/x.gz", &whole)
        .file("html/two.gz", [&whole[..], &whole].concat())
        .file("html/cut.gz", &whole[..whole.len() / 2])
        .file("html/none.gz", "this is no gzip at all, whatever its header says")
        .file("html/bomb.gz", &bomb)
        .start();
    let twin = Twin::start(&conf, &server);
    let both = same(&server, &twin, &get("/x", ""));
    assert_eq!((both.header("Content-Encoding"), both.body == plain.as_bytes()), (None, true));
    same(&server, &twin, &get("/x", "Accept-Encoding: gzip\r\n"));
    let two = server.get("/two");
    assert!(two.body == [plain.as_bytes(), plain.as_bytes()].concat());
    for broken in ["/cut", "/none"] {
        let answer = raw(server.port(), get(broken, "").as_bytes());
        assert!(!answer.ends_with(b"0\r\n\r\n"), "{broken}");
    }
    // Two hundred megabytes out of two hundred kilobytes, and nobody reads them.
    let mut wire = server.wire();
    wire.send(get("/bomb", ""));
    wire.until("\r\n\r\n");
    let worker = server.workers()[0];
    let status = std::fs::read_to_string(format!("/proc/{worker}/status")).expect("a worker");
    let line = status.lines().find(|line| line.starts_with("RssAnon")).expect("a line").to_owned();
    let kilobytes: u64 =
        line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number");
    assert!(kilobytes < 20_000, "{line}");
    let length: usize = wire.rest().len();
    assert!(length > 200 << 20, "{length}");
}

#[test]
fn files_that_are_compressed_already() {
    let conf = site(
        "root html; gzip_vary on; default_type text/plain;
         location /on/ { alias html/; gzip_static on; }
         location /always/ { alias html/; gzip_static always; }
         location /both/ { alias html/; gzip_static on; gzip on; gzip_types *; }
         location /quiet/ { alias html/; gzip_static on; gzip_vary off; }
         location /tagless/ { alias html/; gzip_static on; etag off; }",
    );
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(&conf)
        .file("html/a.txt", text(5000))
        .file("html/a.txt.gz", gzip(text(5000).as_bytes()))
        .file("html/b.txt", text(5000))
        .file("html/c.txt.gz", gzip(text(400).as_bytes()))
        .file("html/d.txt", text(5000))
        .file("html/d.txt.gz/x", "a folder")
        .start();
    let twin = Twin::start(&conf, &server);
    let fields = [
        "",
        "Accept-Encoding: gzip\r\n",
        "Accept-Encoding: gzip\r\nRange: bytes=0-9\r\n",
        "Accept-Encoding: gzip\r\nVia: x\r\n",
        "Accept-Encoding: gzip\r\nIf-None-Match: *\r\n",
    ];
    for place in ["", "/on", "/always", "/both", "/quiet", "/tagless"] {
        for file in ["a.txt", "b.txt", "c.txt", "d.txt", "none.txt"] {
            for fields in fields {
                let path = format!("{place}/{file}");
                same(&server, &twin, &get(&path, fields));
                let head = get(&path, fields).replacen("GET", "HEAD", 1);
                same(&server, &twin, &head);
            }
        }
    }
    let post = get("/on/a.txt", "Accept-Encoding: gzip\r\nContent-Length: 0\r\n");
    same(&server, &twin, &post.replacen("GET", "POST", 1));
}
