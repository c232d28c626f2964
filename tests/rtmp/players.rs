//! Players: where they begin, how they are served, what becomes of slow ones.

use std::time::Duration;

use proto::rtmp::amf::Value;
use proto::rtmp::message::{self, UserControl};
use support::{Server, process, start, wait_for};

use crate::client::Client;
use crate::flv::Flv;
use crate::frames::{aac, aac_header, avc_header, inter, inter_of, key, key_of, label, metadata};
use crate::{up, with_server};

/// Publishes headers, a group of four frames, and a second one of two.
fn two_groups(server: &Server) -> Client {
    let mut publisher = Client::publisher(server, "s");
    publisher.data(0, &metadata(640.0));
    publisher.video(100, &avc_header(1));
    publisher.audio(100, &aac_header(1));
    publisher.video(100, &key(1));
    publisher.audio(110, &aac(1));
    publisher.video(140, &inter(2));
    publisher.video(180, &inter(3));
    publisher.video(220, &key(4));
    publisher.audio(230, &aac(4));
    publisher.video(260, &inter(5));
    publisher.sync();
    publisher
}

/// Whoever joins begins with the newest group and goes on without a seam.
#[test]
fn who_joins_begins_with_headers_and_the_newest_key_frame() {
    let server = up("");
    let mut publisher = two_groups(&server);
    let mut rtmp = Client::player(&server, "s");
    let mut http = Flv::get(&server, "/live/s.flv");
    publisher.video(300, &inter(6));
    publisher.audio(310, &aac(6));
    publisher.video(340, &key(7));
    publisher.video(380, &inter(8));
    let wanted = [
        "meta@0", "vh1@0", "ah1@0", "k4@0", "a4@10", "p5@40", "p6@80", "a6@90", "k7@120", "p8@160",
    ];
    assert_eq!(rtmp.frames(10), wanted);
    assert_eq!(http.frames(10), wanted);
}

#[test]
fn many_join_a_stream_that_goes_on_and_none_sees_a_seam() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    let mut players: Vec<Client> = Vec::new();
    publisher.video(0, &avc_header(1));
    for n in 0..200 {
        let frame = if n % 10 == 0 { key_of(n, 3000) } else { inter_of(n, 500) };
        publisher.video(n * 40, &frame);
        if n % 5 == 2 {
            players.push(Client::player(&server, "s"));
        }
    }
    for player in &mut players {
        let said = player.frames_to("p199");
        let first = said[1].strip_prefix('k').and_then(|rest| rest.split('@').next());
        let first: u32 = first.and_then(|number| number.parse().ok()).expect("a key frame");
        assert_eq!(said[0], "vh1@0");
        let letter = |n| if n % 10 == 0 { 'k' } else { 'p' };
        let wanted: Vec<String> =
            (first..200).map(|n| format!("{}{n}@{}", letter(n), (n - first) * 40)).collect();
        assert_eq!(said[1..], wanted);
    }
}

#[test]
fn without_a_cache_players_begin_with_the_next_key_frame() {
    let server = up("gop_cache off;");
    let mut publisher = two_groups(&server);
    let mut player = Client::player(&server, "s");
    publisher.video(300, &inter(6));
    publisher.video(340, &key(7));
    publisher.video(380, &inter(8));
    assert_eq!(player.frames(5), ["meta@0", "vh1@0", "ah1@0", "k7@0", "p8@40"]);
}

#[test]
fn sound_does_not_wait_for_pictures_unless_it_is_told_to() {
    for (settings, first) in [("", "a6@0"), ("wait_video on;", "k7@0")] {
        let server = up(&format!("gop_cache off; {settings}"));
        let mut publisher = two_groups(&server);
        let mut player = Client::player(&server, "s");
        publisher.audio(310, &aac(6));
        publisher.video(340, &key(7));
        assert_eq!(player.frames(4), ["meta@0", "vh1@0", "ah1@0", first], "{settings}");
    }
}

