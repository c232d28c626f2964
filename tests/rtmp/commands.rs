//! Commands: in any order, of any kind, on any message stream.

use proto::rtmp::amf::Value;
use proto::rtmp::message::{self, UserControl};
use support::start;

use crate::client::Client;
use crate::frames::{aac, aac_header, avc_header, inter, key, metadata};
use crate::{up, with_server};

#[test]
fn connect_is_answered_in_the_order_that_strict_encoders_want() {
    let server = up("");
    let mut client = Client::open(server.port2());
    client.connect_to("live", &[("tcUrl", "rtmp://x/live"), ("flashVer", "FMLE/3.0")]);
    let mut next = || client.next().expect("a message");
    let [window, bandwidth, result] = [next(), next(), next()];
    assert_eq!((window.kind, window.csid, window.stream), (message::WINDOW_ACK_SIZE, 2, 0));
    assert_eq!(message::number(&window.payload), Some(5_000_000));
    assert_eq!((bandwidth.kind, bandwidth.csid), (message::PEER_BANDWIDTH, 2));
    assert_eq!(bandwidth.payload[4], 2, "dynamic");
    // A chunk size comes between: what follows could not be read otherwise.
    assert_eq!((result.name(), result.csid, result.transaction()), ("_result".into(), 3, 1.0));
    assert_eq!(result.info("code"), "NetConnection.Connect.Success");
    let values = result.values();
    assert_eq!(values[2].get("fmsVer"), Some(&"FMS/3,0,1,123".into()));
    assert_eq!(values[2].get("capabilities"), Some(&31.0.into()));
    assert_eq!(values[3].get("objectEncoding"), Some(&0.0.into()));
}

#[test]
fn enhanced_clients_get_their_codecs_back() {
    let server = up("");
    let mut client = Client::open(server.port2());
    let codecs = Value::StrictArray(vec!["av01".into(), "hvc1".into()]);
    let object = vec![(&b"app"[..], "live".into()), (&b"fourCcList"[..], codecs.clone())];
    client.call(0, "connect", &[Value::Object(object)]);
    let result = client.until(|m| m.name() == "_result");
    assert_eq!(result.values()[2].get("fourCcList"), Some(&codecs));
}

