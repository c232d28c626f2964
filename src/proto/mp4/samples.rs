//! The tables of a track's samples.
//!
//! ```text
//! stts: (count, duration)*          stss: number of a key frame*       stsz: size of all, or size*
//! ctts: (count, offset)*            stsc: (first chunk, samples, description)*      stco, co64: offset*
//! ```
//! Samples and chunks count from 1 in the file, from 0 here.

use super::Mp4Error;
use super::boxes::{entries, u32_at};

/// The tables, as far as they are there.
#[derive(Clone, Copy, Default)]
pub struct Samples<'b> {
    pub stts: &'b [[u8; 8]],
    pub ctts: Option<&'b [u8]>,
    pub stss: Option<&'b [[u8; 4]]>,
    pub stsc: &'b [[u8; 12]],
    sizes: Sizes<'b>,
    offsets: Offsets<'b>,
}

#[derive(Clone, Copy)]
enum Sizes<'b> {
    All { size: u32, count: u32 },
    Each(&'b [[u8; 4]]),
}

impl Default for Sizes<'_> {
    fn default() -> Self {
        Sizes::Each(&[])
    }
}

#[derive(Clone, Copy)]
enum Offsets<'b> {
    Short(&'b [[u8; 4]]),
    Long(&'b [[u8; 8]]),
}

impl Default for Offsets<'_> {
    fn default() -> Self {
        Offsets::Short(&[])
    }
}

/// Two numbers of an entry.
pub fn pair(entry: &[u8; 8]) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = *entry;
    (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
}

fn triple(entry: &[u8; 12]) -> (u32, u32, u32) {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *entry;
    let word = |bytes| u32::from_be_bytes(bytes);
    (word([a, b, c, d]), word([e, f, g, h]), word([i, j, k, l]))
}

/// Samples that lie one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Where in the file.
    pub offset: u64,
    /// Its first sample.
    pub first: u64,
    /// How many it has.
    pub count: u64,
    /// What describes them.
    pub description: u32,
}

impl<'b> Samples<'b> {
    /// Takes a table that stands in `stbl`; says whether it is one.
    pub fn take(&mut self, name: &[u8; 4], content: &'b [u8]) -> Result<bool, Mp4Error> {
        match name {
            b"stts" => self.stts = entries(content, 0, "stts")?,
            b"ctts" => {
                entries::<8>(content, 0, "ctts")?;
                self.ctts = Some(content);
            }
            b"stss" => self.stss = Some(entries(content, 0, "stss")?),
            b"stsc" => self.stsc = entries(content, 0, "stsc")?,
            b"stsz" => {
                let size = u32_at(content, 4).ok_or(Mp4Error::Damaged("stsz"))?;
                let count = u32_at(content, 8).ok_or(Mp4Error::Damaged("stsz"))?;
                self.sizes = match size {
                    0 => Sizes::Each(entries(content, 4, "stsz")?),
                    size => Sizes::All { size, count },
                };
            }
            b"stco" => self.offsets = Offsets::Short(entries(content, 0, "stco")?),
            b"co64" => self.offsets = Offsets::Long(entries(content, 0, "co64")?),
            // Sizes of less than a byte: nobody writes them.
            b"stz2" => return Err(Mp4Error::Missing("stsz")),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// How many samples there are.
    pub fn count(&self) -> u64 {
        match self.sizes {
            Sizes::All { count, .. } => u64::from(count),
            Sizes::Each(sizes) => sizes.len() as u64,
        }
    }

    /// Bytes of the samples of a range that is within the count.
    pub fn bytes(&self, first: u64, count: u64) -> u64 {
        match self.sizes {
            Sizes::All { size, .. } => u64::from(size).saturating_mul(count),
            Sizes::Each(sizes) => {
                let sizes = sizes.iter().skip(first as usize).take(count as usize);
                sizes.map(|size| u64::from(u32::from_be_bytes(*size))).sum()
            }
        }
    }

    /// Appends the sizes of a range.
    pub fn write_sizes(&self, first: u64, count: u64, out: &mut Vec<u8>) {
        match self.sizes {
            Sizes::All { size, .. } => {
                out.extend_from_slice(&size.to_be_bytes());
                out.extend_from_slice(&(count as u32).to_be_bytes());
            }
            Sizes::Each(sizes) => {
                out.extend_from_slice(&[0; 4]);
                out.extend_from_slice(&(count as u32).to_be_bytes());
                let wanted = sizes.iter().skip(first as usize).take(count as usize);
                wanted.for_each(|size| out.extend_from_slice(size));
            }
        }
    }

    /// The sample that is there at a time, and when it begins. What is after the last one's end has none.
    pub fn at(&self, time: u64) -> Option<(u64, u64)> {
        let (mut sample, mut begins) = (0, 0);
        for (count, duration) in self.stts.iter().map(pair) {
            let (count, duration) = (u64::from(count), u64::from(duration));
            let ends = u64::saturating_add(begins, count * duration);
            if time < ends {
                let further = (time - begins) / duration.max(1);
                return Some((sample + further, begins + further * duration))
                    .filter(|(sample, _)| *sample < self.count());
            }
            (sample, begins) = (sample + count, ends);
        }
        None
    }

    /// When a sample begins.
    pub fn begins(&self, sample: u64) -> u64 {
        let (mut left, mut begins) = (sample, 0);
        for (count, duration) in self.stts.iter().map(pair) {
            let count = u64::from(count).min(left);
            begins = u64::saturating_add(begins, count * u64::from(duration));
            left -= count;
        }
        begins
    }

    /// The last key frame that is not behind a sample.
    pub fn key_before(&self, sample: u64) -> u64 {
        let Some(keys) = self.stss else { return sample };
        let keys = keys.iter().map(|key| u64::from(u32::from_be_bytes(*key)).saturating_sub(1));
        keys.take_while(|key| *key <= sample).last().unwrap_or(sample)
    }

    /// The chunks, in their order, as far as there are samples.
    pub fn chunks(&self) -> impl Iterator<Item = Chunk> {
        let (mut first, mut rule) = (0, 0);
        let total = self.count();
        self.offsets().enumerate().map_while(move |(number, offset)| {
            // Each rule holds up to the next one's first chunk.
            while let Some(next) = self.stsc.get(rule + 1)
                && u64::from(triple(next).0) <= number as u64 + 1
            {
                rule += 1;
            }
            let (_, samples, description) = triple(self.stsc.get(rule)?);
            let count = u64::from(samples).min(total - first);
            let chunk = Chunk { offset, first, count, description };
            first += count;
            (count > 0).then_some(chunk)
        })
    }

    fn offsets(&self) -> impl Iterator<Item = u64> {
        let (short, long) = match self.offsets {
            Offsets::Short(offsets) => (offsets, &[][..]),
            Offsets::Long(offsets) => (&[][..], offsets),
        };
        let short = short.iter().map(|offset| u64::from(u32::from_be_bytes(*offset)));
        short.chain(long.iter().map(|offset| u64::from_be_bytes(*offset)))
    }
}