#[test]
fn players_need_not_wait_for_a_key_frame() {
    let server = up("gop_cache off; wait_key off;");
    let mut publisher = two_groups(&server);
    let mut player = Client::player(&server, "s");
    publisher.video(300, &inter(6));
    assert_eq!(player.frames(4), ["meta@0", "vh1@0", "ah1@0", "p6@0"]);
}

#[test]
fn metadata_is_rendered_copied_or_left_out() {
    let server = up("");
    two_groups(&server);
    let on = {
        let mut publisher = Client::publisher(&server, "t");
        let mut player = Client::player(&server, "t");
        publisher.data(0, &metadata(640.0));
        player.frame()
    };
    let values = on.values();
    assert_eq!(values[1].get("Server"), Some(&"rserve".into()));
    assert_eq!(values[1].get("width"), Some(&640.0.into()));
    assert_eq!(values[1].get("custom"), None);

    let server = up("meta copy;");
    let mut publisher = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    publisher.data(0, &metadata(640.0));
    let copy = player.frame();
    let sent = metadata(640.0);
    assert_eq!(copy.payload, sent["@setDataFrame".len() + 3..], "without the command before it");

    let server = up("meta off;");
    let mut publisher = two_groups(&server);
    let mut player = Client::player(&server, "s");
    assert_eq!(player.frames(5), ["vh1@0", "ah1@0", "k4@0", "a4@10", "p5@40"]);
    publisher.video(300, &inter(6));
    assert_eq!(player.frames(1), ["p6@80"]);
}

#[test]
fn audio_and_video_share_a_chunk_stream_if_they_are_to() {
    for (settings, apart) in [("", true), ("interleave on;", false)] {
        let server = up(settings);
        let _publisher = two_groups(&server);
        let mut player = Client::player(&server, "s");
        let frames = player.take(6);
        let said: Vec<String> = frames.iter().map(label).collect();
        assert_eq!(said, ["meta@0", "vh1@0", "ah1@0", "k4@0", "a4@10", "p5@40"]);
        assert_eq!(frames[3].csid != frames[4].csid, apart, "{settings}");
    }
}

#[test]
fn frames_that_are_collected_come_all_the_same() {
    let server = up("merge_write 50ms;");
    let mut publisher = two_groups(&server);
    let mut player = Client::player(&server, "s");
    for n in 0..50 {
        publisher.video(300 + n * 10, &inter(n));
    }
    let said = player.frames_to("p49");
    assert_eq!(said.len(), 6 + 50);
    assert_eq!(said.last().map(String::as_str), Some("p49@570"));
}

#[test]
fn a_delay_holds_everything_back() {
    let server = up("delay 400ms;");
    let mut publisher = Client::publisher(&server, "s");
    let mut early = Client::player(&server, "s");
    let begun = std::time::Instant::now();
    publisher.video(0, &avc_header(1));
    publisher.video(0, &key(1));
    publisher.video(40, &inter(2));
    assert_eq!(early.frames(3), ["vh1@0", "k1@0", "p2@40"]);
    assert!(begun.elapsed() >= Duration::from_millis(390), "{:?}", begun.elapsed());
    publisher.video(80, &inter(3));
    assert_eq!(early.frames(1), ["p3@80"]);
}

/// Chunks of any size carry frames of any size.
#[test]
fn chunks_have_the_size_that_is_set() {
    for size in [128, 1000, 65_536] {
        let server =
            start!(with_server(&format!("chunk_size {size};"), "application live { live on; }"));
        let mut publisher = Client::publisher(&server, "s");
        let mut player = Client::player(&server, "s");
        let mut http = Flv::get(&server, "/live/s.flv");
        for (n, len) in [0, 1, 100, 128, 129, 4096, 70_000, 3_000_000].into_iter().enumerate() {
            let n = n as u32;
            publisher.video(n * 40, &key_of(n, len));
            let wanted = [format!("k{n}@{}", n * 40)];
            assert_eq!(player.frames(1), wanted, "{size} {len}");
            assert_eq!(http.frames(1), wanted, "{size} {len}");
        }
    }
}

