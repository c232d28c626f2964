//! What holds although somebody tries: rules of outer blocks, room for publishers, room for workers.

use support::start;

use crate::client::Client;
use crate::frames::{aac, aac_header, avc_header, inter, key};
use crate::{conf, up, with_server};

#[test]
fn what_an_inner_block_lets_in_opens_nothing_else() {
    let apps = "deny publish all; stream_key play * outer;
         application live { live on; allow publish 10.0.0.0/8; stream_key play cam inner; }";
    let server = start!(with_server("", apps));
    let publish = |name: &str| Client::connect(&server, "live").try_publish(name);
    let play = |name: &str| Client::connect(&server, "live").try_play(name);
    assert_eq!(publish("cam"), "NetStream.Publish.Denied");
    assert_eq!(play("cam?key=inner"), "NetStream.Play.Start");
    assert_eq!(play("cam?key=outer"), "NetStream.Play.Failed", "it has a key of its own");
    assert_eq!(play("other"), "NetStream.Play.Failed");
    assert_eq!(play("other?key=outer"), "NetStream.Play.Start");
}

#[test]
fn players_of_streams_that_nobody_publishes_keep_nobody_out() {
    let server = up("max_connections 100;");
    let mut players = Vec::new();
    let (mut let_in, mut refused) = (0, 0);
    for number in 0..10 {
        let mut player = Client::connect(&server, "live");
        for stream in 0..30 {
            let stream_number = player.create_stream();
            let name = format!("nothing{number}.{stream}");
            let null = proto::rtmp::amf::Value::Null;
            player.call(stream_number, "play", &[null, name.as_str().into()]);
            let said = player.until(|m| {
                matches!(&m.said()[..], "NetStream.Play.Start" | "NetStream.Play.StreamNotFound")
            });
            match &said.said()[..] {
                "NetStream.Play.Start" => let_in += 1,
                _ => refused += 1,
            }
        }
        players.push(player);
    }
    assert!(let_in > 200 && refused > 20, "{let_in} were let in, {refused} were not");
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &avc_header(1));
    publisher.video(0, &key(1));
    publisher.sync();
    assert_eq!(Client::player(&server, "s").frames(2), ["vh1@0", "k1@0"]);
    let stat = server.get("/stat").text();
    assert!(stat.matches("<client>").count() > let_in, "all are seen");
    let dropped: usize =
        server.get("/control/drop/subscriber?app=live").text().parse().expect("a number");
    assert_eq!(dropped, let_in.div_ceil(30), "and can be sent away");
}

#[test]
fn players_of_many_generations_of_many_workers_stay() {
    let text = conf("").replace("worker_processes 2;", "worker_processes 8;");
    let server = start!(&text);
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &avc_header(1));
    publisher.video(0, &key(0));
    let mut players = Vec::new();
    for round in 1..=10 {
        players.extend((0..8).map(|_| Client::player(&server, "s")));
        let output = server.command(&["-s", "reload"]);
        assert!(output.status.success(), "reload {round}: {}", server.error_log());
    }
    publisher.video(40, &inter(40));
    for player in &mut players {
        assert_eq!(player.frames_to("p40").last().map(String::as_str), Some("p40@40"));
    }
}

/// A group begins with the first track's key frame, and with the headers of all tracks.
#[test]
fn who_joins_a_stream_of_several_tracks_gets_all_headers() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    let first = |first: u8, rest: &[u8]| [&[first][..], b"hvc1", rest].concat();
    let second =
        |byte: u8, kind: u8, rest: &[u8]| [&[byte, kind][..], b"hvc1", &[1], rest].concat();
    let headers = [first(0x90, b"configuration"), second(0x96, 0, b"the other's")];
    headers.iter().for_each(|header| publisher.video(0, header));
    let mut group = Vec::new();
    for time in [0u32, 1000] {
        group =
            vec![first(0x93, b"key"), second(0x96, 3, b"key of the other"), first(0xA3, b"inter")];
        group.iter().for_each(|frame| publisher.video(time, frame));
    }
    publisher.sync();
    let mut late = Client::player(&server, "s");
    for wanted in headers.iter().chain(&group) {
        assert_eq!(late.frame().payload, *wanted);
    }
}

/// A player that has left pictures out for a while begins with headers and a key frame again.
#[test]
fn who_wants_pictures_again_gets_their_headers() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &avc_header(1));
    publisher.audio(0, &aac_header(1));
    publisher.video(0, &key(1));
    let mut player = Client::connect(&server, "live");
    let stream = player.play("s");
    assert_eq!(player.frames(3), ["vh1@0", "ah1@0", "k1@0"]);
    let receive = |player: &mut Client, wanted: bool| {
        let null = proto::rtmp::amf::Value::Null;
        player.call(stream, "receiveVideo", &[null, wanted.into()]);
        player.sync();
    };
    receive(&mut player, false);
    publisher.video(40, &avc_header(2));
    publisher.video(40, &key(2));
    publisher.audio(50, &aac(3));
    assert_eq!(player.frames(1), ["a3@50"]);
    receive(&mut player, true);
    publisher.video(80, &inter(4));
    publisher.audio(90, &aac(5));
    publisher.video(120, &key(6));
    let said = player.frames_to("k6");
    assert!(
        said.contains(&"vh2@120".to_owned()) && !said.iter().any(|s| s.starts_with("p4")),
        "{said:?}"
    );
}

/// What is held back is not counted as being behind.
#[test]
fn a_delay_may_be_of_more_than_max_behind() {
    let server = up("delay 1s; max_behind 64k;");
    let mut publisher = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    publisher.video(0, &avc_header(1));
    for n in 0..20 {
        publisher.video(n * 40, &crate::frames::key_of(n, 16_000));
    }
    publisher.sync();
    let said = player.frames_to("k19");
    assert_eq!(said.iter().filter(|s| s.starts_with('k')).count(), 20, "{said:?}");
}
