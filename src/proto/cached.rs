//! The head of a file in the cache: what was answered, when, and for how long that holds.
//!
//! ```text
//!  0  "RSVCACHE"             8
//!  8  version, CRC-32        4, 4    of all that follows up to the body
//! 16  stored, valid until    8, 8    seconds since 1970; 0: not valid by itself
//! 32  length of the body     8
//! 40  stale while updating   4       seconds
//! 44  stale if error         4
//! 48  variant                16      of the request's fields that the answer varies with; zeros: with none
//! 64  lengths of the key, the names in Vary, the tags, the answer's head     4, 4, 4, 4
//! 80  those, one behind the other; then the body
//! ```
//! Numbers are little-endian. The answer's head is one of HTTP/1, of what is passed on only, and without framing.

/// "RSVCACHE"
pub const MAGIC: [u8; 8] = *b"RSVCACHE";
/// Another version's files are none.
const VERSION: u32 = 1;
/// Bytes before the texts.
pub const FIXED: usize = 80;
/// Where what the checksum is of begins.
const SUMMED: usize = 16;
/// More bytes in front of a body are not read.
pub const LONGEST: usize = 1 << 20;

/// The head of a file. Times are seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cached<'a> {
    /// When it was stored, since 1970.
    pub stored: u64,
    /// Until when it is valid, since 1970.
    pub valid_until: u64,
    /// The length of the body.
    pub body: u64,
    /// How long behind that it may be given out while it is being updated.
    pub stale_updating: u32,
    /// And where nobody answers.
    pub stale_error: u32,
    /// Of which variant it is.
    pub variant: [u8; 16],
    /// The text of its key.
    pub key: &'a [u8],
    /// Names of fields that it varies with, in lower case, a comma between them.
    pub vary: &'a [u8],
    /// Its tags, a space between them.
    pub tags: &'a [u8],
    /// The answer's head.
    pub head: &'a [u8],
}

/// Why bytes are no such head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotCached {
    /// They are something else's, or another version's.
    Foreign,
    /// There are fewer than it says.
    Truncated,
    /// They are not what was written.
    Damaged,
}

/// How long the whole head is whose first [`FIXED`] bytes these are.
pub fn length(bytes: &[u8]) -> Result<usize, NotCached> {
    if !is_ours(bytes) {
        return Err(NotCached::Foreign);
    }
    if bytes.len() < FIXED {
        return Err(NotCached::Truncated);
    }
    if number(bytes, 8) != VERSION {
        return Err(NotCached::Foreign);
    }
    let texts: u64 = (64..FIXED).step_by(4).map(|at| u64::from(number(bytes, at))).sum();
    match texts <= LONGEST as u64 {
        true => Ok(FIXED + texts as usize),
        false => Err(NotCached::Damaged),
    }
}

/// Whether a file that begins so is one of a cache of this server.
pub fn is_ours(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Reads a head, which may have more behind it.
pub fn parse(bytes: &[u8]) -> Result<Cached<'_>, NotCached> {
    let len = length(bytes)?;
    let bytes = bytes.get(..len).ok_or(NotCached::Truncated)?;
    if crc32fast::hash(&bytes[SUMMED..]) != number(bytes, 12) {
        return Err(NotCached::Damaged);
    }
    let mut at = FIXED;
    let mut text = |length: usize| {
        let len = number(bytes, length) as usize;
        at += len;
        &bytes[at - len..at]
    };
    let (key, vary, tags, head) = (text(64), text(68), text(72), text(76));
    let mut variant = [0; 16];
    variant.copy_from_slice(&bytes[48..64]);
    Ok(Cached {
        stored: long(bytes, 16),
        valid_until: long(bytes, 24),
        body: long(bytes, 32),
        stale_updating: number(bytes, 40),
        stale_error: number(bytes, 44),
        variant,
        key,
        vary,
        tags,
        head,
    })
}

impl Cached<'_> {
    /// How long it is in a file.
    pub fn size(&self) -> usize {
        FIXED + self.key.len() + self.vary.len() + self.tags.len() + self.head.len()
    }

    /// Whether it may be written: [`LONGEST`].
    pub fn fits(&self) -> bool {
        self.size() <= FIXED + LONGEST
    }

    /// Appends it.
    pub fn render(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        for word in [self.stored, self.valid_until, self.body] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        out.extend_from_slice(&self.stale_updating.to_le_bytes());
        out.extend_from_slice(&self.stale_error.to_le_bytes());
        out.extend_from_slice(&self.variant);
        let texts = [self.key, self.vary, self.tags, self.head];
        for text in texts {
            out.extend_from_slice(&(text.len() as u32).to_le_bytes());
        }
        texts.iter().for_each(|text| out.extend_from_slice(text));
        let sum = crc32fast::hash(&out[start + SUMMED..]);
        out[start + 12..start + 16].copy_from_slice(&sum.to_le_bytes());
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(number(bytes, at)) | u64::from(number(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one() -> Cached<'static> {
        Cached {
            stored: 1_795_000_000,
            valid_until: u64::MAX,
            body: 5,
            stale_updating: 7,
            stale_error: 0,
            variant: [9; 16],
            key: b"http://example.com/",
            vary: b"accept-encoding",
            tags: b"a b",
            head: b"HTTP/1.1 200 OK\r\nETag: \"x\"\r\n\r\n",
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for cached in [one(), Cached::default()] {
            let mut bytes = Vec::new();
            cached.render(&mut bytes);
            assert_eq!((bytes.len(), length(&bytes)), (cached.size(), Ok(cached.size())));
            bytes.extend_from_slice(b"body");
            assert_eq!(parse(&bytes), Ok(cached));
        }
    }

    #[test]
    fn what_was_not_written_is_not_read() {
        let mut bytes = Vec::new();
        one().render(&mut bytes);
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end]).is_err(), "{end}");
        }
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 0x40;
            assert!(parse(&other).is_err(), "{at}");
        }
        let mut long = bytes.clone();
        long[64..80].fill(0xff);
        assert_eq!(parse(&long), Err(NotCached::Damaged), "no memory for what it says");
        assert_eq!(parse(b"\x05\0\0\0\0\0\0\0 nginx's"), Err(NotCached::Foreign));
    }
}
