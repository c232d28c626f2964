//! The header: what is said of the file as a whole, on two pages of which one is valid at any time.

use std::io::{self, IoSlice};

use crate::device::Device;
use crate::record::{MAX_SEQ, u32_at, u64_at};
use crate::shape::{PAGE, Shape};

/// "RSERVWAL".
pub(crate) const MAGIC: [u8; 8] = *b"RSERVWAL";
/// What the files of zones began with that were mapped as they are.
const OLD: [u8; 8] = *b"RSERVELG";
const VERSION: u32 = 1;

/// Epochs that are remembered.
const PASTS: usize = 64;
/// Where the list of them begins, and where the checksum is.
const LIST: usize = 192;
const CRC: usize = PAGE as usize - 4;

/// What a new log is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The first epoch: random, so that no two files have the same.
    pub epoch: u32,
    /// With it the hashes of idempotency keys are made, and the checksums.
    pub secret: [u64; 2],
    /// The newest seq there was, though not here: the first record has the next one.
    pub newest: u64,
    /// Epochs before it, the oldest first.
    pub past: Vec<Past>,
}

/// An epoch that is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Which.
    pub epoch: u32,
    /// The newest seq that was found of it.
    pub upto: u64,
}

/// Where the last writer began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Begun {
    /// Names what is written from then on, and is greater than all before: in the checksums.
    pub life: u64,
    /// At which position.
    pub at: u64,
    /// What was the newest seq.
    pub newest: u64,
    /// How many pages and segments before that position were known to be damaged or missing.
    pub damaged: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub shape: Shape,
    /// Counts up with each writing.
    pub generation: u64,
    pub epoch: u32,
    pub secret: [u64; 2],
    pub boot: u128,
    pub device: u64,
    pub inode: u64,
    pub begun: Begun,
    /// The newest seq, if the log was closed in order.
    pub closed: Option<u64>,
    /// When this was written, in nanoseconds.
    pub wall: u64,
    pub past: Vec<Past>,
}

impl Header {
    /// Adds an epoch that is over; the oldest are forgotten.
    pub fn remember(&mut self, past: Past) {
        self.past.push(past);
        let surplus = self.past.len().saturating_sub(PASTS);
        self.past.drain(..surplus);
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(PAGE as usize);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&self.boot.to_le_bytes());
        let words = [
            self.shape.segment,
            self.shape.count,
            self.generation,
            self.secret[0],
            self.secret[1],
            self.device,
            self.inode,
            self.begun.at,
            self.begun.newest,
            u64::from(self.begun.damaged),
            u64::from(self.closed.is_some()),
            self.closed.unwrap_or(0),
            self.wall,
            self.past.len() as u64,
            self.begun.life,
        ];
        out.extend(words.into_iter().flat_map(u64::to_le_bytes));
        out.resize(LIST, 0);
        for past in &self.past {
            out.extend_from_slice(&u64::from(past.epoch).to_le_bytes());
            out.extend_from_slice(&past.upto.to_le_bytes());
        }
        out.resize(CRC, 0);
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        out
    }

    pub fn decode(page: &[u8]) -> Option<Header> {
        if !is_whole(page) || u32_at(page, 8) != Some(VERSION) {
            return None;
        }
        let body = page.get(..CRC)?;
        let word = |n: usize| u64_at(body, 32 + 8 * n);
        let past = (0..usize::try_from(word(13)?).ok()?.min(PASTS)).map(|n| {
            let at = LIST + 16 * n;
            Some(Past { epoch: u64_at(body, at)? as u32, upto: u64_at(body, at + 8)? })
        });
        let header = Header {
            epoch: u32_at(body, 12)?,
            boot: u128::from_le_bytes(*body.get(16..)?.first_chunk()?),
            shape: Shape::found(word(0)?, word(1)?)?,
            generation: word(2)?,
            secret: [word(3)?, word(4)?],
            device: word(5)?,
            inode: word(6)?,
            begun: Begun {
                life: word(14)?,
                at: word(7)?,
                newest: word(8)?,
                damaged: word(9)? as u32,
            },
            closed: (word(10)? != 0).then_some(word(11)?),
            wall: word(12)?,
            past: past.collect::<Option<_>>()?,
        };
        // What is counted on from here has room to grow.
        let Begun { life, at, newest, .. } = header.begun;
        let words = [header.generation, life, at, newest, header.closed.unwrap_or(0)];
        let sane = at >= header.shape.segment && words.iter().all(|&word| word <= MAX_SEQ);
        sane.then_some(header)
    }

    /// Writes it over the older of the two; the caller syncs.
    pub fn write(&self, device: &impl Device) -> io::Result<()> {
        device.write_at(&[IoSlice::new(&self.encode())], self.generation % 2 * PAGE)
    }
}

/// What the first pages of a file say.
pub(crate) enum Front {
    /// The newest header, and whether the other one is valid, too.
    Ours(Header, bool),
    /// Ours, and neither page is whole.
    Broken,
    /// Of another version: what number that has.
    Other(u32),
    /// No byte is set.
    Blank,
    Foreign,
}

impl Front {
    pub fn read(device: &impl Device) -> io::Result<Front> {
        let mut pages = vec![0; 2 * PAGE as usize];
        let len = device.read_at(&mut pages, 0)?;
        Ok(Front::of(&pages[..len]))
    }

    fn of(bytes: &[u8]) -> Front {
        let page = |n: usize| bytes.get(n * PAGE as usize..).unwrap_or(&[]);
        let pages = [page(0), page(1)];
        let version = |page: &[u8]| u32_at(page, 8).unwrap_or(0);
        let others = |page: &&&[u8]| version(page) != VERSION;
        let whole = pages.iter().filter(|page| is_whole(page));
        let begun = pages.iter().filter(|page| page.starts_with(&MAGIC));
        if let Some(page) = whole.clone().find(others) {
            return Front::Other(version(page));
        }
        let headers = whole.filter_map(|page| Header::decode(page));
        let both = headers.clone().count() == 2;
        match headers.max_by_key(|header| header.generation) {
            Some(header) => Front::Ours(header, both),
            None if bytes.starts_with(&OLD) => Front::Other(u32_at(bytes, 16).unwrap_or(0)),
            None if begun.clone().count() > 0 && begun.clone().all(|page| others(&page)) => {
                Front::Other(begun.map(|page| version(page)).max().unwrap_or(0))
            }
            None if begun.count() > 0 => Front::Broken,
            None if bytes.iter().all(|&byte| byte == 0) => Front::Blank,
            None => Front::Foreign,
        }
    }
}

/// Whether a page of a header, of any version, is as it was written.
fn is_whole(page: &[u8]) -> bool {
    let Some((body, crc)) = page.get(..PAGE as usize).map(|page| page.split_at(CRC)) else {
        return false;
    };
    body.starts_with(&MAGIC) && crc32c::crc32c(body).to_le_bytes() == crc
}
