//! What happens when several rare things come together.

use proto::rtmp::amf::Value;
use support::{Random, proc, start, wait_for};

use crate::client::Client;
use crate::flv::Flv;
use crate::frames::{aac, avc_header, data, inter, key};
use crate::program::Program;
use crate::{up, with_server};

/// Many send data at zero whenever it comes: no clock goes back for it.
#[test]
fn data_without_a_time_turns_no_clock_back() {
    let server = up("meta copy;");
    let mut publisher = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    let mut http = Flv::get(&server, "/live/s.flv");
    publisher.video(0, &key(0));
    publisher.video(1000, &inter(1));
    publisher.data(0, &data(&["onTextData"], &[]));
    publisher.video(5000, &inter(2));
    publisher.data(0, &data(&["onTextData"], &[]));
    publisher.video(5040, &inter(3));
    let wanted = ["k0@0", "p1@1000", "onTextData@1000", "p2@5000", "onTextData@5000", "p3@5040"];
    assert_eq!(player.frames(6), wanted);
    assert_eq!(http.frames(6), wanted);
}

#[test]
fn a_stream_may_be_played_twice_on_one_connection() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &avc_header(1));
    publisher.video(0, &key(1));
    publisher.sync();
    let mut player = Client::connect(&server, "live");
    assert_eq!((player.play("s"), player.play("s")), (1, 2));
    publisher.video(40, &inter(2));
    publisher.video(80, &inter(3));
    let mut said = [Vec::new(), Vec::new()];
    while said.iter().map(Vec::len).sum::<usize>() < 8 {
        let frame = player.frame();
        said[frame.stream as usize - 1].push(frame.said());
    }
    let wanted = ["vh1@0", "k1@0", "p2@40", "p3@80"];
    assert_eq!(said, [wanted, wanted]);
    // One of them ends; the other goes on.
    player.call(0, "deleteStream", &[Value::Null, 1.0.into()]);
    player.sync();
    publisher.video(120, &inter(4));
    let frame = player.frame();
    assert_eq!((frame.stream, frame.said()), (2, "p4@120".into()));
}

/// A player that has closed its half has gone.
#[test]
fn a_half_closed_player_is_forgotten() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &key(1));
    let mut player = Client::player(&server, "s");
    assert_eq!(player.frames(1), ["k1@0"]);
    player.half_close();
    assert_eq!(player.rest(), [""; 0]);
    wait_for("its end", || server.get("/stat").text().matches("<client>").count() == 1);
}

/// Whoever is replaced is told of once, and so is who replaces it.
#[test]
fn a_takeover_is_told_once() {
    let program = Program::answering("HTTP/1.0 200 OK\r\n\r\n");
    let live = format!(
        "application live {{ live on; publish_takeover on; publish_grace 0;
             on_publish {0}/; on_publish_done {0}/; }}",
        program.url()
    );
    let server = start!(with_server("", &live));
    let mut first = Client::publisher(&server, "s");
    first.video(0, &key(1));
    let mut second = Client::publisher(&server, "s");
    second.video(0, &key(2));
    first.video(40, &inter(3));
    first.rest();
    let mut player = Client::player(&server, "s");
    second.video(40, &inter(4));
    player.frames_to("p4");
    let stat = server.get("/stat?format=json").text();
    assert_eq!(stat.matches("\"publishing\":true").count(), 2, "one stream, one publisher: {stat}");
    second.reset();
    let mut calls: Vec<String> = (0..4).map(|_| program.next().call()).collect();
    calls.sort();
    assert_eq!(calls, ["publish", "publish", "publish_done", "publish_done"]);
    assert!(program.next_within(std::time::Duration::from_millis(200)).is_none());
}

#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    let server = up("publish_grace 0;");
    let mut keep = Client::publisher(&server, "keep");
    keep.video(0, &key(1));
    keep.sync();
    let look = || {
        let pids = server.workers();
        let open: usize = pids.iter().map(|&pid| proc::descriptors(pid)).sum();
        let memory: u64 = pids.iter().map(|&pid| proc::memory_kb(pid)).sum();
        (open, memory)
    };
    let round = || {
        for n in 0..60 {
            match n % 4 {
                0 => drop(Client::wire(server.port2())),
                1 => {
                    let mut publisher = Client::publisher(&server, &format!("s{n}"));
                    publisher.video(0, &key(n));
                    publisher.audio(0, &aac(n));
                    publisher.sync();
                    publisher.reset();
                }
                2 => {
                    let mut player = Client::player(&server, "keep");
                    player.frames(1);
                    player.reset();
                }
                _ => drop(Flv::get(&server, "/live/keep.flv").frames(1)),
            }
        }
        wait_for("all to be gone", || server.get("/stat").text().matches("<client>").count() == 1);
    };
    round();
    let (open, memory) = look();
    for _ in 0..5 {
        round();
    }
    wait_for("the descriptors", || look().0 <= open);
    assert!(look().1 < memory + 2000, "{} of {memory}", look().1);
}

