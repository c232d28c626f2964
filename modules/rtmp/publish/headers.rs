//! What a decoder needs first: headers of all tracks, and metadata.

use proto::rtmp::message;

/// A stream has at most so many.
const MOST: usize = 32;
/// The longest that is repeated before each key frame. Real ones have a few hundred bytes.
const LONGEST: usize = 64 << 10;

/// The newest of each kind and track.
#[derive(Default)]
pub struct Headers {
    all: Vec<Header>,
}

struct Header {
    kind: u8,
    track: u8,
    metadata: bool,
    payload: Vec<u8>,
}

impl Headers {
    /// Keeps one, in place of the one before of its kind.
    pub fn set(&mut self, kind: u8, track: u8, metadata: bool, payload: &[u8]) {
        let same =
            |known: &Header| (known.kind, known.track, known.metadata) == (kind, track, metadata);
        self.all.retain(|known| !same(known));
        if self.all.len() < MOST && payload.len() <= LONGEST {
            self.all.push(Header { kind, track, metadata, payload: payload.to_vec() });
            // Metadata goes first, and configurations before what is told of colours.
            self.all.sort_by_key(|known| {
                let order = [message::DATA, message::VIDEO, message::AUDIO];
                let place = order.iter().position(|kind| *kind == known.kind);
                (place, known.metadata, known.track)
            });
        }
    }

    /// Forgets those of a kind.
    pub fn forget(&mut self, kind: u8) {
        self.all.retain(|known| known.kind != kind);
    }

    /// All, in the order in which they are sent.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.all.iter().map(|header| (header.kind, &header.payload[..]))
    }
}
