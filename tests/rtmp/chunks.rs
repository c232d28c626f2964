//! Chunks as encoders cut them, and as no encoder should: what counts is what a player sees.

use proto::rtmp::{chunk, message};
use support::{Server, start};

use crate::client::Client;
use crate::frames::{aac, inter, inter_of, key, key_of};
use crate::{conf, up};

/// A publisher whose chunks have 128 bytes, and a player of its stream.
fn pair(server: &Server) -> (Client, Client) {
    let mut publisher = Client::connect(server, "live");
    publisher.publish("s");
    (publisher, Client::player(server, "s"))
}

/// The three forms of a basic header.
fn basic(format: u8, csid: u32) -> Vec<u8> {
    match csid {
        2..64 => vec![format << 6 | csid as u8],
        64..320 => vec![format << 6, (csid - 64) as u8],
        _ => [&[format << 6 | 1][..], &((csid - 64) as u16).to_le_bytes()].concat(),
    }
}

/// A chunk's head of any format; the fields that the format does not have are not written.
fn head(format: u8, csid: u32, time: u32, len: usize, kind: u8) -> Vec<u8> {
    let mut head = basic(format, csid);
    if format < 3 {
        head.extend_from_slice(&time.min(0xFF_FFFF).to_be_bytes()[1..]);
    }
    if format < 2 {
        head.extend_from_slice(&(len as u32).to_be_bytes()[1..]);
        head.push(kind);
    }
    if format < 1 {
        head.extend_from_slice(&1u32.to_le_bytes());
    }
    if format < 3 && time >= 0xFF_FFFF {
        head.extend_from_slice(&time.to_be_bytes());
    }
    head
}

/// A whole small message.
fn small(format: u8, csid: u32, time: u32, kind: u8, payload: &[u8]) -> Vec<u8> {
    [head(format, csid, time, payload.len(), kind), payload.to_vec()].concat()
}

const VIDEO: u8 = message::VIDEO;
const AUDIO: u8 = message::AUDIO;

#[test]
fn chunk_streams_have_numbers_of_one_to_three_bytes() {
    let server = up("");
    let (mut publisher, mut player) = pair(&server);
    for (n, csid) in [4, 63, 64, 255, 256, 319, 320, 1000, 65_599].into_iter().enumerate() {
        let n = n as u32;
        publisher.message(csid, VIDEO, 1, n * 40, &key_of(n, 500));
        assert_eq!(player.frames(1), [format!("k{n}@{}", n * 40)], "{csid}");
        // The three-byte form may say small numbers, too.
        let payload = inter(n);
        let long = [&[0x01, (csid - 4) as u8, 0][..], &small(0, 4, n * 40, VIDEO, &payload)[1..]];
        if (64..260).contains(&csid) {
            publisher.send(&long.concat());
            assert_eq!(player.frames(1), [format!("p{n}@{}", n * 40)], "{csid}");
        }
    }
    for csid in 100..140 {
        publisher.message(csid, VIDEO, 1, 0, &inter(1));
    }
    assert_eq!(publisher.rest(), [""; 0], "too many");
}

#[test]
fn sound_and_control_may_come_between_the_chunks_of_a_picture() {
    let server = up("");
    let (mut publisher, mut player) = pair(&server);
    let picture = key_of(1, 1000);
    publisher.send(&head(0, 7, 0, picture.len(), VIDEO));
    for (n, piece) in picture.chunks(128).enumerate() {
        if n > 0 {
            publisher.send(&basic(3, 7));
        }
        publisher.send(piece);
        publisher.send(&small(0, 6, n as u32, AUDIO, &aac(n as u32)));
        let ack = 5u32.to_be_bytes();
        publisher.message(2, message::ACKNOWLEDGEMENT, 0, 0, &ack);
    }
    let said = player.frames(9);
    let sounds: Vec<String> = (0..8).map(|n| format!("a{n}@{n}")).collect();
    assert_eq!(said[..7], sounds[..7]);
    // A picture belongs where it begins, which has passed: its time stays what it was.
    assert_eq!(said[7], "k1@0");
    assert_eq!(said[8], "a7@7");
}

#[test]
fn a_chunk_stream_may_begin_with_a_short_header_if_it_has_a_length() {
    let server = up("");
    let (mut publisher, mut player) = pair(&server);
    publisher.message(4, message::DATA, 1, 0, b"");
    // librtmp: no message stream is said, so it is 0. There is but one stream that it can mean.
    publisher.send(&small(1, 9, 40, VIDEO, &key(1)));
    publisher.send(&small(0, 7, 40, VIDEO, &key(2)));
    publisher.sync();
    let frame = loop {
        let frame = player.frame();
        if !frame.payload.is_empty() {
            break frame.said();
        }
    };
    assert_eq!(frame, "k1@0");
    assert_eq!(player.frames(1), ["k2@0"]);
    for format in [2, 3] {
        let (mut publisher, _) = (Client::connect(&server, "live"), ());
        publisher.send(&small(format, 9, 40, VIDEO, &key(1)));
        assert_eq!(publisher.rest(), [""; 0], "{format}");
    }
    assert!(server.error_log().contains("begins without a message's length"));
}