#[test]
fn applications_are_found_as_clients_name_them() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &key(1));
    for app in ["live", "live/", "/live", "live/_definst_", "live?a=b", "live/?a=b"] {
        let mut client = Client::connect(&server, app);
        client.play("s");
        assert_eq!(client.frames(1), ["k1@0"], "{app}");
    }
    // By the address alone.
    let mut client = Client::open(server.port2());
    let url: &[(&[u8], Value<'_>)] = &[(b"tcUrl", "rtmp://127.0.0.1:1935/live?x=y".into())];
    client.call(0, "connect", &[Value::Object(url.to_vec())]);
    assert_eq!(client.answer(), "NetConnection.Connect.Success");
    // An instance has streams of its own.
    let mut other = Client::connect(&server, "live/there");
    assert_eq!(other.try_publish("s"), "NetStream.Publish.Start");
    let mut player = Client::connect(&server, "live");
    player.play("there/s");
    other.video(0, &key(2));
    assert_eq!(player.frames(1), ["k2@0"]);
}

#[test]
fn an_unknown_application_is_refused_in_words() {
    let server = up("");
    for app in ["other", "", "liv", "live2", "../live"] {
        let mut client = Client::open(server.port2());
        client.connect_to(app, &[]);
        let error = client.status().expect("an answer");
        assert_eq!((error.name(), error.transaction()), ("_error".into(), 1.0), "{app}");
        assert_eq!(error.info("code"), "NetConnection.Connect.Rejected");
        assert!(error.info("description").contains(&format!("\"{app}\"")), "{app}");
        assert_eq!(client.rest(), [""; 0], "{app}");
    }
}

#[test]
fn an_application_that_is_not_live_refuses_both() {
    let server = start!(with_server("", "application live { }"));
    let mut client = Client::connect(&server, "live");
    assert_eq!(client.try_publish("s"), "NetStream.Publish.Denied");
    assert_eq!(client.rest(), [""; 0]);
    let mut client = Client::connect(&server, "live");
    assert_eq!(client.try_play("s"), "NetStream.Play.Failed");
    assert_eq!(client.rest(), [""; 0]);
}

#[test]
fn nothing_comes_before_connect() {
    let server = up("");
    for name in ["createStream", "publish", "play", "FCPublish", "nothing"] {
        let mut client = Client::open(server.port2());
        client.call(0, name, &[Value::Null, "s".into(), "live".into()]);
        assert_eq!(client.rest(), [""; 0], "{name}");
    }
    let mut client = Client::connect(&server, "live");
    client.connect_to("live", &[]);
    assert_eq!(client.rest(), [""; 0], "connect twice");
    assert_eq!(Client::connect(&server, "live").create_stream(), 1);
}

#[test]
fn message_streams_are_numbered_limited_and_used_again() {
    let server = start!(with_server("max_streams 8;", "application live { live on; }"));
    let mut client = Client::connect(&server, "live");
    let numbers: Vec<u32> = (0..8).map(|_| client.create_stream()).collect();
    assert_eq!(numbers, (1..9).collect::<Vec<u32>>());
    client.call(0, "deleteStream", &[Value::Null, 3.0.into()]);
    assert_eq!(client.create_stream(), 3);
    client.call(0, "createStream", &[Value::Null]);
    assert_eq!(client.rest(), [""; 0], "the ninth");
}

#[test]
fn a_message_stream_is_for_one_thing() {
    let server = up("");
    let mut client = Client::publisher(&server, "s");
    let ask = |client: &mut Client, stream, name| {
        client.call(stream, name, &[Value::Null, "t".into()]);
        client.answer()
    };
    assert_eq!(ask(&mut client, 1, "play"), "NetStream.Play.Failed", "it publishes");
    // As nginx-rtmp: who publishes again goes on.
    client.call(1, "publish", &[Value::Null, "s".into(), "live".into()]);
    assert_eq!(client.answer(), "NetStream.Publish.Start", "it publishes already");
    let log = server.error_log();
    assert!(log.contains("playing is refused: The message stream is in use"), "{log}");
    // None of it has hurt.
    let mut player = Client::player(&server, "s");
    client.video(0, &key(1));
    assert_eq!(player.frames(1), ["k1@0"]);
    // A second play replaces the first.
    let mut other = Client::connect(&server, "live");
    other.publish("t");
    player.call(1, "play", &[Value::Null, "t".into()]);
    player.expect("NetStream.Play.Start");
    client.video(40, &key(2));
    client.sync();
    other.video(0, &key(3));
    assert_eq!(player.frames(1), ["k3@0"]);
}

#[test]
fn courtesies_are_answered() {
    let server = up("");
    let mut client = Client::connect(&server, "live");
    for name in ["releaseStream", "_checkbw", "FCUnsubscribe"] {
        let call = client.call(0, name, &[Value::Null, "s".into()]);
        let result = client.until(|m| !m.name().is_empty());
        assert_eq!((result.name(), result.transaction()), ("_result".into(), call), "{name}");
    }
    let told = [
        ("FCPublish", "onFCPublish", "NetStream.Publish.Start"),
        ("FCUnpublish", "onFCUnpublish", "NetStream.Unpublish.Success"),
        ("FCSubscribe", "onFCSubscribe", "NetStream.Play.Start"),
    ];
    for (name, event, code) in told {
        let call = client.call(0, name, &[Value::Null, "s".into()]);
        let said = client.until(|m| m.name() == event);
        assert_eq!((said.info("code"), said.info("description")), (code.into(), "s".into()));
        client.until(|m| m.name() == "_result" && m.transaction() == call);
    }
    client.call(0, "getStreamLength", &[Value::Null, "s".into()]);
    let length = client.until(|m| m.name() == "_result");
    assert_eq!(length.values().last(), Some(&0.0.into()));
    let call = client.call(0, "fly", &[Value::Null]);
    let error = client.until(|m| m.name() == "_error");
    assert_eq!(error.transaction(), call);
    assert_eq!(error.info("code"), "NetConnection.Call.Failed");
}

#[test]
fn publish_and_play_are_answered_in_their_order() {
    let server = up("");
    let mut publisher = Client::connect(&server, "live");
    publisher.create_stream();
    publisher.create_stream();
    publisher.call(2, "publish", &[Value::Null, "s".into(), "live".into()]);
    let start = publisher.status().expect("an answer");
    assert_eq!((start.info("code"), start.stream), ("NetStream.Publish.Start".into(), 2));
    assert_eq!(start.info("level"), "status");
    publisher.message(4, message::DATA, 2, 0, &metadata(640.0));
    publisher.message(7, message::VIDEO, 2, 0, &avc_header(1));
    publisher.message(6, message::AUDIO, 2, 0, &aac_header(1));
    publisher.message(7, message::VIDEO, 2, 0, &key(1));
    publisher.message(6, message::AUDIO, 2, 10, &aac(2));
    publisher.sync();
    let mut player = Client::connect(&server, "live");
    player.create_stream();
    player.call(1, "play", &[Value::Null, "s".into()]);
    let all: Vec<_> = (0..9).map(|_| player.next().expect("a message")).collect();
    let said: Vec<String> = all.iter().map(|message| message.said()).collect();
    let begin = format!("{:?}", Some(UserControl::StreamBegin(1)));
    let wanted = [
        &begin,
        "NetStream.Play.Reset",
        "NetStream.Play.Start",
        "|RtmpSampleAccess@0",
        "meta@0",
        "vh1@0",
        "ah1@0",
        "k1@0",
        "a2@10",
    ];
    assert_eq!(said, wanted);
    assert!(all[1..].iter().all(|message| message.stream == 1), "{all:?}");
    assert_eq!((all[0].csid, all[0].stream), (2, 0));
}

#[test]
fn arguments_of_odd_types_do_no_harm() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &key(1));
    publisher.sync();
    let odd: &[&[Value<'_>]] = &[
        &[(-2.0).into(), (-1.0).into(), true.into()],
        &[(-1.0).into(), 0.0.into(), false.into()],
        &[true.into(), "x".into(), "y".into()],
        &[Value::Null, Value::Undefined, 1.0.into()],
        &[f64::NAN.into(), f64::INFINITY.into(), Value::Object(vec![])],
        &[1e300.into(), (-1e300).into(), Value::StrictArray(vec![])],
    ];
    for more in odd {
        let mut player = Client::connect(&server, "live");
        player.create_stream();
        player.call(1, "play", &[&[Value::Null, "s".into()], *more].concat());
        player.expect("NetStream.Play.Start");
        assert_eq!(player.frames(1), ["k1@0"], "{more:?}");
    }
    let mut client = Client::connect(&server, "live");
    client.create_stream();
    for name in [Value::Null, 7.0.into(), Value::Object(vec![])] {
        client.call(1, "play", &[Value::Null, name.clone()]);
        assert_eq!(client.answer(), "NetStream.Play.StreamNotFound", "{name:?}");
        client.call(1, "publish", &[Value::Null, name.clone(), "live".into()]);
        assert_eq!(client.answer(), "NetStream.Publish.BadName", "{name:?}");
    }
    for number in [f64::NAN, -1.0, 1e300] {
        client.call(0, "deleteStream", &[Value::Null, number.into()]);
    }
    client.call(0, "deleteStream", &[]);
    client.call(1, "play", &[Value::Null, "s".into()]);
    client.expect("NetStream.Play.Start");
}

