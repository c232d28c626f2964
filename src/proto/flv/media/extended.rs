//! The header that audio and video share in Enhanced RTMP v2.

/// Packet types that audio and video have in common.
pub(super) const SEQUENCE_START: u8 = 0;
pub(super) const CODED_FRAMES: u8 = 1;
pub(super) const SEQUENCE_END: u8 = 2;
const MOD_EX: u8 = 7;

/// Several tracks, each with a codec of its own.
const MANY_CODECS: u8 = 2;

/// What comes before the data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extended {
    /// What the data is; of the first track.
    pub packet: u8,
    /// Its codec.
    pub codec: [u8; 4],
    /// There are tracks.
    pub tracks: bool,
    /// The first one's number; 0 without tracks.
    pub track: u8,
    /// Where the data begins.
    pub body: usize,
}

/// Passes over extensions: gives the packet type behind them and its place.
pub(super) fn packet(payload: &[u8]) -> Option<(u8, usize)> {
    let (mut packet, mut at) = (payload.first()? & 15, 1);
    while packet == MOD_EX {
        let mut size = usize::from(*payload.get(at)?) + 1;
        at += 1;
        if size == 256 {
            let [high, low] = *payload.get(at..)?.first_chunk()?;
            size = usize::from(u16::from_be_bytes([high, low])) + 1;
            at += 2;
        }
        at += size;
        packet = *payload.get(at)? & 15;
        at += 1;
    }
    Some((packet, at))
}

/// Reads on from there; `multitrack` is the packet type that announces tracks.
pub(super) fn header(payload: &[u8], start: (u8, usize), multitrack: u8) -> Option<Extended> {
    let (mut packet, mut body) = start;
    let tracks = packet == multitrack;
    let mut kind = 0;
    if tracks {
        let byte = *payload.get(body)?;
        (kind, packet, body) = (byte >> 4, byte & 15, body + 1);
        // Tracks inside tracks are forbidden, and kinds above are unknown.
        if packet == multitrack || kind > MANY_CODECS {
            return None;
        }
    }
    let codec = *payload.get(body..)?.first_chunk()?;
    body += 4;
    let mut track = 0;
    if tracks {
        track = payload.get(body).copied().unwrap_or(0);
        body += if kind == 0 { 1 } else { 4 };
    }
    Some(Extended { packet, codec, tracks, track, body: body.min(payload.len()) })
}
