//! What a client may ask of one connection beside its requests. Each count is one for what it costs us: work that no request
//! pays for. Nothing here does I/O: time is told in milliseconds.

use std::fmt;

use super::frames::{END_STREAM, Frame, Frames, HEAD, Kind};

/// Frames of the connection's own (SETTINGS, PING, PRIORITY, WINDOW_UPDATE, empty ones) that may come at once: nginx's
/// number.
const CONTROL: u64 = 10_000;
/// So many more in a second.
const CONTROL_RATE: u64 = 100;
/// Streams that may be given up at once, if that are more than twice those that may be open: a browser whose page is left
/// gives up all that it has.
const RESETS: u64 = 100;
/// So many more in a second.
const RESET_RATE: u64 = 20;
/// Bytes beyond eight times those that carry something: nginx's number.
const OVERHEAD: u64 = 1 << 20;

/// What a client has done too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// Frames that ask for nothing.
    Control,
    /// Requests that it took back.
    Resets,
    /// Bytes that carry nothing.
    Overhead,
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Offence::Control => "client sent too many control frames",
            Offence::Resets => "client gave up too many streams",
            Offence::Overhead => "http2 flood detected",
        })
    }
}

/// A count that goes down with time.
#[derive(Debug)]
struct Bucket {
    level: u64,
    most: u64,
    rate: u64,
    /// Up to when it has gone down.
    since: u64,
}

impl Bucket {
    fn new(most: u64, rate: u64) -> Bucket {
        Bucket { level: 0, most, rate, since: 0 }
    }

    /// `false`: it is full.
    fn add(&mut self, now: u64) -> bool {
        let gone = now.saturating_sub(self.since).saturating_mul(self.rate) / 1000;
        if gone > 0 {
            self.level = self.level.saturating_sub(gone);
            self.since = now;
        }
        self.level += 1;
        self.level <= self.most
    }

    fn sub(&mut self) {
        self.level = self.level.saturating_sub(1);
    }
}

/// What has come and gone on a connection.
#[derive(Debug)]
pub struct Traffic {
    frames: Frames,
    control: Bucket,
    resets: Bucket,
    total: u64,
    payload: u64,
    /// A block of fields, or a frame, is incomplete since then; 0: none is.
    incomplete_since: u64,
    open_block: bool,
    offence: Option<Offence>,
}

impl Traffic {
    /// Of a connection on which so many streams may be open.
    pub fn new(streams: u32) -> Traffic {
        Traffic {
            frames: Frames::default(),
            control: Bucket::new(CONTROL, CONTROL_RATE),
            resets: Bucket::new(RESETS.max(2 * u64::from(streams)), RESET_RATE),
            total: 0,
            payload: 0,
            incomplete_since: 0,
            open_block: false,
            offence: None,
        }
    }

    /// Bytes of the client.
    pub fn received(&mut self, bytes: &[u8], now: u64) {
        self.total += bytes.len() as u64;
        let mut frames = std::mem::take(&mut self.frames);
        frames.feed(bytes, |frame| self.frame(frame, now));
        self.frames = frames;
        let incomplete = self.open_block || self.frames.is_within();
        self.incomplete_since = match incomplete {
            // A body may come as slowly as it does on HTTP/1, if only something of it comes.
            true if self.incomplete_since > 0 && !self.owes_body() => self.incomplete_since,
            true => now.max(1),
            false => 0,
        };
        if self.total / 8 > self.payload + OVERHEAD {
            self.offend(Offence::Overhead);
        }
    }

    fn frame(&mut self, frame: Frame, now: u64) {
        self.open_block = frame.opens_block();
        // A frame has come: what is incomplete from now on is another one. A block of fields is one, however many it has.
        if !self.open_block || frame.kind == Kind::Headers {
            self.incomplete_since = 0;
        }
        match frame.kind {
            Kind::Reset if !self.resets.add(now) => self.offend(Offence::Resets),
            Kind::Reset => {}
            Kind::Data if frame.len > 0 || frame.flags & END_STREAM != 0 => {
                self.payload += frame.len as u64;
            }
            Kind::Headers | Kind::Continuation if frame.len > 0 => {
                self.payload += frame.len as u64;
            }
            _ if !self.control.add(now) => self.offend(Offence::Control),
            _ => {}
        }
    }

    /// Bytes of answers have gone out: whoever takes them may say that there is room for more.
    pub fn sent(&mut self, bytes: u64) {
        self.total += bytes + HEAD as u64;
        self.payload += bytes;
        self.control.sub();
        self.control.sub();
    }

    /// A request was answered to its end.
    pub fn answered(&mut self) {
        self.resets.sub();
    }

    fn offend(&mut self, offence: Offence) {
        self.offence.get_or_insert(offence);
    }

