//! Encrypted segments.

use std::time::{SystemTime, UNIX_EPOCH};

use support::wait_for;

use crate::checker::{Checker, Playlist};
use crate::ffmpeg::decoded;
use crate::film::{self, Publisher};
use crate::low_latency::check_deltas;
use crate::up;

#[test]
fn ffmpeg_reads_what_is_encrypted_and_keys_change() {
    for (more, keys) in [("", 1), ("hls_fragments_per_key 2;", 3), ("hls_format fmp4;", 1)] {
        let server = up(&format!("hls_keys on; hls_fragment 1s; hls_playlist_length 60s; {more}"));
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(5000);
        publisher.end();
        let mut checker = Checker::new("/hls/s/video.m3u8");
        wait_for("the end", || checker.look(&server).is_some_and(|now| now.ended));
        let now = checker.look(&server).expect("a playlist");
        let mut used: Vec<&String> =
            now.segments.iter().filter_map(|segment| segment.key.as_ref()).collect();
        assert_eq!(used.len(), now.segments.len(), "{}", now.text);
        used.dedup();
        assert!((keys..=keys + 1).contains(&used.len()), "{}", now.text);
        for key in used {
            let answer = checker.fetch(&server, key);
            assert_eq!((answer.status, answer.body.len()), (200, 16));
            assert_eq!(answer.header("Cache-Control"), Some("no-store"));
        }
        assert_eq!(checker.fetch(&server, "17.key").status, 404);
        for (_, segment, bytes) in checker.all() {
            // One byte may be what it was.
            let is_plain = bytes.iter().step_by(188).all(|&byte| byte == 0x47);
            assert!(!is_plain && bytes.len().is_multiple_of(16), "{}", segment.uri);
        }
        let got = decoded(&server.url("/hls/s/index.m3u8"), "0:v");
        let wanted = decoded(&film::path().to_string_lossy(), "0:v");
        assert!(got.len() > 100 && wanted.starts_with(&got), "{more}: {}", got.len());
    }
}

/// Who leaves out the segments that were told with a key is told of it again: hls.js forgets it.
#[test]
fn a_delta_has_the_key_that_is_in_force() {
    let server = up("hls_keys on; hls_fragments_per_key 8; hls_type event; hls_fragment 1s;");
    let (mut publisher, mut checker) =
        (Publisher::new(&server, "s"), Checker::new("/hls/s/video.m3u8"));
    let mut left_out = 0;
    for _ in 0..20 {
        publisher.run(1000);
        let Some(now) = checker.look(&server) else { continue };
        left_out += check_deltas(&server, "/hls/s/video.m3u8", &now);
    }
    assert!(left_out > 0, "all of it is told again and again");
}

/// A playlist of the oldest segment that is listed, with its key and what a decoder needs first; and the addresses of that
/// segment and that key.
fn oldest(text: &str, directory: &str) -> (String, [String; 2]) {
    let full = |line: &str| line.replacen("URI=\"", &format!("URI=\"{directory}"), 1);
    let name = text.lines().find(|line| !line.starts_with('#')).expect("a segment");
    let before = text.lines().take_while(|line| *line != name);
    let tag = |tag: &str| before.clone().filter(|line| line.starts_with(tag)).last();
    let key = full(tag("#EXT-X-KEY").expect("a key"));
    let map = tag("#EXT-X-MAP").map_or_else(String::new, |line| full(line) + "\n");
    let length = tag("#EXTINF").expect("a length");
    let version = if map.is_empty() { 3 } else { 6 };
    let (head, name) = (format!("#EXTM3U\n#EXT-X-VERSION:{version}"), format!("{directory}{name}"));
    let list = format!("{head}\n#EXT-X-TARGETDURATION:1\n{map}{key}\n{length}\n{name}\n");
    let key = key.split('"').nth(1).expect("an address").to_owned();
    (format!("{list}#EXT-X-ENDLIST\n"), [name, key])
}

/// Keys change, and each can be had as long as a segment that it is for: the oldest one that is listed is decrypted at any time,
/// from memory and from files.
#[test]
fn an_old_key_lives_as_long_as_its_segments() {
    for more in [
        "hls_fragments_per_key 2;",
        "hls_fragments_per_key 3; hls_key_path files/keys; hls_key_url ../keys/;",
        "hls_fragments_per_key 1; hls_format fmp4; hls_nested on;",
    ] {
        let files = "hls_path files/hls; hls_fragment 1s; hls_playlist_length 3s;";
        let server = up(&format!("hls_keys on; {files} publish_grace 20s; {more}"));
        let nested = more.contains("nested");
        let list = if nested { "/files/hls/s/index.m3u8" } else { "/files/hls/s.m3u8" };
        let mut publisher = Publisher::new(&server, "s");
        let mut known: Vec<[String; 2]> = Vec::new();
        for round in 0..14 {
            publisher.run(1500);
            if round == 7 {
                publisher.break_off();
                publisher.come_back(&server, "s");
            }
            for list in ["/hls/s/video.m3u8", list] {
                if round < 3 {
                    continue;
                }
                wait_for("a list", || server.get(list).status == 200);
                let answer = server.get(list);
                let directory = &list[..list.rfind('/').expect("a path") + 1];
                let (one, addresses) = oldest(&answer.text(), directory);
                server.file("files/one.m3u8", one);
                let frames = decoded(&server.url("/files/one.m3u8"), "0:v");
                let told = Playlist::read(&answer.text()).segments[0].duration * 25.0;
                assert!(frames.len() as f64 > told - 5.0, "{}\n{}", frames.len(), answer.text());
                if !known.contains(&addresses) {
                    known.push(addresses);
                }
            }
            for [segment, key] in &known {
                let there = || server.get(segment).status == 200;
                let lives = !there() || server.get(key).status == 200 || !there();
                assert!(lives, "{segment} is there without {key}");
            }
        }
        let gone = |address: &String| server.get(address).status == 404;
        wait_for("the oldest keys to go", || {
            publisher.run(1000);
            known[0].iter().all(&gone) && known[1].iter().all(&gone)
        });
    }
}

/// Players keep a key by its name: who begins anew has other secrets, and gives them other names.
#[test]
fn a_cold_start_has_keys_of_other_names() {
    let mut server = up("hls_keys on; hls_fragment 1s; hls_fragments_per_key 100000;");
    let mut names = Vec::new();
    for _ in 0..2 {
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(3500);
        let mut checker = Checker::new("/hls/s/video.m3u8");
        wait_for("segments", || {
            checker.look(&server).is_some_and(|now| {
                names.extend(now.segments.iter().filter_map(|segment| segment.key.clone()));
                !now.segments.is_empty()
            })
        });
        // Numbers are seconds: what begins in the same one begins with the same one.
        let second = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let begun = second();
        wait_for("other seconds", || second() > begun + 4);
        server.kill_everything();
        server.start_again().expect("it starts");
        wait_for("the workers", || server.workers().len() == 2);
    }
    names.dedup();
    assert_eq!(names.len(), 2, "{names:?}");
}
