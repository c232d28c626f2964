//! `slice`: parts of an answer are kept by themselves.

use crate::origin::Origin;
use crate::stage;

#[test]
fn slices() {
    let origin = Origin::start(|exchange| {
        let whole = crate::letters(10_000);
        let range = exchange
            .field("Range")
            .and_then(|range| range.strip_prefix("bytes="))
            .expect("a range");
        let (from, to) = range.split_once('-').expect("two");
        let from: usize = from.parse().expect("a number");
        let to = to.parse::<usize>().expect("a number").min(whole.len() - 1);
        let fields = format!(
            "ETag: \"x\"\r\nCache-Control: max-age=60\r\nContent-Range: bytes {from}-{to}/10000\r\n"
        );
        exchange.answer("206 Partial Content", &fields, &whole[from..=to])
    });
    let stage = stage(
        "slice 1k; proxy_set_header Range $slice_range; proxy_cache_key $uri$slice_range;",
        origin,
    );
    let whole = crate::letters(10_000);
    let first = stage.server.get("/");
    assert!(
        first.body == whole,
        "{} {} {:?} {:?}",
        first.status,
        first.body.len(),
        first.headers,
        stage.origin.heads()
    );
    assert_eq!((stage.origin.count(), stage.files().len()), (10, 10));
    assert!(stage.server.get("/").body == whole);
    let part = stage.server.curl(&["-r", "1500-3500"], "/");
    assert_eq!(part.status, 206);
    assert!(part.body == whole[1500..=3500]);
    assert_eq!(stage.origin.count(), 10, "all of it is kept");
    let parts = stage.server.curl(&["-I"], "/");
    assert_eq!((parts.status, parts.header("Content-Length")), (200, Some("10000")));
}

/// What has changed between two parts is no whole.
#[test]
fn slices_of_two_things() {
    let origin = Origin::start(|exchange| {
        let from = exchange
            .field("Range")
            .and_then(|range| range.split(['=', '-']).nth(1))
            .expect("a range");
        let from: usize = from.parse().expect("a number");
        let tag = if from == 2048 { "new" } else { "old" };
        let fields =
            format!("ETag: \"{tag}\"\r\nContent-Range: bytes {from}-{}/10240\r\n", from + 1023);
        exchange.answer("206 Partial Content", &fields, crate::letters(1024))
    });
    let stage = stage(
        "slice 1k; proxy_set_header Range $slice_range; proxy_cache_key $uri$slice_range;",
        origin,
    );
    let mut wire = support::Wire::open(stage.server.port());
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = wire.answer();
    assert!(!answer.complete && answer.body.len() == 2048, "{}", answer.body.len());
    assert!(stage.server.error_log().contains("a slice is of something else"));
}