#[test]
fn who_waits_for_a_stream_gets_it_when_it_comes() {
    let server = up("");
    let mut player = Client::player(&server, "s");
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(5000, &avc_header(1));
    publisher.video(5000, &key(1));
    publisher.video(5040, &inter(2));
    assert_eq!(player.frames(3), ["vh1@0", "k1@0", "p2@40"]);
}

#[test]
fn without_idle_streams_nobody_waits() {
    let server = up("idle_streams off;");
    let mut player = Client::connect(&server, "live");
    assert_eq!(player.try_play("s"), "NetStream.Play.StreamNotFound");
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &key(1));
    publisher.sync();
    assert_eq!(player.try_play("s"), "NetStream.Play.Start", "the connection is as before");
    assert_eq!(player.frames(1), ["k1@0"]);
    publisher.call(0, "deleteStream", &[Value::Null, 1.0.into()]);
    let said = player.rest();
    assert!(said.contains(&format!("{:?}", Some(UserControl::StreamEof(2)))), "{said:?}");
}

#[test]
fn a_paused_player_gets_nothing_and_goes_on_with_a_key_frame() {
    let server = up("gop_cache on;");
    let mut publisher = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    publisher.video(0, &avc_header(1));
    publisher.video(0, &key(1));
    assert_eq!(player.frames(2), ["vh1@0", "k1@0"]);
    player.call(1, "pause", &[Value::Null, true.into(), 0.0.into()]);
    player.expect("NetStream.Pause.Notify");
    publisher.video(40, &inter(2));
    publisher.video(80, &key(3));
    publisher.video(120, &inter(4));
    publisher.sync();
    // What it does not get has passed it when this has come.
    player.call(0, "FCSubscribe", &[Value::Null, "s".into()]);
    player.until(|m| m.name() == "onFCSubscribe");
    let mut other = Client::player(&server, "s");
    assert_eq!(other.frames_to("p4").last().map(String::as_str), Some("p4@40"));
    player.sync();
    player.call(1, "pause", &[Value::Null, false.into(), 0.0.into()]);
    player.expect("NetStream.Unpause.Notify");
    publisher.video(160, &inter(5));
    publisher.video(200, &key(6));
    publisher.video(240, &inter(7));
    let said = player.frames_to("p7");
    assert!(said.starts_with(&["vh1@200".into(), "k6@200".into()]), "{said:?}");
}

