//! RTMP's handshake: digests as another implementation has computed them, pieces, both sides.

use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use proto::rtmp::handshake::{ClientHandshake, Error, Handshake, SIZE, Scheme};
use sha2::Sha256;

const ALL: usize = 1 + 2 * SIZE;

fn random(step: usize, start: usize) -> [u8; SIZE] {
    std::array::from_fn(|index| (index * step + start) as u8)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// What a server answers to these bytes, how many of them it took, and whether it is through.
fn answer(input: &[u8], piece: usize) -> Result<(Vec<u8>, usize, bool), Error> {
    let (mut handshake, mut out) = (Handshake::new(random(11, 5)), Vec::new());
    let (mut at, mut done) = (0, false);
    while at < input.len() && !done {
        let part = &input[at..input.len().min(at + piece)];
        let (used, complete) = handshake.feed(part, &mut out)?;
        assert!(used == part.len() || complete, "only what comes after is left");
        (at, done) = (at + used, complete);
    }
    Ok((out, at, done))
}

fn client(scheme: Option<Scheme>) -> Vec<u8> {
    let mut client = match scheme {
        Some(scheme) => ClientHandshake::with_digest(random(7, 3), scheme),
        None => ClientHandshake::new(random(7, 3)),
    };
    let mut out = Vec::new();
    client.start(&mut out);
    assert_eq!((out.len(), out[0]), (1 + SIZE, 3));
    out
}

/// The digests of C1, S1 and S2, from Python's hmac and librtmp's places.
#[test]
fn digests() {
    let vectors = [
        (
            Scheme::At8,
            (290, "612af37c38c4a1b74e5737fc4021ded17ed92a9431c19bc665cf421131bad8a6"),
            (450, "785054258ef5830bb8d867439847ef179aab08f3e44da6414cef578f041b7887"),
            "a7566e792d45a287ba3e2f5b3c244eb003ba642ae98e998eaf2af830ca06c0be",
        ),
        (
            Scheme::At772,
            (942, "e6a7fbdda4aab503b4e693e92d6f18d9d4b89f3ef0e95fffe767a4830aa37109"),
            (1038, "aad1d33b7b74170eb4bae408e89ce3bf81966560ec9c183ea2c284a6058339af"),
            "27dcd6ab2147f408e67608f0a9a82b946720a08931b328fa35ec5459f3ca1405",
        ),
    ];
    for (scheme, (at, digest), (server_at, server_digest), second) in vectors {
        let c1 = client(Some(scheme));
        assert_eq!(hex(&c1[1 + at..][..32]), digest, "{scheme:?}");
        assert_eq!(c1[1..9], [0, 0, 0, 0, 9, 0, 124, 2]);
        let (out, ..) = answer(&c1, usize::MAX).unwrap();
        assert_eq!(out.len(), ALL);
        // A version of 3 and above is what makes ffmpeg look for the digest.
        assert_eq!(out[..9], [3, 0, 0, 0, 0, 0x0D, 0x0E, 0x0A, 0x0D]);
        assert_eq!(hex(&out[1 + server_at..][..32]), server_digest, "{scheme:?}");
        assert_eq!(hex(&out[ALL - 32..]), second, "{scheme:?}");
    }
}

#[test]
fn a_wrong_digest_is_answered_plainly() {
    for scheme in [Scheme::At8, Scheme::At772] {
        let good = client(Some(scheme));
        for at in [1, 5, 500, 1000, SIZE] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            let (out, ..) = answer(&bad, usize::MAX).unwrap();
            assert_eq!(out[..9], [3, 0, 0, 0, 0, 0, 0, 0, 0], "{scheme:?} {at}");
            assert_eq!(out[1 + SIZE..], bad[1..], "{scheme:?} {at}");
        }
    }
}