/// As nginx-rtmp: who stops playing is told so.
#[test]
fn a_player_that_stops_is_told() {
    let server = up("");
    for command in ["closeStream", "deleteStream"] {
        let mut player = Client::player(&server, "s");
        player.call(1, command, &[Value::Null, 1.0.into()]);
        player.expect("NetStream.Play.Stop");
        assert!(player.is_alive());
    }
}

#[test]
fn players_are_told_of_the_publisher_if_they_are_to() {
    let begin = format!("{:?}", Some(UserControl::StreamBegin(1)));
    let eof = format!("{:?}", Some(UserControl::StreamEof(1)));
    let notify = (
        "publish_notify on;",
        vec!["NetStream.Play.Start", "|RtmpSampleAccess@0"],
        vec!["NetStream.Play.PublishNotify"],
        vec!["NetStream.Play.UnpublishNotify"],
    );
    let restart = (
        "play_restart on;",
        vec![],
        vec!["NetStream.Play.Start", "|RtmpSampleAccess@0"],
        vec!["NetStream.Play.Stop"],
    );
    for (settings, before, came, went) in [notify, restart] {
        let server = up(settings);
        let mut player = Client::connect(&server, "live");
        player.create_stream();
        player.call(1, "play", &[Value::Null, "s".into()]);
        let mut said = |count| -> Vec<String> {
            (0..count).map(|_| player.next().expect("a message").said()).collect()
        };
        assert_eq!(said(2), [&begin, "NetStream.Play.Reset"]);
        assert_eq!(said(before.len()), before, "{settings}");
        for _ in 0..2 {
            let mut publisher = Client::publisher(&server, "s");
            publisher.video(0, &key(1));
            assert_eq!(said(1), [&begin[..]], "{settings}");
            assert_eq!(said(came.len()), came, "{settings}");
            assert!(said(1)[0].starts_with("k1@"));
            publisher.call(0, "deleteStream", &[Value::Null, 1.0.into()]);
            assert_eq!(said(1), [&eof[..]], "{settings}");
            assert_eq!(said(went.len()), went, "{settings}");
        }
    }
}

#[test]
fn a_publisher_that_begins_anew_does_not_turn_clocks_back() {
    let server = up("");
    let mut player = Client::player(&server, "s");
    let mut http = Flv::get(&server, "/live/s.flv");
    let mut last = 0;
    for round in 0..3 {
        let mut publisher = Client::publisher(&server, "s");
        publisher.video(90_000 / (round + 1), &avc_header(round));
        publisher.video(90_000 / (round + 1), &key(round));
        publisher.video(90_000 / (round + 1) + 40, &inter(round));
        let frames = player.take(3);
        let times: Vec<u32> = frames.iter().map(|frame| frame.time).collect();
        assert!(times.is_sorted() && times[0] >= last && times[2] == times[1] + 40, "{times:?}");
        assert_eq!(http.take(3).iter().map(|frame| frame.time).collect::<Vec<_>>(), times);
        last = times[2];
        publisher.call(0, "deleteStream", &[Value::Null, 1.0.into()]);
        publisher.expect("NetStream.Unpublish.Success");
    }
}

/// Players of one stream in both workers.
#[test]
fn every_worker_plays_what_any_worker_gets() {
    let server = up("");
    let workers = server.workers();
    let mut publisher = two_groups(&server);
    let play = |&pid: &u32| server.only(pid, || Client::player(&server, "s"));
    let mut players: Vec<Client> = workers.iter().map(play).collect();
    publisher.video(300, &inter(6));
    for player in &mut players {
        let wanted = ["meta@0", "vh1@0", "ah1@0", "k4@0", "a4@10", "p5@40", "p6@80"];
        assert_eq!(player.frames(7), wanted);
    }
    // A worker dies: its players are gone, the others go on; if it was the publisher's, so is that.
    process::kill(&[workers[0]]);
    publisher.video(340, &inter(7));
    publisher.video(380, &key(8));
    let (mut key_frame, mut again) = ("k8", None);
    if !publisher.is_alive() {
        let mut publisher = Client::next_publisher(&server, "s");
        publisher.video(0, &avc_header(9));
        publisher.video(0, &key(9));
        publisher.sync();
        (key_frame, again) = ("k9", Some(publisher));
    }
    let mut late = Client::player(&server, "s");
    let first = late.frames_to(key_frame);
    assert_eq!(first.len(), if again.is_some() { 2 } else { 4 }, "{first:?}");
}

