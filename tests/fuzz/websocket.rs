//! WebSocket frames of a client.

use proto::websocket::{Inbound, Said};

/// The most that a message may have.
const MOST: usize = 300;

/// What a client says does not depend on the pieces in which it comes; messages keep to the limit, and
/// so does what is answered.
pub fn websocket(data: &[u8]) {
    let whole = hear(data, data.len().max(1));
    for piece in [1, 7] {
        assert_eq!(hear(data, piece), whole, "in pieces of {piece}");
    }
}

fn hear(data: &[u8], piece: usize) -> (Vec<Said>, Vec<u8>, bool) {
    let mut inbound = Inbound::new(MOST);
    let (mut said, mut out, mut goes_on) = (Vec::new(), Vec::new(), true);
    for part in data.chunks(piece) {
        if goes_on {
            goes_on = inbound.feed(part, &mut out, |word| said.push(word));
        }
    }
    for word in &said {
        assert!(!matches!(word, Said::Message(text) if text.len() > MOST));
    }
    let most = 2 * data.len() + 128;
    assert!(out.len() <= most, "{} bytes are answered with {}", data.len(), out.len());
    (said, out, goes_on)
}
