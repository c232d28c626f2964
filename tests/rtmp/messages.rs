//! Messages of every kind, whole and broken.

use proto::rtmp::amf::Value;
use proto::rtmp::message::{self, PeerLimit, UserControl};
use support::Server;

use crate::client::Client;
use crate::frames::{aac, inter, key};
use crate::up;

/// A publisher and a player of its stream.
fn pair(server: &Server) -> (Client, Client) {
    (Client::publisher(server, "s"), Client::player(server, "s"))
}

#[test]
fn who_wants_acknowledgements_gets_them_before_it_has_to_stop() {
    let server = up("");
    let (mut publisher, mut player) = pair(&server);
    publisher.message(2, message::WINDOW_ACK_SIZE, 0, 0, &message::window_ack_size(10_000));
    let mut acknowledged = 0;
    let mut sent = 0;
    for n in 0..100 {
        publisher.video(n, &crate::frames::key_of(n, 5000));
        sent += 5000;
        // A strict encoder stops here until it hears.
        while sent > acknowledged + 10_000 {
            let ack = publisher.until(|m| m.kind == message::ACKNOWLEDGEMENT);
            acknowledged = message::number(&ack.payload).expect("a number");
            assert!(acknowledged <= sent + 10_000, "{acknowledged} of {sent}");
        }
    }
    assert_eq!(player.frames_to("k99").len(), 100);
    // Who wants none gets none; nonsense is passed over.
    for payload in [&[0; 4][..], b"", b"\0\0"] {
        publisher.message(2, message::WINDOW_ACK_SIZE, 0, 0, payload);
        publisher.message(2, message::ACKNOWLEDGEMENT, 0, 0, payload);
    }
    publisher.sync();
}

#[test]
fn a_bandwidth_is_answered_with_a_window() {
    let server = up("");
    let mut client = Client::connect(&server, "live");
    for limit in [PeerLimit::Hard, PeerLimit::Soft, PeerLimit::Dynamic] {
        let payload = message::peer_bandwidth(100_000, limit);
        client.message(2, message::PEER_BANDWIDTH, 0, 0, &payload);
        let window = client.until(|m| m.kind == message::WINDOW_ACK_SIZE);
        assert_eq!(window.payload, 5_000_000u32.to_be_bytes());
    }
}

#[test]
fn aggregates_are_taken_apart() {
    let server = up("");
    let (mut publisher, mut player) = pair(&server);
    publisher.video(1000, &key(0));
    let part = |kind: u8, time: u32, payload: &[u8]| {
        let [t0, t1, t2, t3] = time.to_be_bytes();
        let [_, l0, l1, l2] = (payload.len() as u32).to_be_bytes();
        let head = [kind, l0, l1, l2, t1, t2, t3, t0, 0, 0, 0];
        [&head[..], payload, &(payload.len() as u32 + 11).to_be_bytes()].concat()
    };
    // Their times have a zero of their own.
    let all = [
        part(message::VIDEO, 70_000, &inter(1)),
        part(message::AUDIO, 70_010, &aac(2)),
        part(message::VIDEO, 70_040, &key(3)),
    ]
    .concat();
    publisher.message(7, message::AGGREGATE, 1, 1040, &all);
    assert_eq!(player.frames(4), ["k0@0", "p1@40", "a2@50", "k3@80"]);
    // What is cut short gives what is whole.
    for (n, len) in [all.len() - 4, all.len() - 5, 60, 10, 1, 0].into_iter().enumerate() {
        publisher.message(7, message::AGGREGATE, 1, 2000 + n as u32 * 100, &all[..len]);
    }
    publisher.video(2500, &inter(9));
    let said = player.frames_to("p9");
    let wanted = ["p1@1000", "a2@1010", "k3@1040", "p1@1100", "a2@1110", "p1@1200", "p9@1500"];
    assert_eq!(said, wanted);
}

#[test]
fn user_control_is_answered_or_passed_over() {
    let server = up("");
    let mut client = Client::connect(&server, "live");
    client.sync();
    let events: &[&[u8]] = &[
        b"",
        b"\0",
        b"\0\x06",
        b"\0\x06\0\0",
        b"\0\x03\0\0\0\x01",
        b"\0\x03\0\0\0\x01\0\0\x10\0",
        b"\0\x00\0\0\0\x01",
        b"\0\x07\0\0\0\x01",
        b"\0\x1F\0\0\0\x01",
        b"\xFF\xFF",
        b"\0\x1A\x01",
    ];
    for event in events {
        client.message(2, message::USER_CONTROL, 0, 0, event);
        client.sync();
    }
    let mut ping = Vec::new();
    UserControl::Ping(0xFFFF_FFFF).write(&mut ping);
    client.message(2, message::USER_CONTROL, 0, 0, &[&ping[..], b"more"].concat());
    let pong = client.until(|m| m.kind == message::USER_CONTROL);
    assert_eq!(UserControl::parse(&pong.payload), Some(UserControl::Pong(0xFFFF_FFFF)));
    assert_eq!((pong.csid, pong.stream), (2, 0));
}

