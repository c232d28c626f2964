//! RTMP's handshake.

use proto::rtmp::handshake::{ClientHandshake, Error, Handshake, SIZE, Scheme};

/// What a peer sends is taken the same whole and in pieces, and never more of it than is the
/// handshake's. Whatever the random bytes are, both sides meet.
pub fn rtmp_handshake(data: &[u8]) {
    let random = std::array::from_fn(|at| data.get(at).copied().unwrap_or(at as u8));
    let server = |piece| {
        let mut handshake = Handshake::new(random);
        read(data, piece, |part, out| handshake.feed(part, out))
    };
    let client = |piece| {
        let mut handshake = ClientHandshake::new(random);
        read(data, piece, |part, out| handshake.feed(part, out))
    };
    let (whole, whole_client) = (server(data.len().max(1)), client(data.len().max(1)));
    for piece in [7, 1536] {
        assert_eq!(server(piece), whole, "in pieces of {piece}");
        assert_eq!(client(piece), whole_client, "in pieces of {piece}");
    }
    // Text, and the first byte of a TLS hello.
    let other = |version: &u8| *version >= 32 || *version == 22;
    assert_eq!(whole.is_err(), data.first().is_some_and(other));
    if let Ok((out, used, done)) = whole {
        assert_eq!(out.len(), if data.len() > SIZE { 1 + 2 * SIZE } else { 0 });
        assert_eq!((used, done), (data.len().min(1 + 2 * SIZE), data.len() > 2 * SIZE));
    }
    meet(ClientHandshake::new(random), random, false);
    meet(ClientHandshake::with_digest(random, Scheme::At8), random, true);
    meet(ClientHandshake::with_digest(random, Scheme::At772), random, true);
}

/// The answer, how many bytes were taken, whether it is complete.
type Outcome = Result<(Vec<u8>, usize, bool), Error>;

fn read(
    data: &[u8],
    piece: usize,
    mut feed: impl FnMut(&[u8], &mut Vec<u8>) -> Result<(usize, bool), Error>,
) -> Outcome {
    let (mut out, mut at) = (Vec::new(), 0);
    for part in data.chunks(piece) {
        let (used, done) = feed(part, &mut out)?;
        at += used;
        if done {
            return Ok((out, at, true));
        }
        assert_eq!(used, part.len());
    }
    Ok((out, at, false))
}

fn meet(mut client: ClientHandshake, random: [u8; SIZE], digest: bool) {
    let mut server = Handshake::new(random);
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    client.start(&mut to_server);
    assert_eq!(server.feed(&to_server, &mut to_client), Ok((1 + SIZE, false)));
    // A version tells that there is a digest.
    assert_eq!(to_client[5] != 0, digest);
    to_server.clear();
    assert_eq!(client.feed(&to_client, &mut to_server), Ok((1 + 2 * SIZE, true)));
    assert_eq!(server.feed(&to_server, &mut to_client), Ok((SIZE, true)));
}
