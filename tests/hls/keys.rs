//! Encrypted segments.

use support::wait_for;

use crate::checker::Checker;
use crate::ffmpeg::decoded;
use crate::film::{self, Publisher};
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
            assert!(bytes[0] != 0x47 && bytes.len() % 16 == 0, "{}", segment.uri);
        }
        let got = decoded(&server.url("/hls/s/index.m3u8"), "0:v");
        let wanted = decoded(&film::path().to_string_lossy(), "0:v");
        assert!(got.len() > 100 && wanted.starts_with(&got), "{more}: {}", got.len());
    }
}