fn number(text: &str, name: &str) -> u64 {
    let name = format!("\"{name}\":");
    let numbers = text.split(&name).skip(1);
    let digits = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse::<u64>().unwrap_or(0)
    };
    numbers.map(digits).sum()
}

/// A player that takes nothing for a while disturbs nobody, goes on with whole groups, and
/// its clock keeps in step.
#[test]
fn a_stalled_player_skips_whole_groups_and_others_do_not_notice() {
    let server = up("live_window 200ms; max_behind 1m;");
    let mut publisher = Client::publisher(&server, "s");
    let mut quick = Client::player(&server, "s");
    let mut stalled = Client::player(&server, "s");
    publisher.video(0, &avc_header(1));
    publisher.audio(0, &aac_header(1));
    let mut sent = 0;
    let stat = || server.get("/stat?format=json").text();
    // Until it has missed something: more than the socket buffers and the log hold.
    wait_for("a skip", || {
        for _ in 0..10 {
            let frame = if sent % 10 == 0 { key_of(sent, 60_000) } else { inter_of(sent, 40_000) };
            publisher.video(sent * 40, &frame);
            sent += 1;
            let said = quick.frames_to(&label_of(sent - 1));
            assert!(
                said.last().is_some_and(|last| last.ends_with(&format!("@{}", (sent - 1) * 40)))
            );
        }
        // It is served when it reads: one that never reads is seen by its place alone.
        sent > 600
    });
    assert_eq!(number(&stat(), "skips"), 0, "it has not read");
    let reader = std::thread::spawn(move || {
        let mut frames = Vec::new();
        loop {
            let frame = stalled.frame();
            let last = label(&frame).starts_with("a1000000@");
            frames.push(frame);
            if last {
                return frames;
            }
        }
    });
    wait_for("the skip to be counted", || number(&stat(), "skips") >= 1);
    assert!(number(&stat(), "dropped") > 100, "{}", stat());
    publisher.audio(sent * 40, &aac(1_000_000));
    let frames = reader.join().expect("a thread");
    let said: Vec<String> = frames.iter().map(label).collect();
    assert!(frames.is_sorted_by_key(|frame| frame.time));
    let mut before = None;
    for word in &said {
        let (name, time) = word.split_once('@').expect("a time");
        let (letter, n) =
            name.split_at(name.len() - name.trim_start_matches(char::is_alphabetic).len());
        if !matches!(letter, "k" | "p") {
            continue;
        }
        let n: u32 = n.parse().expect("a number");
        assert_eq!(time, (n * 40).to_string(), "its clock keeps in step");
        match before {
            Some(before) if n == before + 1 => {}
            None => assert_eq!(n, 0),
            _ => assert_eq!(letter, "k", "a gap ends with a key frame: {before:?} {word}"),
        }
        before = Some(n);
    }
    assert!(said.len() < sent as usize, "nothing was skipped");
    let after_gap =
        said.windows(2).any(|pair| pair[0].starts_with("vh1@") && pair[1].starts_with("ah1@"));
    assert!(after_gap, "headers come again");
}

fn label_of(n: u32) -> String {
    format!("{}{n}", if n.is_multiple_of(10) { "k" } else { "p" })
}

#[test]
fn who_takes_nothing_for_too_long_is_closed() {
    let server = start!(with_server("timeout 300ms;", "application live { live on; }"));
    let mut publisher = Client::publisher(&server, "s");
    let _stalled = Client::player(&server, "s");
    let mut n = 0;
    wait_for("the player to be closed", || {
        publisher.message(7, message::VIDEO, 1, n * 40, &key_of(n, 100_000));
        n += 1;
        publisher.sync();
        server.error_log().contains("too")
    });
    wait_for("its end", || number(&server.get("/stat?format=json").text(), "sent") == 0);
}