/// As no encoder should: clocks of sound and pictures that have nothing to do with each other.
#[test]
fn clocks_that_are_far_apart_do_not_run_away() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    for n in 0..50 {
        publisher.video(90_000 + n * 40, &inter_or_key(n));
        publisher.audio(n * 23, &aac(n));
    }
    for n in 0..50 {
        let picture = player.frame();
        assert_eq!((picture.payload, picture.time), (inter_or_key(n), n * 40));
        assert_eq!(player.frame().payload, aac(n));
    }
}

fn inter_or_key(n: u32) -> Vec<u8> {
    if n.is_multiple_of(10) { key(n) } else { inter(n) }
}

/// What a publisher and player sends from its first byte on.
fn transcript() -> Vec<u8> {
    use proto::rtmp::{chunk, command, message};
    let mut bytes = vec![3; 1 + 2 * 1536];
    let mut say = |csid, kind, stream, time, payload: &[u8]| {
        chunk::write_message(&mut bytes, 128, csid, kind, stream, time, payload);
    };
    let app: &[(&[u8], Value<'_>)] = &[(b"app", "live".into()), (b"tcUrl", "rtmp://x/live".into())];
    let calls: [(u32, &str, Vec<Value<'_>>); 8] = [
        (0, "connect", vec![Value::Object(app.to_vec())]),
        (0, "createStream", vec![Value::Null]),
        (0, "createStream", vec![Value::Null]),
        (1, "publish", vec![Value::Null, "mutated".into(), "live".into()]),
        (2, "play", vec![Value::Null, "mutated".into()]),
        (2, "pause", vec![Value::Null, true.into(), 0.0.into()]),
        (2, "pause", vec![Value::Null, false.into(), 0.0.into()]),
        (2, "receiveVideo", vec![Value::Null, true.into()]),
    ];
    for (number, (stream, name, arguments)) in calls.into_iter().enumerate() {
        let mut payload = Vec::new();
        command::encode(&mut payload, name.as_bytes(), number as f64, &arguments);
        say(3, message::COMMAND, stream, 0, &payload);
    }
    say(4, message::DATA, 1, 0, &crate::frames::metadata(640.0));
    say(7, message::VIDEO, 1, 0, &avc_header(1));
    say(6, message::AUDIO, 1, 0, &crate::frames::aac_header(1));
    for n in 0..10 {
        say(7, message::VIDEO, 1, n * 40, &crate::frames::key_of(n, 300));
        say(6, message::AUDIO, 1, n * 40, &aac(n));
    }
    say(
        3,
        message::COMMAND,
        0,
        0,
        b"\x02\0\x0CdeleteStream\0\0\0\0\0\0\0\0\0\x05\0\x3F\xF0\0\0\0\0\0\0",
    );
    bytes
}

/// Bytes that are changed at random, though the same at each run.
#[test]
fn damaged_bytes_damage_nobody_else() {
    let server = up("publish_grace 0; publish_takeover on;");
    let workers = server.workers();
    let mut publisher = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    let whole = transcript();
    let mut random = Random::new(1, 0);
    for round in 0..400 {
        let mut bytes = whole.clone();
        for _ in 0..1 + random.below(4) {
            let at = 3073 + random.below(bytes.len() - 3073);
            match random.below(4) {
                0 => bytes[at] = random.below(256) as u8,
                1 => bytes[at] ^= 1 << random.below(8),
                2 => drop(bytes.drain(at..(at + random.below(20)).min(bytes.len()))),
                _ => drop(bytes.splice(at..at, (0..random.below(20)).map(|n| n as u8))),
            }
        }
        let mut client = Client::wire(server.port2());
        client.send(&bytes);
        client.half_close();
        while client.some() > 0 {}
        if round % 20 == 0 {
            publisher.video(round, &key(round));
            assert_eq!(player.frames(1), [format!("k{round}@{round}")]);
        }
    }
    assert_eq!(server.workers(), workers, "a worker has died");
    wait_for("their end", || server.get("/stat").text().matches("<client>").count() == 2);
}
