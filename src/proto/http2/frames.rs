//! The heads of frames (RFC 9113 §4.1) in a stream of bytes, however that is cut. No more is understood here: the crate that
//! speaks HTTP/2 does that.

/// What a client says before its first frame (RFC 9113 §3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes of a frame's head.
pub(super) const HEAD: usize = 9;
/// The type of RST_STREAM, and the bytes that say why: all that it has.
const RESET: u8 = 3;
const CODE: usize = 4;

/// The flag of DATA and HEADERS that says that nothing follows on this stream.
pub(super) const END_STREAM: u8 = 1;
/// The flag of HEADERS and CONTINUATION that says that the block of fields is complete.
pub(super) const END_HEADERS: u8 = 4;

/// Which frame it is, as far as that matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Of a body.
    Data,
    /// A request begins, or trailers.
    Headers,
    /// A block of fields goes on.
    Continuation,
    /// A stream is given up.
    Reset,
    /// Any other, known or not: the connection's own.
    Control,
}

/// The head of a frame; of RST_STREAM all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Which.
    pub kind: Kind,
    /// Its flags.
    pub flags: u8,
    /// The stream's number; 0: the connection itself.
    pub stream: u32,
    /// Why a stream is given up.
    pub code: u32,
    /// Bytes that follow its head.
    pub len: usize,
}

impl Frame {
    fn of(head: [u8; HEAD + CODE]) -> Frame {
        let [a, b, c, kind, flags, stream @ .., d, e, f, g] = head;
        let kind = match kind {
            0 => Kind::Data,
            1 => Kind::Headers,
            RESET => Kind::Reset,
            9 => Kind::Continuation,
            _ => Kind::Control,
        };
        Frame {
            kind,
            flags,
            stream: u32::from_be_bytes(stream) & !(1 << 31),
            code: u32::from_be_bytes([d, e, f, g]),
            len: u32::from_be_bytes([0, a, b, c]) as usize,
        }
    }

    /// Whether it leaves a block of fields open.
    pub fn opens_block(&self) -> bool {
        matches!(self.kind, Kind::Headers | Kind::Continuation) && self.flags & END_HEADERS == 0
    }
}

/// Where in the stream of bytes we are.
#[derive(Debug)]
pub struct Frames {
    /// Bytes that are to be passed over: of the preface, of a frame.
    skip: usize,
    head: [u8; HEAD + CODE],
    have: usize,
    /// The one that is passed over.
    kind: Kind,
}

impl Default for Frames {
    fn default() -> Frames {
        Frames { skip: PREFACE.len(), head: [0; HEAD + CODE], have: 0, kind: Kind::Control }
    }
}

impl Frames {
    /// Of a side that says nothing before its first frame.
    pub fn without_preface() -> Frames {
        Frames { skip: 0, ..Frames::default() }
    }

    /// Bytes that are to come before somebody is told.
    fn wanted(&self) -> usize {
        match self.head {
            [0, 0, 4, RESET, ..] if self.have >= HEAD => HEAD + CODE,
            _ => HEAD,
        }
    }

    /// The next bytes; `each` is told of every frame whose head is complete with them.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(Frame)) {
        loop {
            let passed = self.skip.min(bytes.len());
            self.skip -= passed;
            bytes = &bytes[passed..];
            if bytes.is_empty() {
                return;
            }
            let taken = (self.wanted() - self.have).min(bytes.len());
            self.head[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
            self.have += taken;
            bytes = &bytes[taken..];
            if self.have == self.wanted() {
                let frame = Frame::of(self.head);
                self.skip = frame.len - (self.have - HEAD);
                self.kind = frame.kind;
                (self.head, self.have) = Default::default();
                each(frame);
            }
        }
    }

    /// Whether a frame has come in part.
    pub fn is_within(&self) -> bool {
        self.skip > 0 || self.have > 0
    }

    /// Whether it is one of a body, and its head is there.
    pub fn is_within_data(&self) -> bool {
        self.skip > 0 && self.kind == Kind::Data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_found_however_the_bytes_are_cut() {
        let mut bytes = PREFACE.to_vec();
        bytes.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(&[0, 0, 3, 1, 5, 0, 0, 0, 1, b'a', b'b', b'c']);
        bytes.extend_from_slice(&[0, 0, 4, 3, 0, 0, 0, 0, 7, 0, 0, 0, 8]);
        bytes.extend_from_slice(&[0, 0, 1, 0, 0, 0, 0, 0, 1, 0]);
        for size in 1..bytes.len() {
            let (mut frames, mut found) = (Frames::default(), Vec::new());
            for piece in bytes.chunks(size) {
                frames.feed(piece, |frame| {
                    found.push((frame.kind, frame.flags, frame.stream, frame.code))
                });
            }
            let expected = [
                (Kind::Control, 0, 0, 0),
                (Kind::Headers, 5, 1, 0),
                (Kind::Reset, 0, 7, 8),
                (Kind::Data, 0, 1, 0),
            ];
            assert_eq!(found, expected, "pieces of {size}");
            assert!(!frames.is_within());
        }
        let mut frames = Frames::default();
        frames.feed(&bytes[..bytes.len() - 1], |_| ());
        assert!(frames.is_within());
    }
}
