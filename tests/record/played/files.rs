//! Files by Range, while they grow and after: who would break it is the recorder that writes over their heads.

use support::{Answer, Server, process, wait_for};

use super::{FMP4, list, number, record, text};
use crate::film::Publisher;
use crate::recorded::{names, path};
use crate::up;

/// Where the head of a file ends.
fn head(bytes: &[u8]) -> usize {
    let number =
        |at: usize| u32::from_be_bytes(*bytes[at..].first_chunk().expect("a number")) as usize;
    match bytes.starts_with(b"FLV") {
        true => 13 + 11 + (number(13) & 0xFF_FFFF) + 4,
        false => number(0) + number(number(0)),
    }
}

fn range(server: &Server, name: &str, range: &str) -> Answer {
    server.curl(&["-H", &format!("Range: bytes={range}")], &format!("/dvr/s/{name}"))
}

#[test]
fn a_growing_file_is_given_as_far_as_it_will_stay() {
    for settings in ["record all; record_suffix -%s.flv;", FMP4] {
        let server = up(settings);
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(3000);
        wait_for("a part", || {
            list(&server, "").first().is_some_and(|it| number(it, "size") > 40_000.0)
        });
        let name = text(&list(&server, "")[0], "file");
        let first = server.get(&format!("/dvr/s/{name}"));
        let etag = first.header("ETag").expect("a tag").to_owned();
        assert_eq!((first.status, first.header("Last-Modified")), (200, None));
        assert_eq!(first.header("Accept-Ranges"), Some("bytes"));
        let part = range(&server, &name, "1000-1999");
        assert_eq!((part.status, &part.body[..]), (206, &first.body[1000..2000]));
        publisher.run(5000);
        wait_for("more", || {
            list(&server, "")
                .first()
                .is_some_and(|it| number(it, "size") > first.body.len() as f64 + 30_000.0)
        });
        let second = server.get(&format!("/dvr/s/{name}"));
        assert!(second.body.starts_with(&first.body), "what was given stays");
        assert_ne!(second.header("ETag"), Some(&*etag));
        let rest = range(&server, &name, &format!("{}-", first.body.len()));
        let total = rest
            .header("Content-Range")
            .and_then(|it| it.rsplit('/').next()?.parse::<usize>().ok());
        assert_eq!(total.map(|total| total - first.body.len()), Some(rest.body.len()));
        assert!(rest.body.starts_with(&second.body[first.body.len()..]));
        assert_eq!(range(&server, &name, "99999999-").status, 416);
        // It is another by now: all of it is sent.
        let condition = format!("If-Range: {etag}");
        let again =
            server.curl(&["-H", &condition, "-H", "Range: bytes=0-9"], &format!("/dvr/s/{name}"));
        assert_eq!(again.status, 200);
        publisher.end();
        wait_for("its end", || list(&server, "")[0]["grows"] == false);
        let whole = server.get(&format!("/dvr/s/{name}"));
        assert_eq!(whole.body, std::fs::read(path(&server, &name)).expect("it"));
        // The head alone has changed.
        let head = first.body.iter().zip(&whole.body).rposition(|(one, other)| one != other);
        assert!(head.is_some_and(|head| head < 140_000), "{head:?}");
        let etag = whole.header("ETag").expect("a tag").to_owned();
        wait_for("a date that tells", || {
            server.get(&format!("/dvr/s/{name}")).header("Last-Modified").is_some()
        });
        let same =
            server.curl(&["-H", &format!("If-None-Match: {etag}")], &format!("/dvr/s/{name}"));
        assert_eq!(same.status, 304);
        let part = server.curl(
            &["-H", &format!("If-Range: {etag}"), "-H", "Range: bytes=5-9"],
            &format!("/dvr/s/{name}"),
        );
        assert_eq!((part.status, &part.body[..]), (206, &whole.body[5..10]));
        let head = server.curl(&["-I"], &format!("/dvr/s/{name}"));
        assert_eq!(head.header("Content-Length"), Some(&*whole.body.len().to_string()));
        let media_type = if name.ends_with("flv") { "video/x-flv" } else { "video/mp4" };
        assert_eq!(head.header("Content-Type"), Some(media_type));
        assert_eq!(server.curl(&["-X", "POST"], &format!("/dvr/s/{name}")).status, 405);
    }
}