#[test]
fn players_may_leave_out_sound_or_pictures() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    publisher.video(0, &key(1));
    publisher.audio(0, &aac(1));
    assert_eq!(player.frames(2), ["k1@0", "a1@0"]);
    player.call(1, "receiveAudio", &[Value::Null, false.into()]);
    player.sync();
    publisher.audio(20, &aac(2));
    publisher.video(40, &inter(2));
    assert_eq!(player.frames(1), ["p2@40"]);
    player.call(1, "receiveAudio", &[Value::Null, true.into()]);
    player.call(1, "receiveVideo", &[Value::Null, false.into()]);
    player.sync();
    publisher.video(80, &key(3));
    publisher.audio(90, &aac(3));
    assert_eq!(player.frames(1), ["a3@90"]);
    player.call(1, "receiveVideo", &[Value::Null, true.into()]);
    player.sync();
    publisher.video(120, &inter(4));
    publisher.video(160, &key(5));
    assert_eq!(player.frames(1), ["k5@160"]);
}

#[test]
fn there_is_no_seeking() {
    let server = up("");
    let mut player = Client::player(&server, "s");
    player.call(1, "seek", &[Value::Null, 1000.0.into()]);
    assert_eq!(player.answer(), "NetStream.Seek.InvalidTime");
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &key(1));
    assert_eq!(player.frames(1), ["k1@0"]);
}

#[test]
fn play2_switches() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    publisher.publish("t");
    let mut player = Client::player(&server, "s");
    publisher.video(0, &key(1));
    assert_eq!(player.frames(1), ["k1@0"]);
    let options: &[(&[u8], Value<'_>)] = &[(b"streamName", "t".into())];
    player.call(1, "play2", &[Value::Null, Value::Object(options.to_vec())]);
    player.expect("NetStream.Play.Start");
    publisher.video(40, &key(2));
    publisher.message(7, message::VIDEO, 2, 70, &key(3));
    assert_eq!(player.frames(1), ["k3@0"]);
}

#[test]
fn two_streams_on_one_connection_keep_their_clocks_apart() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    assert_eq!(publisher.publish("t"), 2);
    let mut player = Client::connect(&server, "live");
    assert_eq!((player.play("s"), player.play("t")), (1, 2));
    let send = |publisher: &mut Client, stream, time, payload: &[u8]| {
        publisher.message(7, message::VIDEO, stream, time, payload);
    };
    for round in 0..20 {
        let key = if round % 5 == 0 { key } else { inter };
        send(&mut publisher, 1, 1000 + round * 40, &key(round));
        send(&mut publisher, 2, 70_000 + round * 33, &key(100 + round));
        publisher.message(6, message::AUDIO, 1, 1005 + round * 40, &aac(round));
    }
    let (mut first, mut second) = (Vec::new(), Vec::new());
    while first.len() + second.len() < 60 {
        let frame = player.frame();
        if frame.stream == 1 { &mut first } else { &mut second }.push(frame.said());
    }
    let mut wanted = Vec::new();
    for round in 0..20 {
        let letter = if round % 5 == 0 { "k" } else { "p" };
        wanted.push(format!("{letter}{round}@{}", round * 40));
        wanted.push(format!("a{round}@{}", 5 + round * 40));
    }
    assert_eq!(first, wanted);
    let letter = |round| if round % 5 == 0 { "k" } else { "p" };
    let wanted: Vec<String> =
        (0..20).map(|round| format!("{}{}@{}", letter(round), 100 + round, round * 33)).collect();
    assert_eq!(second, wanted);
}
