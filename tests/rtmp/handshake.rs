//! The first three thousand bytes.

use hmac::{Hmac, KeyInit, Mac};
use proto::rtmp::handshake::{ClientHandshake, SIZE, Scheme};
use sha2::Sha256;
use support::{Server, proc, raw, start, wait_for};

use crate::client::Client;
use crate::frames::key;
use crate::{up, with_server};

/// C0, C1 and a C2 that nobody would send, and then `connect` and what makes it a player of `s`.
fn everything_at_once() -> Vec<u8> {
    use proto::rtmp::amf::Value;
    use proto::rtmp::{chunk, command, message};
    let mut bytes = vec![3];
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend((0..2 * SIZE - 8).map(|at| (at * 31 % 251) as u8));
    let app: &[(&[u8], Value<'_>)] = &[(b"app", "live".into())];
    let calls: [(u32, &str, Vec<Value<'_>>); 3] = [
        (0, "connect", vec![Value::Object(app.to_vec())]),
        (0, "createStream", vec![Value::Null]),
        (1, "play", vec![Value::Null, "s".into()]),
    ];
    for (stream, name, arguments) in calls {
        let mut payload = Vec::new();
        command::encode(&mut payload, name.as_bytes(), 1.0, &arguments);
        chunk::write_message(&mut bytes, 128, 3, message::COMMAND, stream, 0, &payload);
    }
    bytes
}

/// A stream `s` that has a key frame.
fn stream(server: &Server) -> Client {
    let mut publisher = Client::publisher(server, "s");
    publisher.video(0, &key(1));
    publisher.sync();
    publisher
}

/// Takes S0, S1 and S2.
#[track_caller]
fn take_answer(client: &mut Client) -> (Vec<u8>, Vec<u8>) {
    assert_eq!(client.bytes(1), [3]);
    (client.bytes(SIZE), client.bytes(SIZE))
}

#[test]
fn it_does_not_matter_how_the_bytes_come() {
    let server = up("");
    let _publisher = stream(&server);
    let bytes = everything_at_once();
    for size in [1, 7, 1536, 1537, 3072, 3073, 3074, bytes.len()] {
        let mut client = Client::wire(server.port2());
        for piece in bytes.chunks(size) {
            client.send(piece);
        }
        let (_, s2) = take_answer(&mut client);
        assert_eq!(s2, bytes[1..=SIZE], "{size}");
        assert_eq!(client.frames(1), ["k1@0"], "{size}");
    }
}

#[test]
fn other_versions_are_answered_and_other_protocols_are_not() {
    let server = up("");
    for version in [0, 1, 3, 6, 8, 31] {
        let mut client = Client::wire(server.port2());
        client.send(&[&[version][..], &everything_at_once()[1..]].concat());
        take_answer(&mut client);
        client.expect("NetConnection.Connect.Success");
    }
    for text in
        ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST /open/1 HTTP/1.1\r\n\r\n", "\x16\x03\x01", " "]
    {
        let answer = raw(server.port2(), text);
        // TLS begins with a byte that could be a version.
        assert_eq!(answer, b"", "{text:?}");
    }
    assert_eq!(server.curl(&["-X", "POST", "-d", "\n"], "/open/1").status, 404, "RTMPT");
    let _ = stream(&server);
}

fn digest(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

const SERVER: &[u8] = b"Genuine Adobe Flash Media Server 001\
    \xF0\xEE\xC2\x4A\x80\x68\xBE\xE8\x2E\x00\xD0\xD1\x02\x9E\x7E\x57\
    \x6E\xEC\x5D\x2D\x29\x80\x6F\xAB\x93\xB8\xE6\x36\xCF\xEB\x31\xAE";

#[test]
fn digests_are_answered_with_digests() {
    let server = up("");
    for (scheme, base) in [(Scheme::At8, 8), (Scheme::At772, 772)] {
        let place = |packet: &[u8]| {
            let sum: usize = packet[base..base + 4].iter().map(|&byte| usize::from(byte)).sum();
            base + 4 + sum % 728
        };
        let random: [u8; SIZE] = std::array::from_fn(|at| (at * 7 % 256) as u8);
        let mut out = Vec::new();
        ClientHandshake::with_digest(random, scheme).start(&mut out);
        let mut client = Client::wire(server.port2());
        client.send(&out);
        let (s1, s2) = take_answer(&mut client);
        let (c1, at) = (&out[1..], place(&s1));
        let wanted = digest(&SERVER[..36], &[&s1[..at], &s1[at + 32..]]);
        assert_eq!(s1[at..at + 32], wanted, "S1 {scheme:?}");
        let at = place(c1);
        let key = digest(SERVER, &[&c1[at..at + 32]]);
        assert_eq!(s2[SIZE - 32..], digest(&key, &[&s2[..SIZE - 32]]), "S2 {scheme:?}");
        assert_ne!(s1[4..8], [0; 4], "a version");
        // A digest that is wrong is none.
        let mut wrong = out.clone();
        wrong[1 + at] ^= 1;
        let mut client = Client::wire(server.port2());
        client.send(&wrong);
        let (s1, s2) = take_answer(&mut client);
        assert_eq!((&s1[4..8], &s2[..]), (&[0; 4][..], &wrong[1..]), "{scheme:?}");
        // And all the way.
        let mut client = Client::wire(server.port2());
        client.shake_hands(ClientHandshake::with_digest(random, scheme));
        client.connect_to("live", &[]);
        assert_eq!(client.answer(), "NetConnection.Connect.Success");
    }
}

#[test]
fn who_stops_in_the_middle_is_closed_and_forgotten() {
    let server = start!(with_server("handshake_timeout 300ms;", "application live { live on; }"));
    let open = || server.workers().iter().map(|&pid| proc::descriptors(pid)).sum::<usize>();
    let before = open();
    let all = everything_at_once();
    let mut clients = Vec::new();
    // Up to before the end of `connect`.
    for len in [0, 1, 1000, 1537, 2000, 3073, 3080, 3100] {
        let mut client = Client::wire(server.port2());
        client.send(&all[..len]);
        clients.push(client);
    }
    for client in &mut clients {
        let mut got = 0;
        wait_for("the end", || match client.some() {
            0 => true,
            count => {
                got += count;
                false
            }
        });
        assert!(got == 0 || got == 1 + 2 * SIZE, "{got}");
    }
    drop(clients);
    wait_for("the descriptors", || open() == before);
    // One that is in time has all the time of the world.
    let mut player = Client::player(&server, "s");
    std::thread::scope(|scope| {
        let idle = scope.spawn(|| Client::wire(server.port2()).some());
        assert_eq!(idle.join().expect("a thread"), 0);
    });
    player.sync();
}