/// The recorder's worker is killed while somebody reads: what was read is in the file that is whole at the end.
#[test]
fn what_was_given_before_a_worker_died_is_so_afterwards() {
    for settings in [
        "record all; record_suffix -%s.flv; publish_grace 2s;",
        &format!("{FMP4} publish_grace 2s;"),
    ] {
        let server = up(settings);
        let mut publisher = Publisher::new(&server, "s");
        let worker = server.connected_worker();
        publisher.run(5000);
        wait_for("a part", || {
            list(&server, "").first().is_some_and(|it| number(it, "size") > 80_000.0)
        });
        let name = text(&list(&server, "")[0], "file");
        let first = server.get(&format!("/dvr/s/{name}"));
        process::kill(&[worker]);
        publisher.break_off();
        // A new worker makes it whole at once, and then it goes on.
        let is_whole =
            |it: &serde_json::Value| it["grows"] == false && number(it, "duration") > 4.9;
        wait_for("its end", || list(&server, "").first().is_some_and(is_whole));
        let (bytes, was) = (std::fs::read(path(&server, &name)).expect("it"), &first.body);
        // Who begins it again may know more of it: that is in the head.
        assert!(bytes[head(&bytes)..].starts_with(&was[head(was)..]), "{settings}");
        let etag = first.header("ETag").expect("a tag");
        let conditions = ["-H", "Range: bytes=0-9", "-H", &format!("If-Range: {etag}")];
        assert_eq!(server.curl(&conditions, &format!("/dvr/s/{name}")).status, 200);
    }
}

#[test]
fn names_that_mean_something_else_are_asked_for_as_files() {
    let server = up("record all; record_format fmp4; recorder second { record_path other; }");
    // A stream that is called so.
    let mut publisher = Publisher::new(&server, "video");
    publisher.run(1000);
    publisher.end();
    let list = || server.get("/dvr/video/").text();
    wait_for("both", || list().matches("\"grows\":false").count() == 2);
    assert!(list().contains("\"url\":\"video.mp4?file\""), "{}", list());
    assert!(list().contains("\"url\":\"video.mp4?file&recorder=second\""), "{}", list());
    let file = server.get("/dvr/video/video.mp4?file");
    assert_eq!(file.body, std::fs::read(path(&server, "video.mp4")).expect("it"));
    let other = server.get("/dvr/video/video.mp4?file&recorder=second");
    assert_eq!(other.body, std::fs::read(server.path("other/video.mp4")).expect("it"));
    assert_ne!(server.get("/dvr/video/video.mp4").body, file.body);
    assert_eq!(names(&server), ["video.mp4"]);
}

/// Files in directories that the suffix names.
#[test]
fn names_with_slashes_are_one_name() {
    let start = crate::about_to(crate::conf("record all; record_suffix /day.flv;"));
    crate::make(&start.dir().path("rec/s"));
    let server = start.start();
    let file = record(&server, 1000);
    assert_eq!(file, "s%2Fday.flv");
    let answer = server.get("/dvr/s/s%252Fday.flv");
    assert_eq!(answer.body, std::fs::read(server.path("rec/s/day.flv")).expect("it"));
    for name in ["s/day.flv", "s%2Fday.flv", "day.flv"] {
        assert_eq!(server.get(&format!("/dvr/s/{name}")).status, 404, "{name}");
    }
    // A link in the place of the directory leads nowhere.
    std::fs::rename(server.path("rec/s"), server.path("rec/t")).expect("renamed");
    std::os::unix::fs::symlink(server.path("rec/t"), server.path("rec/s")).expect("a link");
    assert_eq!(server.get("/dvr/s/s%252Fday.flv").status, 404);
}
