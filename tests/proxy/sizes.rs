//! Answers of all sizes, in chunks or not, to clients who take them slowly: read ahead into memory and a file, within bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use support::{Wire, bytes, http, start};

use crate::origin::Origin;

#[test]
fn they_arrive_whole_however_they_are_framed() {
    let origin = Origin::start(|exchange| {
        let target = exchange.target().to_owned();
        let mut parts = target.split('/').skip(1);
        let (way, len) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let body = bytes(len.parse().expect("a length"));
        match way {
            "length" => exchange.answer("200 OK", "", body),
            "close" => {
                exchange.send([b"HTTP/1.0 200 OK\r\n\r\n", &body[..]].concat());
                false
            }
            size => {
                let size = size.parse().expect("a size");
                let mut all = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
                for chunk in body.chunks(size) {
                    all.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    all.extend_from_slice(chunk);
                    all.extend_from_slice(b"\r\n");
                }
                all.extend_from_slice(b"0\r\n\r\n");
                exchange.send(all)
            }
        }
    });
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}};
            location / {{ proxy_pass http://127.0.0.1:{0}/; }}
            location /lockstep/ {{ proxy_pass http://127.0.0.1:{0}/; proxy_buffering off; }}
            location /zipped/ {{ proxy_pass http://127.0.0.1:{0}/; gzip on; gzip_types *; gzip_proxied any; }} }}",
        origin.port
    )));
    for len in [0, 1, 100, 4000, 5000, 70_000, 3 << 20] {
        for way in ["length", "close", "1", "7", "300", "5000", "100000"] {
            if way == "1" && len > 100_000 {
                continue;
            }
            for base in ["", "/lockstep", "/zipped"] {
                let path = format!("{base}/{way}/{len}");
                let answer = server.curl(&["--compressed"], &path);
                assert!(
                    answer.status == 200 && answer.body == bytes(len),
                    "{path}: {}",
                    answer.body.len()
                );
            }
        }
    }
}

/// The origin gives its answer as fast as it can; how much is taken of it depends on the settings, not on the client.
#[test]
fn a_slow_client_keeps_no_peer_waiting() {
    const LEN: u64 = 30 << 20;
    for (settings, all) in [
        ("", true),
        ("proxy_max_temp_file_size 0;", false),
        ("proxy_max_temp_file_size 1m;", false),
        ("proxy_buffering off;", false),
    ] {
        let sent = Arc::new(AtomicU64::new(0));
        let told = sent.clone();
        let origin = Origin::start(move |exchange| {
            exchange.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {LEN}\r\n\r\n"));
            let piece = bytes(64 << 10);
            for _ in 0..LEN / piece.len() as u64 {
                if !exchange.send(&piece) {
                    break;
                }
                told.fetch_add(piece.len() as u64, Ordering::SeqCst);
            }
            true
        });
        let server = start!(http(&format!(
            "server {{ listen 127.0.0.1:{{port}} sndbuf=64k; location / {{ proxy_pass http://127.0.0.1:{0}; {settings} }} }}",
            origin.port
        )));
        let mut wire = Wire::open(server.port());
        wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        if all {
            server.wait_for("all of it", || sent.load(Ordering::SeqCst) == LEN);
            let memory = support::process::children(server.pid());
            let kb = memory.iter().map(|pid| support::proc::memory_kb(*pid)).max();
            assert!(kb.is_some_and(|kb| kb < 60_000), "{kb:?} kB in memory");
        } else {
            let mut before = 0;
            support::wait_for("it to stand still", || {
                let now = sent.load(Ordering::SeqCst);
                std::mem::replace(&mut before, now) == now && now > 0
            });
            assert!(before < LEN, "{settings}: all of it was taken");
        }
        let answer = wire.answer();
        let expected = bytes(64 << 10);
        assert_eq!(answer.body.len() as u64, LEN, "{settings}");
        assert!(answer.body.chunks(expected.len()).all(|piece| piece == expected), "{settings}");
    }
}

/// The disk takes no more of what is ahead: the peer waits then, and nothing of the answer is lost or out of its place.
#[test]
fn a_full_disk_loses_nothing() {
    const PIECE: usize = 50_000;
    const PIECES: usize = 200;
    let sent = Arc::new(AtomicU64::new(0));
    let told = sent.clone();
    // In chunks: no length would tell of a hole.
    let origin = Origin::start(move |exchange| {
        exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for number in 0..PIECES {
            let piece =
                [format!("{PIECE:x}\r\n").as_bytes(), &[number as u8; PIECE], b"\r\n"].concat();
            if !exchange.send(piece) {
                return false;
            }
            told.fetch_add(1, Ordering::SeqCst);
        }
        exchange.send("0\r\n\r\n")
    });
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}} sndbuf=64k;
            location / {{ proxy_pass http://127.0.0.1:{0}; proxy_temp_path small; }} }}",
        origin.port
    )));
    let Some(_small) = support::Small::at(server.path("small")) else { return };
    let mut wire = Wire::open(server.port());
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    // More than the disk takes has come when the client begins to read.
    server.wait_for("more than there is room for", || sent.load(Ordering::SeqCst) > 12);
    let answer = wire.answer();
    assert!(answer.complete && answer.body.len() == PIECES * PIECE, "{}", answer.body.len());
    let in_place = |(number, piece): (usize, &[u8])| piece.iter().all(|&byte| byte == number as u8);
    assert!(answer.body.chunks(PIECE).enumerate().all(in_place));
}