/// After format 0 the time stays, after 1 and 2 the step is repeated.
#[test]
fn a_header_of_nothing_repeats_the_step_before() {
    let server = up("");
    let (mut publisher, mut player) = pair(&server);
    publisher.send(&small(0, 7, 1000, VIDEO, &key(1)));
    publisher.send(&small(3, 7, 0, VIDEO, &key(2)));
    publisher.send(&small(1, 7, 40, VIDEO, &key(3)));
    publisher.send(&small(3, 7, 0, VIDEO, &key(4)));
    publisher.send(&small(2, 7, 50, VIDEO, &key(5)));
    publisher.send(&small(3, 7, 0, VIDEO, &key(6)));
    publisher.send(&small(3, 7, 0, VIDEO, &key(7)));
    let wanted = ["k1@0", "k2@0", "k3@40", "k4@80", "k5@130", "k6@180", "k7@230"];
    assert_eq!(player.frames(7), wanted);
}

#[test]
fn what_is_begun_anew_or_given_up_is_never_seen() {
    let server = up("");
    let (mut publisher, mut player) = pair(&server);
    let begin = |publisher: &mut Client, n| {
        let picture = key_of(n, 1000);
        publisher.send(&head(0, 7, 0, picture.len(), VIDEO));
        publisher.send(&picture[..128]);
    };
    for format in [0, 1] {
        begin(&mut publisher, 99);
        publisher.send(&small(format, 7, 0, VIDEO, &key(1)));
        assert_eq!(player.frames(1), ["k1@0"], "{format}");
    }
    begin(&mut publisher, 98);
    publisher.message(2, message::ABORT, 0, 0, &message::abort(7));
    publisher.send(&small(1, 7, 40, VIDEO, &key(2)));
    assert_eq!(player.frames(1), ["k2@40"]);
    // Of nothing, of a chunk stream that is not there, too short.
    for payload in [&message::abort(7)[..], &message::abort(50), b"", b"\0"] {
        publisher.message(2, message::ABORT, 0, 0, payload);
    }
    publisher.send(&small(1, 7, 40, VIDEO, &key(3)));
    assert_eq!(player.frames(1), ["k3@80"]);
}

#[test]
fn chunks_may_have_any_size_but_none() {
    let server = up("");
    for size in [1, 2, 127, 128, 65_536, 0xFF_FFFF, 0x100_0000, 134_217_728, 0x7FFF_FFFF] {
        let (mut publisher, mut player) = pair(&server);
        publisher.set_chunk_size(size);
        for n in 0..3 {
            publisher.video(n * 40, &key_of(n, 3000));
        }
        assert_eq!(player.frames(3), ["k0@0", "k1@40", "k2@80"], "{size}");
        publisher.call(0, "deleteStream", &[proto::rtmp::amf::Value::Null, 1.0.into()]);
        publisher.expect("NetStream.Unpublish.Success");
    }
    for payload in [&[0; 4][..], &[0x80, 0, 0, 0], &[0xFF; 4], b"", b"\0\0"] {
        let mut client = Client::connect(&server, "live");
        client.message(2, message::SET_CHUNK_SIZE, 0, 0, payload);
        assert_eq!(client.rest(), [""; 0], "{payload:?}");
    }
    // In the middle of a message: the rest of it comes in chunks of the new size.
    let (mut publisher, mut player) = pair(&server);
    let picture = key_of(5, 2000);
    publisher.send(&head(0, 7, 0, picture.len(), VIDEO));
    publisher.send(&picture[..128]);
    publisher.set_chunk_size(500);
    for piece in picture[128..].chunks(500) {
        publisher.send(&[&basic(3, 7), piece].concat());
    }
    assert_eq!(player.frames(1), ["k5@0"]);
}

/// With and without the time repeated in every chunk.
#[test]
fn long_times_are_repeated_or_not() {
    let server = up("");
    for repeated in [true, false] {
        let (mut publisher, mut player) = pair(&server);
        let mut send = |format, time: u32, payload: &[u8]| {
            publisher.send(&head(format, 7, time, payload.len(), VIDEO));
            for (n, piece) in payload.chunks(128).enumerate() {
                if n > 0 {
                    publisher.send(&basic(3, 7));
                    if repeated && time >= 0xFF_FFFF {
                        publisher.send(&time.to_be_bytes());
                    }
                }
                publisher.send(piece);
            }
        };
        send(0, 0xFF_FFFF, &key_of(1, 1000));
        send(0, 0x100_0000, &inter_of(2, 1000));
        send(1, 40, &inter_of(3, 1000));
        send(1, 0xFF_FFFF, &inter_of(4, 1000));
        send(2, 0x100_0000, &inter_of(4, 1000));
        send(1, 0, &inter_of(5, 300));
        assert_eq!(player.frames(3), ["k1@0", "p2@1", "p3@41"], "{repeated}");
        // Hours at once are no time that has passed: players go on without a hole.
        let rest = player.take(3);
        let said: Vec<String> = rest.iter().map(crate::client::Message::said).collect();
        let words: Vec<&str> = said.iter().filter_map(|word| word.split('@').next()).collect();
        assert_eq!(words, ["p4", "p4", "p5"], "{repeated}");
        assert!(rest.is_sorted_by_key(|frame| frame.time) && rest[0].time > 41, "{said:?}");
        assert!(rest[2].time < 60_000, "{said:?}");
        publisher.call(0, "deleteStream", &[proto::rtmp::amf::Value::Null, 1.0.into()]);
        publisher.expect("NetStream.Unpublish.Success");
    }
}

