//! The newest picture of a stream.

use support::wait_for;

use crate::copies::{decoded, text};
use crate::film::{self, Publisher};
use crate::up;

#[test]
fn the_newest_key_frame_is_a_movie_of_one_picture() {
    let server = up("");
    let get = || server.get("/live/s/thumbnail.mp4");
    assert_eq!(get().status, 404);
    let mut publisher = Publisher::new(&server, "s");
    assert_eq!(get().status, 404, "there is none yet");
    publisher.run(3500);
    let first = get();
    assert_eq!((first.status, first.header("Content-Type")), (200, Some("video/mp4")));
    assert_eq!(first.header("Cache-Control"), Some("max-age=1"));
    let whole = decoded(&text(&film::path()), "0:v");
    let shown = |bytes: &[u8]| decoded(&text(&server.file("picture.mp4", bytes)), "0:v");
    assert_eq!(shown(&first.body), [whole[75].clone()]);

    let tag = first.header("ETag").expect("a tag").to_owned();
    let same = server.curl(&["-H", &format!("If-None-Match: {tag}")], "/live/s/thumbnail.mp4");
    assert_eq!((same.status, same.body.len()), (304, 0));
    publisher.run(1000);
    let next = server.curl(&["-H", &format!("If-None-Match: {tag}")], "/live/s/thumbnail.mp4");
    assert_eq!(next.status, 200);
    assert_eq!(shown(&next.body), [whole[100].clone()]);
    publisher.end();
    wait_for("the end", || get().status == 404);
}

/// Longer than a batch of the log: the picture is put together of its pieces.
#[test]
fn a_picture_may_be_long() {
    let server = up("");
    let mut publisher = crate::client::Client::publisher(&server, "s");
    let film = film::messages();
    let header = film.iter().find(|it| it.payload.first() == Some(&0x17)).expect("a header");
    publisher.video(0, &header.payload);
    let unit = [&(1u32 << 20).to_be_bytes()[..], &vec![0x65; 1 << 20]].concat();
    publisher.video(0, &[&b"\x17\x01\0\0\0"[..], &unit].concat());
    publisher.sync();
    let answer = server.get("/live/s/thumbnail.mp4");
    assert_eq!(answer.status, 200);
    assert!(answer.body.ends_with(&unit));
}
