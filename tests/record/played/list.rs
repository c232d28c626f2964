//! The list: who would break it is a stranger's file, a journal of ten thousand lines, one whose lock somebody holds.

use support::wait_for;

use super::{FMP4, journal, list, number, record, rewrite, text};
use crate::film::Publisher;
use crate::recorded::{is_closed, names, path};
use crate::up;

#[test]
fn a_recording_is_listed_while_it_grows_and_after() {
    let server = up("record all; record_suffix -%s.flv;
         recorder m { record_format fmp4; record_suffix .mp4; } recorder audio { record audio; record_suffix -a.flv; }");
    assert!(list(&server, "").is_empty());
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(4000);
    wait_for("all of them", || list(&server, "").len() == 3);
    for recording in list(&server, "") {
        assert_eq!(recording["grows"], true);
        assert!(number(&recording, "size") > 0.0 && number(&recording, "duration") >= 0.0);
    }
    publisher.end();
    wait_for("their ends", || {
        list(&server, "").iter().all(|recording| recording["grows"] == false)
    });
    for recording in list(&server, "") {
        let (file, recorder) = (text(&recording, "file"), text(&recording, "recorder"));
        let about = std::fs::metadata(path(&server, &file)).expect("the file");
        assert_eq!(number(&recording, "size"), about.len() as f64);
        let duration = number(&recording, "duration");
        assert!((3.9..4.2).contains(&duration), "{duration} of {file}");
        let format = if recorder == "m" { "fmp4" } else { "flv" };
        assert_eq!(text(&recording, "format"), format);
        let begin = number(&recording, "begin_unix");
        let ago = std::time::UNIX_EPOCH.elapsed().expect("a clock").as_secs_f64() - begin;
        assert!((0.0..60.0).contains(&ago));
        assert!(text(&recording, "begin").ends_with('Z'));
        let answer = server.get(&format!("/dvr/s/{}", text(&recording, "url")));
        assert_eq!(answer.body, std::fs::read(path(&server, &file)).expect("it"), "{file}");
        let one = server.get(&format!("/one/{recorder}/s/"));
        assert!(
            recorder.is_empty() || one.text().matches("\"file\"").count() == 1,
            "{}",
            one.text()
        );
        assert_eq!(list(&server, &format!("?recorder={recorder}")).len(), 1);
    }
    assert!(list(&server, "?recorder=none").is_empty());
    assert_eq!(server.get("/dvr/another/").text().trim(), "[\n]");
}

#[test]
fn pages_of_the_list_follow_each_other() {
    let server = up(FMP4);
    record(&server, 1000);
    // Five more of them, a second apart, that are the same file.
    let line = std::fs::read_to_string(journal(&server)).expect("the journal");
    let file = names(&server)[0].clone();
    let mut all = String::new();
    for number in 0..6u64 {
        let other = format!("s-{number}.mp4");
        std::fs::hard_link(path(&server, &file), path(&server, &other)).expect("linked");
        all.push_str(&line.replace(&file, &other));
    }
    std::fs::write(journal(&server), all).expect("written");
    rewrite(&journal(&server), |entry| {
        let number: u64 = entry["path"]
            .as_str()
            .and_then(|path| path.rsplit(['-', '.']).nth(1)?.parse().ok())
            .expect("a number");
        if entry["began"].as_array().is_some_and(|began| !began.is_empty()) {
            entry["began"][0][1] = (1_700_000_000_000 + number * 1000).into();
        }
    });
    let page = |args: &str| {
        let list = list(&server, args);
        list.iter().map(|it| text(it, "file")[2..3].to_owned()).collect::<String>()
    };
    assert_eq!(page(""), "543210");
    assert_eq!(page("?limit=2"), "54");
    assert_eq!(page("?limit=2&before=1700000004"), "32");
    assert_eq!(page("?before=2023-11-14T22:13:21Z"), "0");
    assert_eq!(page("?before=-1&limit=1"), "5");
    assert_eq!(
        server.get("/few/s/?limit=9").text().matches("\"file\"").count(),
        3,
        "record_play_limit"
    );
    for bad in ["limit=0", "limit=-1", "limit=1e9", "before=x", "before=1e999", "limit="] {
        assert_eq!(server.get(&format!("/dvr/s/?{bad}")).status, 400, "{bad}");
    }
}

#[test]
fn ten_thousand_recordings_are_listed_in_pages() {
    let server = up(FMP4);
    let file = record(&server, 1000);
    let line = std::fs::read_to_string(journal(&server)).expect("the journal");
    let mut all = String::new();
    for number in 0..10_000 {
        // Those of other streams, and those that nobody has any more.
        let lines = line.replace(&file, &format!("gone-{number}.mp4"));
        all.push_str(&if number % 2 == 0 { lines.replace("\"s\"", "\"t\"") } else { lines });
    }
    all.push_str(&line);
    std::fs::write(journal(&server), all).expect("written");
    let found = list(&server, "");
    assert_eq!(found.len(), 1);
    assert_eq!(text(&found[0], "file"), file);
    assert_eq!(server.get("/dvr/s/index.m3u8").status, 200);
}

/// A process that has the journal's lock and stands still.
#[test]
fn a_journal_that_somebody_holds_keeps_nobody_waiting() {
    let server = up(FMP4);
    let file = record(&server, 1000);
    let held = std::process::Command::new("flock")
        .arg("--no-fork")
        .arg(journal(&server).with_extension("journal.lock"))
        .args(["sh", "-c", "echo held; exec sleep 600"])
        .stdout(std::process::Stdio::piped())
        .spawn();
    let mut held = held.expect("flock");
    let mut said = [0; 5];
    std::io::Read::read_exact(held.stdout.as_mut().expect("its output"), &mut said)
        .expect("it is held");
    // The journal is as it was known.
    assert_eq!(list(&server, "").len(), 1);
    // It has changed, and is read by nobody who waits.
    let mut text = std::fs::OpenOptions::new().append(true).open(journal(&server)).expect("it");
    std::io::Write::write_all(&mut text, b"\n").expect("written");
    for _ in 0..4 {
        assert_eq!(server.get("/dvr/s/").status, 200);
    }
    assert_eq!(server.get("/stat").status, 200);
    held.kill().expect("killed");
    held.wait().expect("ended");
    wait_for("the list", || server.get("/dvr/s/").text().contains(&file));
}

#[test]
fn only_what_a_recorder_has_made_is_there() {
    let server = up("record all; record_format fmp4; record_suffix -%s.mp4;");
    let first = record(&server, 1000);
    let bytes = std::fs::read(path(&server, &first)).expect("it");
    // A stranger's file beside it, a link, one in its place.
    std::fs::write(path(&server, "s-2.mp4"), &bytes).expect("written");
    std::os::unix::fs::symlink(path(&server, &first), path(&server, "s-3.mp4")).expect("a link");
    assert_eq!(list(&server, "").len(), 1);
    for name in ["s-2.mp4", "s-3.mp4", ".rserve-live.journal", "s.mp4"] {
        assert_eq!(server.get(&format!("/dvr/s/{name}")).status, 404, "{name}");
    }
    std::fs::rename(path(&server, &first), path(&server, "moved.mp4")).expect("moved");
    std::fs::write(path(&server, &first), &bytes).expect("written");
    assert!(list(&server, "").is_empty());
    for name in [&first, "moved.mp4", "index.m3u8", "video.mp4"] {
        assert_eq!(server.get(&format!("/dvr/s/{name}")).status, 404, "{name}");
    }
    std::fs::remove_file(path(&server, &first)).expect("removed");
    // A link to what it was.
    std::os::unix::fs::symlink(path(&server, "moved.mp4"), path(&server, &first)).expect("a link");
    assert!(list(&server, "").is_empty());
    assert_eq!(server.get(&format!("/dvr/s/{first}")).status, 404);
    std::fs::remove_file(path(&server, &first)).expect("removed");
    std::fs::rename(path(&server, "moved.mp4"), path(&server, &first)).expect("moved back");
    assert_eq!(list(&server, "").len(), 1);
    assert!(is_closed(&path(&server, &first)));
}

/// What was recorded is known after a restart, and after a crash.
#[test]
fn recordings_outlive_the_server() {
    let mut server = up("record all; record_suffix -%s.flv;");
    let first = record(&server, 2000);
    server.stop();
    server.start_again().expect("it starts");
    assert_eq!(text(&list(&server, "")[0], "file"), first);
    let now = || std::time::UNIX_EPOCH.elapsed().expect("a clock").as_secs();
    let second = now();
    wait_for("another second", || now() > second);
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(4000);
    wait_for("a part of it", || {
        list(&server, "").first().is_some_and(|it| number(it, "size") > 200_000.0)
    });
    server.kill_everything();
    drop(publisher);
    server.start_again().expect("it starts");
    wait_for("it is whole", || list(&server, "").iter().all(|it| it["grows"] == false));
    let found = list(&server, "");
    assert_eq!(found.len(), 2);
    let duration = number(&found[0], "duration");
    assert!((1.0..4.1).contains(&duration), "its head tells it: {duration}");
}