#[test]
fn empty_and_tiny_messages_pass() {
    let server = up("wait_key off;");
    let (mut publisher, mut player) = pair(&server);
    for payload in [&b""[..], &[0x17], &[0x27], &[0x90], &[0x96, 1], &[0xFF; 3], &[0x17, 1]] {
        publisher.video(0, payload);
        let frame = player.frame();
        assert_eq!((frame.kind, &frame.payload[..]), (message::VIDEO, payload));
    }
    for payload in [&b""[..], &[0xAF], &[0x90], &[0x95, 1], &[0x97], &[0xFF; 3]] {
        publisher.audio(0, payload);
        let frame = player.frame();
        assert_eq!((frame.kind, &frame.payload[..]), (message::AUDIO, payload));
    }
    publisher.data(0, b"");
    assert_eq!(player.frame().payload, b"");
    publisher.message(3, message::COMMAND, 0, 0, b"");
    publisher.message(3, message::COMMAND_AMF3, 0, 0, b"");
    publisher.message(3, 0, 0, 0, b"");
    publisher.message(3, 255, 1, 0, b"what nobody knows");
    publisher.sync();
}

#[test]
fn amf3_commands_are_amf0_behind_a_byte_and_shared_objects_are_passed_over() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &key(1));
    publisher.sync();
    for prefix in [&[0][..], &[]] {
        let mut player = Client::open(server.port2());
        let app: &[(&[u8], Value<'_>)] = &[(b"app", "live".into())];
        let calls: [(u32, &str, Vec<Value<'_>>); 3] = [
            (0, "connect", vec![Value::Object(app.to_vec())]),
            (0, "createStream", vec![Value::Null]),
            (1, "play", vec![Value::Null, "s".into()]),
        ];
        for (stream, name, arguments) in calls {
            let mut payload = prefix.to_vec();
            proto::rtmp::command::encode(&mut payload, name.as_bytes(), 1.0, &arguments);
            player.message(3, message::COMMAND_AMF3, stream, 0, &payload);
            player.message(3, message::SHARED, 0, 0, b"\0\x01x\0\0\0\0");
            player.message(3, message::SHARED_AMF3, 0, 0, b"\0\0\x01x\0\0\0\0");
        }
        assert_eq!(player.frames(1), ["k1@0"], "{prefix:?}");
    }
}

/// A connection outlives whatever its commands hold.
#[test]
fn odd_values_do_not_end_a_connection() {
    let server = up("");
    let mut client = Client::connect(&server, "live");
    let head = b"\x02\0\x0DreleaseStream\0\x40\0\0\0\0\0\0\0".to_vec();
    let deep_objects = b"\x03\0\x01a".repeat(10_000);
    let deep_arrays = b"\x0A\0\0\0\x01".repeat(10_000);
    let values: &[&[u8]] = &[
        b"\x05\x0C\0\0\0\x03abc",
        b"\x0B\0\0\0\0\0\0\0\0\0\0",
        b"\x07\0\0",
        b"\x06",
        b"\x0D",
        b"\x0F\0\0\0\x04<a/>",
        b"\x10\0\x01C\0\x01a\x05\0\0\x09",
        // An array that counts wrong, one without an end.
        b"\x08\0\0\0\x09\0\x01a\x05\0\0\x09",
        b"\x08\0\0\0\x01\0\x01a\x05",
        b"\x0A\0\0\0\x02\x05\x05",
        b"\x0A\xFF\xFF\xFF\xFF\x05",
        b"\x08\xFF\xFF\xFF\xFF",
        b"\x0C\xFF\xFF\xFF\xFFx",
        b"\x11\x0A\x0B\x01\x03a\x01\x01",
        b"\x11\x04",
        b"\x04",
        b"\x0E",
        b"\xFF",
        b"\x02\xFF\xFFx",
        b"\x00\0\0",
        &deep_objects,
        &deep_arrays,
    ];
    for value in values {
        let payload = [&head[..], value].concat();
        client.message(3, message::COMMAND, 0, 0, &payload);
        for len in 0..payload.len().min(40) {
            client.message(3, message::COMMAND, 0, 0, &payload[..len]);
        }
        client.sync();
    }
    // The same as data of a stream: it passes, or is not seen, and nothing breaks.
    client.publish("s");
    for value in values {
        client.data(0, &[b"\x02\0\x0D@setDataFrame\x02\0\x0AonMetaData", *value].concat());
        client.sync();
    }
    let mut player = Client::player(&server, "s");
    client.video(40, &key(1));
    player.frames_to("k1");
}