    /// What the client has done too much of, if it has.
    pub fn offence(&self) -> Option<Offence> {
        self.offence
    }

    /// Whether what it owes us is of a body.
    pub fn owes_body(&self) -> bool {
        !self.open_block && self.frames.is_within_data()
    }

    /// Since when the client owes us the rest of a frame, or of a block of fields; of a body, more of it.
    pub fn incomplete_since(&self) -> Option<u64> {
        (self.incomplete_since > 0).then_some(self.incomplete_since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http2::PREFACE;

    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const SETTINGS: u8 = 4;
    const PING: u8 = 6;
    const CONTINUATION: u8 = 9;

    fn frame(kind: u8, flags: u8, len: usize) -> Vec<u8> {
        let len_bytes = (len as u32).to_be_bytes();
        let mut frame = vec![len_bytes[1], len_bytes[2], len_bytes[3], kind, flags, 0, 0, 0, 1];
        frame.resize(HEAD + len, 0);
        frame
    }

    fn begun() -> Traffic {
        let mut traffic = Traffic::new(128);
        traffic.received(PREFACE, 1);
        traffic
    }

    /// After how many of these frames, one in each `pause` milliseconds, the client is an offender; none: not at all.
    fn offends(frames: &[Vec<u8>], pause: u64) -> Option<(usize, Offence)> {
        let mut traffic = begun();
        (0..40_000).find_map(|at| {
            frames.iter().for_each(|frame| traffic.received(frame, at as u64 * pause));
            traffic.offence().map(|offence| (at, offence))
        })
    }

    #[test]
    fn floods_are_noticed() {
        for kind in [SETTINGS, PING, 2, 8, 0xfe] {
            let found = offends(&[frame(kind, 0, 8)], 0);
            assert_eq!(found, Some((10_000, Offence::Control)), "{kind}");
        }
        let empty = [frame(DATA, 0, 0), frame(CONTINUATION, 0, 0), frame(HEADERS, 5, 0)];
        for frame in empty {
            assert_eq!(offends(&[frame], 0), Some((10_000, Offence::Control)));
        }
        let rapid = [frame(HEADERS, 5, 20), frame(RST_STREAM, 0, 4)];
        assert_eq!(offends(&rapid, 0), Some((256, Offence::Resets)));
        assert_eq!(offends(&rapid, 1), Some((261, Offence::Resets)));
        let heavy = [frame(0xfe, 0, 16_000)];
        assert!(matches!(offends(&heavy, 0), Some((_, Offence::Overhead))));
    }

    #[test]
    fn what_clients_do_is_none() {
        assert_eq!(offends(&[frame(PING, 0, 8)], 20), None);
        assert_eq!(offends(&[frame(RST_STREAM, 0, 4)], 60), None);
        assert_eq!(offends(&[frame(HEADERS, 5, 30), frame(DATA, 1, 0)], 0), None);
        // A long download: room is told of twice for each piece.
        let mut traffic = begun();
        for _ in 0..200_000 {
            traffic.sent(8192);
            traffic.received(&[frame(8, 0, 4), frame(8, 0, 4)].concat(), 1);
        }
        assert_eq!(traffic.offence(), None);
        // Many requests, some of which are taken back.
        for _ in 0..10_000 {
            traffic.answered();
            traffic.received(&[frame(HEADERS, 5, 30), frame(RST_STREAM, 0, 4)].concat(), 1);
        }
        assert_eq!(traffic.offence(), None);
    }

    #[test]
    fn what_is_incomplete_is_known_since_when() {
        let mut traffic = begun();
        assert_eq!(traffic.incomplete_since(), None);
        traffic.received(&frame(PING, 0, 8)[..12], 5);
        assert_eq!(traffic.incomplete_since(), Some(5));
        traffic.received(&[0; 4], 6);
        assert_eq!(traffic.incomplete_since(), Some(5));
        traffic.received(&[0; 1], 7);
        assert_eq!(traffic.incomplete_since(), None);
        // A body, which comes slowly.
        traffic.received(&frame(DATA, 0, 100)[..20], 8);
        assert!(traffic.owes_body());
        traffic.received(&[0; 1], 9);
        assert_eq!(traffic.incomplete_since(), Some(9));
        traffic.received(&[0; 88], 9);
        assert_eq!(traffic.incomplete_since(), None);
        // A block of fields that goes on and on.
        traffic.received(&frame(HEADERS, 0, 4), 10);
        for now in 11..20 {
            traffic.received(&frame(CONTINUATION, 0, 4), now);
            assert_eq!(traffic.incomplete_since(), Some(10));
        }
        traffic.received(&frame(CONTINUATION, 4, 4), 21);
        assert_eq!(traffic.incomplete_since(), None);
    }
}