/// Players go on where the publisher's clock begins at zero again, after 49.7 days.
#[test]
fn clocks_wrap() {
    let server = up("");
    let (mut publisher, mut player) = pair(&server);
    let mut http = crate::flv::Flv::get(&server, "/live/s.flv");
    for n in 0..6u32 {
        publisher.video(0xFFFF_FF00u32.wrapping_add(n * 100), &key(n));
    }
    let wanted: Vec<String> = (0..6).map(|n| format!("k{n}@{}", n * 100)).collect();
    assert_eq!(player.frames(6), wanted);
    assert_eq!(http.frames(6), wanted);
    // Over the end of the 24 bits of a chunk's header, in steps that are no jumps.
    for n in 6..3600u32 {
        let time = 244 + (n - 5) * 4_900;
        publisher.video(time, &key(n));
        if n % 400 == 0 || n == 3599 {
            let own = 500 + (n - 5) * 4_900;
            let last = format!("k{n}@{own}");
            assert_eq!(player.frames_to(&format!("k{n}")).last(), Some(&last));
            let mut said = http.frames(1);
            while !said[0].starts_with(&format!("k{n}@")) {
                said = http.frames(1);
            }
            assert_eq!(said, [last]);
        }
    }
}

#[test]
fn a_clock_that_jumps_is_followed_neither_forwards_nor_back() {
    let server = up("");
    let (mut publisher, mut player) = pair(&server);
    publisher.video(100_000, &key(1));
    publisher.video(100_040, &inter(2));
    publisher.video(3_700_040, &inter(3));
    assert_eq!(player.frames(2), ["k1@0", "p2@40"]);
    // An hour: players would wait for what lies between.
    let jumped = player.frame();
    assert!((41..60_000).contains(&jumped.time), "{jumped:?}");
    publisher.video(3_700_080, &inter(3));
    assert_eq!(player.frame().time, jumped.time + 40);
    // The encoder has started again.
    publisher.video(0, &key(4));
    publisher.video(40, &inter(5));
    let [first, second] = [player.frame(), player.frame()];
    let next = jumped.time + 40;
    assert!(first.time > next && second.time == first.time + 40, "{first:?} {second:?}");
    assert_eq!((first.payload, second.payload), (key(4), inter(5)));
    // It is set back by two seconds, sound and pictures: less than encoders need to start again, and players of FLV
    // show no picture again that they would have to have shown before.
    publisher.audio(50, &aac(1));
    for n in 2..100 {
        publisher.video(n * 40, &inter(n));
        publisher.audio(n * 40 + 10, &aac(n));
    }
    player.frames_to("a99");
    let last = second.time + 98 * 40;
    publisher.video(1960, &key(200));
    publisher.audio(1970, &aac(200));
    publisher.video(2000, &inter(201));
    publisher.audio(2010, &aac(201));
    let times: Vec<u32> = player.take(4).iter().map(|frame| frame.time).collect();
    assert!(times[0] > last && times[0] < last + 60_000, "{times:?} after {last}");
    assert_eq!(times[1..], [times[0] + 10, times[0] + 40, times[0] + 50]);
}

#[test]
fn sound_and_pictures_keep_their_distance() {
    let server = up("");
    let (mut publisher, mut player) = pair(&server);
    publisher.video(5000, &key(1));
    publisher.audio(5500, &aac(1));
    publisher.video(5040, &inter(2));
    publisher.audio(5523, &aac(2));
    publisher.audio(5490, &aac(3));
    publisher.video(5080, &inter(3));
    assert_eq!(player.frames(6), ["k1@0", "a1@500", "p2@40", "a2@523", "a3@523", "p3@80"]);
}

#[test]
fn a_picture_may_be_as_large_as_a_message_can_be() {
    let server = start!(conf("").replace("rtmp_zone 32m;", ""));
    let (mut publisher, mut player) = pair(&server);
    publisher.set_chunk_size(65_536);
    let len = chunk::LONGEST - 9;
    for (n, len) in [(1, 5_000_000), (2, len)] {
        publisher.video(n * 40, &key_of(n, len));
        assert_eq!(player.frames(1), [format!("k{n}@{}", (n - 1) * 40)], "{len}");
    }
}
