//! Publishers: how they come, go and come back, and what their streams consist of.

use proto::rtmp::amf::Value;
use proto::rtmp::message::{self, UserControl};
use support::wait_for;

use crate::client::Client;
use crate::frames::{aac, aac_header, avc_header, inter, key, metadata};
use crate::up;

fn eof() -> String {
    format!("{:?}", Some(UserControl::StreamEof(1)))
}

/// Waits until a new player finds no publisher.
#[track_caller]
fn wait_for_end(server: &support::Server) {
    wait_for("the end of the stream", || !server.get("/stat").text().contains("<publishing/>"));
}

#[test]
fn however_a_publisher_ends_its_stream_ends_once() {
    let server = up("publish_grace 0; publish_notify on;");
    let ends: &[fn(Client)] = &[
        |mut c| c.call(0, "deleteStream", &[Value::Null, 1.0.into()]).into_end(&mut c),
        |mut c| c.call(0, "FCUnpublish", &[Value::Null, "s".into()]).into_end(&mut c),
        |mut c| c.call(1, "closeStream", &[Value::Null]).into_end(&mut c),
        drop,
        Client::reset,
        |mut c| {
            c.half_close();
            assert_eq!(c.rest(), [""; 0]);
        },
        // It breaks the protocol: a chunk size of 0.
        |mut c| {
            c.message(2, message::SET_CHUNK_SIZE, 0, 0, &[0; 4]);
            assert_eq!(c.rest(), [""; 0]);
        },
    ];
    for (number, end) in ends.iter().enumerate() {
        let mut publisher = Client::publisher(&server, "s");
        publisher.video(0, &key(1));
        let mut player = Client::player(&server, "s");
        assert_eq!(player.frames(1), ["k1@0"], "{number}");
        end(publisher);
        let mut said = Vec::new();
        player.until(|m| {
            said.push(m.said());
            m.info("code") == "NetStream.Play.UnpublishNotify"
        });
        assert_eq!(said, [eof(), "NetStream.Play.UnpublishNotify".into()], "{number}");
        // It can be published at once.
        Client::publisher(&server, "s").video(0, &key(2));
        player.expect("NetStream.Play.PublishNotify");
        player.expect("NetStream.Play.UnpublishNotify");
    }
}

trait IntoEnd {
    fn into_end(self, client: &mut Client);
}

impl IntoEnd for f64 {
    /// After the call the stream has ended, while the connection goes on.
    #[track_caller]
    fn into_end(self, client: &mut Client) {
        client.expect("NetStream.Unpublish.Success");
        // What comes late is nobody's.
        client.video(40, &inter(99));
        client.sync();
    }
}

#[test]
fn a_second_publisher_is_refused_and_may_try_again() {
    let server = up("");
    let mut first = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    let mut second = Client::connect(&server, "live");
    for _ in 0..3 {
        assert_eq!(second.try_publish("s"), "NetStream.Publish.BadName");
    }
    // Who sends all the same, since it looks at no answer, is not read for nothing.
    let mut third = Client::connect(&server, "live");
    assert_eq!(third.try_publish("s"), "NetStream.Publish.BadName");
    third.video(0, &key(9));
    assert_eq!(third.rest(), [""; 0]);
    let log = server.error_log();
    assert!(log.contains("publishing is refused: Already publishing, client: 127.0.0.1, application: live, stream: \"s\""));
    assert!(log.contains("goes on sending what it may not publish"), "{log}");
    wait_for("its line", || server.dir().text("logs/rtmp.log").contains("PUBLISH-REFUSED"));
    first.video(0, &key(1));
    assert_eq!(player.frames(1), ["k1@0"]);
    first.call(0, "deleteStream", &[Value::Null, 1.0.into()]);
    first.expect("NetStream.Unpublish.Success");
    assert_eq!(second.try_publish("s"), "NetStream.Publish.Start");
    assert_eq!(first.try_publish("s"), "NetStream.Publish.BadName");
}

#[test]
fn a_second_publisher_takes_over_if_it_may() {
    let server = up("publish_takeover on;");
    let mut first = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    first.video(1000, &avc_header(1));
    first.video(1000, &key(1));
    first.video(1040, &inter(2));
    assert_eq!(player.frames(3), ["vh1@0", "k1@0", "p2@40"]);
    let mut second = Client::publisher(&server, "s");
    second.video(500_000, &avc_header(2));
    second.video(500_000, &key(3));
    second.video(500_040, &inter(4));
    let frames: Vec<_> = (0..3).map(|_| player.frame()).collect();
    let said: Vec<String> = frames.iter().map(crate::frames::label).collect();
    let word = |at: usize| said[at].split('@').next().unwrap_or_default().to_owned();
    assert_eq!([word(0), word(1), word(2)], ["vh2", "k3", "p4"], "{said:?}");
    assert!(frames[0].time > 40 && frames[2].time == frames[0].time + 40, "{said:?}");
    // The first is told when it sends again.
    first.video(1080, &inter(5));
    assert_eq!(first.rest(), ["NetStream.Publish.BadName"]);
    second.video(500_080, &inter(6));
    assert_eq!(player.frames_to("p6").len(), 1);
}