#[test]
fn versions() {
    // 22 is where TLS begins (RFC 8446 §5.1).
    for version in (0..32).filter(|version| *version != 22) {
        let mut input = client(None);
        input[0] = version;
        let (out, used, done) = answer(&input, usize::MAX).unwrap();
        assert_eq!((out[0], used, done), (3, 1 + SIZE, false), "{version}");
    }
    for text in [&b"GET / HTTP/1.1\r\n"[..], b"POST", b" ", b"\x80", b"\x16\x03\x01", b"\xff"] {
        assert_eq!(answer(text, 1), Err(Error::NotRtmp), "{text:?}");
        assert_eq!(answer(text, usize::MAX), Err(Error::NotRtmp), "{text:?}");
    }
    let mut out = Vec::new();
    assert_eq!(Handshake::new([0; SIZE]).feed(b"", &mut out), Ok((0, false)));
}

/// A client that keeps its keys to itself: what comes back is checked as librtmp does.
#[test]
fn as_librtmp_checks() {
    let key = b"Genuine Adobe Flash Media Server 001";
    let end = "f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae";
    let end = (0..64).step_by(2).map(|at| u8::from_str_radix(&end[at..at + 2], 16).unwrap());
    let long: Vec<u8> = key.iter().copied().chain(end).collect();
    let place = |packet: &[u8], at: usize| {
        packet[at..at + 4].iter().map(|byte| usize::from(*byte)).sum::<usize>() % 728 + at + 4
    };
    for (scheme, at) in [(Scheme::At8, 8), (Scheme::At772, 772)] {
        for seed in 0..40 {
            let (mut input, mut out) = (Vec::new(), Vec::new());
            ClientHandshake::with_digest(random(seed, 91), scheme).start(&mut input);
            Handshake::new(random(3, seed)).feed(&input, &mut out).unwrap();
            let (s1, s2) = out[1..].split_at(SIZE);
            let digest = place(s1, at);
            let rest = [&s1[..digest], &s1[digest + 32..]].concat();
            assert_eq!(s1[digest..digest + 32], hmac(key, &rest), "{scheme:?} {seed}");
            let of_client = &input[1 + place(&input[1..], at)..][..32];
            assert_eq!(s2[SIZE - 32..], hmac(&hmac(&long, of_client), &s2[..SIZE - 32]));
        }
    }
}

#[test]
fn what_follows_is_left() {
    for scheme in [None, Some(Scheme::At8), Some(Scheme::At772)] {
        let mut input = client(scheme);
        input.extend_from_slice(&random(1, 1));
        input.extend_from_slice(b"\x03the first chunk");
        let whole = answer(&input, usize::MAX).unwrap();
        assert_eq!((whole.0.len(), whole.1, whole.2), (ALL, ALL, true));
        for piece in [1, 2, 7, 1000, 1536, 1537, 1538, 3000] {
            assert_eq!(answer(&input, piece).unwrap(), whole, "{piece}");
        }
    }
}

proptest! {
    #[test]
    fn both_sides_meet(seed in 0usize..256, piece in 1usize..4000, digest in 0..3) {
        let random = random(13, seed);
        let mut client = match digest {
            0 => ClientHandshake::new(random),
            1 => ClientHandshake::with_digest(random, Scheme::At8),
            _ => ClientHandshake::with_digest(random, Scheme::At772),
        };
        let mut server = Handshake::new(self::random(5, seed));
        let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
        let (mut server_done, mut client_done) = (false, false);
        client.start(&mut to_server);
        while !(server_done && client_done) {
            let part = to_server.len().min(piece);
            let (used, done) = server.feed(&to_server[..part], &mut to_client).unwrap();
            to_server.drain(..used);
            server_done = done;
            let part = to_client.len().min(piece);
            let (used, done) = client.feed(&to_client[..part], &mut to_server).unwrap();
            prop_assert!(used + to_server.len() > 0 || done);
            to_client.drain(..used);
            client_done = done;
        }
        prop_assert!(to_server.is_empty() && to_client.is_empty());
    }
}