#[test]
fn a_publisher_whose_connection_broke_comes_back() {
    let server = up("publish_grace 20s; publish_notify on;");
    let mut first = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    let mut web = crate::flv::Flv::get(&server, "/live/s.flv");
    first.data(0, &metadata(640.0));
    first.video(7000, &avc_header(1));
    first.audio(7000, &aac_header(1));
    first.video(7000, &key(1));
    first.audio(7010, &aac(1));
    first.video(7040, &inter(2));
    let before = ["meta@0", "vh1@0", "ah1@0", "k1@0", "a1@10", "p2@40"];
    assert_eq!(player.frames(6), before);
    assert_eq!(web.frames(6), before);
    first.reset();
    wait_for_end(&server);
    // Somebody who comes now waits for it, too, and is told what there was.
    let mut late = Client::player(&server, "s");
    assert_eq!(late.frames(6), before);
    let mut second = Client::publisher(&server, "s");
    second.data(0, &metadata(800.0));
    second.video(0, &avc_header(2));
    second.audio(0, &aac_header(2));
    second.video(0, &key(3));
    second.audio(5, &aac(3));
    second.video(40, &inter(4));
    for (frames, who) in [(player.take(6), "player"), (late.take(6), "late"), (web.take(6), "web")]
    {
        let said: Vec<String> = frames.iter().map(crate::frames::label).collect();
        let words: Vec<&str> = said.iter().filter_map(|word| word.split('@').next()).collect();
        assert_eq!(words, ["meta", "vh2", "ah2", "k3", "a3", "p4"], "{who}");
        assert!(frames.is_sorted_by_key(|frame| frame.time), "{who} {said:?}");
        assert!(frames[1].time > 40 && frames[5].time == frames[1].time + 40, "{who} {said:?}");
    }
    // Nobody was told of an end.
    second.call(0, "deleteStream", &[Value::Null, 1.0.into()]);
    let mut said = Vec::new();
    player.until(|m| {
        said.push(m.said());
        m.info("code") == "NetStream.Play.UnpublishNotify"
    });
    assert_eq!(said.len(), 2, "{said:?}");
}

#[test]
fn who_does_not_come_back_in_time_has_ended_the_stream() {
    let server = up("publish_grace 100ms; idle_streams off;");
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &key(1));
    let mut player = Client::player(&server, "s");
    let mut web = crate::flv::Flv::get(&server, "/live/s.flv");
    assert_eq!(player.frames(1), ["k1@0"]);
    assert_eq!(web.frames(1), ["k1@0"]);
    publisher.reset();
    assert!(player.rest().contains(&eof()));
    assert!(web.ends());
    let mut other = Client::connect(&server, "live");
    assert_eq!(other.try_play("s"), "NetStream.Play.StreamNotFound");
}

#[test]
fn new_headers_replace_the_old_ones() {
    let server = up("meta copy;");
    let mut publisher = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    publisher.data(0, &metadata(640.0));
    publisher.video(0, &avc_header(1));
    publisher.audio(0, &aac_header(1));
    publisher.video(0, &key(1));
    publisher.data(40, &metadata(1280.0));
    publisher.video(40, &avc_header(2));
    publisher.audio(40, &aac_header(2));
    publisher.video(40, &key(2));
    publisher.audio(50, &aac(2));
    let all = ["meta@0", "vh1@0", "ah1@0", "k1@0", "meta@40", "vh2@40", "ah2@40", "k2@40", "a2@50"];
    assert_eq!(player.frames(9), all);
    let mut late = Client::player(&server, "s");
    let meta = late.frame();
    let values = meta.values();
    assert_eq!(values[1].get("width"), Some(&1280.0.into()), "{values:?}");
    assert_eq!(late.frames(4), ["vh2@0", "ah2@0", "k2@0", "a2@10"]);
    // A header between two key frames is the newest one from now on.
    publisher.video(80, &avc_header(3));
    publisher.video(80, &inter(3));
    publisher.video(120, &key(4));
    publisher.sync();
    let mut later = Client::player(&server, "s");
    assert_eq!(later.frames(4), ["meta@0", "vh3@0", "ah2@0", "k4@0"]);
}

#[test]
fn a_stream_may_be_of_sound_alone() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    publisher.audio(0, &aac_header(1));
    publisher.audio(20, &aac(1));
    publisher.audio(40, &aac(2));
    publisher.sync();
    let mut player = Client::player(&server, "s");
    assert_eq!(player.frames(3), ["ah1@0", "a1@0", "a2@20"]);
    publisher.audio(60, &aac(3));
    assert_eq!(player.frames(1), ["a3@40"]);
    // MP3, G.711, Speex and an empty message of AAC: as they come.
    for (number, first) in [0x2F, 0x72, 0x82, 0xB2, 0xAF].into_iter().enumerate() {
        let payload = vec![first; 1 + number];
        publisher.audio(80, &payload);
        assert_eq!(player.frame().payload, payload);
    }
}

#[test]
fn a_stream_may_be_of_pictures_alone_and_its_metadata_late() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &avc_header(1));
    publisher.video(0, &key(1));
    publisher.video(40, &inter(2));
    publisher.data(40, &metadata(640.0));
    publisher.sync();
    let mut player = Client::player(&server, "s");
    assert_eq!(player.frames(4), ["vh1@0", "k1@0", "p2@40", "meta@40"]);
    publisher.video(80, &key(3));
    publisher.sync();
    let mut late = Client::player(&server, "s");
    assert_eq!(late.frames(3), ["meta@0", "vh1@0", "k3@0"]);
    // The end of a sequence, a picture shown before its time: as they come.
    for payload in [&[0x17, 2, 0, 0, 0][..], &[0x27, 1, 0xFF, 0xFF, 0xD8, 1, 2, 3]] {
        publisher.video(120, payload);
        assert_eq!(late.frame().payload, payload);
    }
}

#[test]
fn enhanced_rtmp_passes_untouched_and_its_key_frames_are_known() {
    let server = up("");
    for (name, code) in [("hevc", b"hvc1"), ("av1", b"av01"), ("vp9", b"vp09"), ("odd", b"zz99")] {
        let mut publisher = Client::publisher(&server, name);
        let video = |first: u8, rest: &[u8]| [&[first][..], code, rest].concat();
        let header = video(0x90, b"configuration");
        let key = video(0x91, b"\0\0\0a key frame");
        let inter = video(0xA1, b"\0\0\x28one that needs it");
        let without_time = video(0xA3, b"one more");
        let hdr = video(0x94, b"\x02\0\x09colorInfo");
        let sound = [&[0x90][..], b"Opus", b"OpusHead"].concat();
        let opus = [&[0x91][..], b"Opus", b"sound"].concat();
        // One track's picture, and one behind an extension of three bytes.
        let tracks = [&[0xA6, 0x01][..], code, &[1, 1, 2, 3]].concat();
        let extended = [&[0xA7, 2, 1, 2, 3, 0x01][..], code, b"\0\0\0behind"].concat();
        publisher.video(0, &header);
        publisher.audio(0, &sound);
        publisher.video(0, &key);
        for time in 1..4 {
            publisher.video(time * 40, &inter);
        }
        publisher.video(200, &key);
        let all = [&hdr, &inter, &without_time, &tracks, &extended];
        all.iter().for_each(|payload| publisher.video(240, payload));
        publisher.audio(250, &opus);
        publisher.sync();
        let mut player = Client::player(&server, name);
        let wanted = [&header, &sound, &key, &hdr, &inter, &without_time];
        for (number, payload) in wanted.into_iter().enumerate() {
            assert_eq!(player.frame().payload, *payload, "{name} {number}");
        }
        let rest = [&tracks, &extended, &opus].map(|_| player.frame().payload);
        assert_eq!(rest, [tracks, extended, opus], "{name}");
    }
}

#[test]
fn who_publishes_nothing_is_closed() {
    let server = up("drop_idle_publisher 300ms;");
    let mut idle = Client::publisher(&server, "s");
    idle.data(0, &metadata(1.0));
    let mut busy = Client::publisher(&server, "t");
    let mut player = Client::player(&server, "t");
    // Data is no sign of life; whoever plays is not meant.
    let mut time = 0;
    let closed = std::thread::spawn(move || idle.rest());
    while !closed.is_finished() {
        busy.video(time, &key(time));
        assert_eq!(player.frames(1), [format!("k{time}@{time}")]);
        time += 1;
    }
    assert_eq!(closed.join().expect("a thread"), ["NetStream.Unpublish.Success"]);
    assert!(server.error_log().contains("the client publishes nothing"));
}

#[test]
fn data_of_other_kinds_passes() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    let cue = crate::frames::data(&["onCuePoint"], &[("name", "x".into())]);
    publisher.data(0, &cue);
    assert_eq!(player.frame().payload, cue);
    let wrapped = crate::frames::data(&["@setDataFrame", "onTextData"], &[("text", "x".into())]);
    publisher.data(0, &wrapped);
    assert_eq!(player.frame().name(), "onTextData");
    // AMF3's data: a byte before it.
    publisher.message(4, message::DATA_AMF3, 1, 0, &[&[0][..], &cue].concat());
    assert_eq!(player.frame().payload, cue);
}
