//! Boxes: where they begin and end, and how they are written.

use super::Mp4Error;

/// The head of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoxHead {
    /// Its type.
    pub name: [u8; 4],
    /// Bytes of the head itself.
    pub head: u64,
    /// Bytes in all, with the head; `None`: to the end of the file.
    pub size: Option<u64>,
}

/// Reads the head of a box; 16 bytes are enough. `None`: there are too few, or it is shorter than its head.
pub fn head(bytes: &[u8]) -> Option<BoxHead> {
    let size = u32::from_be_bytes(*bytes.first_chunk()?);
    let name = *bytes.get(4..8)?.first_chunk()?;
    let (head, size) = match size {
        0 => (8, None),
        1 => (16, Some(u64::from_be_bytes(*bytes.get(8..16)?.first_chunk()?))),
        size => (8, Some(u64::from(size))),
    };
    size.is_none_or(|size| size >= head).then_some(BoxHead { name, head, size })
}

/// The boxes in a box: name and content.
pub struct Boxes<'b> {
    rest: &'b [u8],
    within: &'static str,
}

impl<'b> Boxes<'b> {
    /// Those in `content`, which is that of the box `within`.
    pub fn of(content: &'b [u8], within: &'static str) -> Boxes<'b> {
        Boxes { rest: content, within }
    }
}

impl<'b> Iterator for Boxes<'b> {
    type Item = Result<([u8; 4], &'b [u8]), Mp4Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let damaged = Mp4Error::Damaged(self.within);
        let found = head(self.rest).and_then(|found| {
            let size = found.size.unwrap_or(self.rest.len() as u64);
            let content = self.rest.get(found.head as usize..usize::try_from(size).ok()?)?;
            Some((found.name, content, size as usize))
        });
        match found {
            Some((name, content, size)) => {
                self.rest = &self.rest[size..];
                Some(Ok((name, content)))
            }
            // Some programs end a list with four bytes of zero.
            None if self.rest.iter().all(|byte| *byte == 0) => None,
            None => {
                self.rest = &[];
                Some(Err(damaged))
            }
        }
    }
}

/// Appends a box whose content `write` appends.
pub fn write(out: &mut Vec<u8>, name: &[u8; 4], write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(name);
    write(out);
    // A moov is read whole: it is shorter than 4 GB.
    let size = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&size.to_be_bytes());
}

/// Appends a number.
pub fn put(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_be_bytes());
}

/// The number at a place.
pub fn u32_at(content: &[u8], at: usize) -> Option<u32> {
    content.get(at..at + 4)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// The same of 8 bytes.
pub fn u64_at(content: &[u8], at: usize) -> Option<u64> {
    content.get(at..at + 8)?.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The entries of a full box that counts them: `N` bytes each, behind version, flags, and `skip` more bytes.
pub fn entries<'b, const N: usize>(
    content: &'b [u8],
    skip: usize,
    name: &'static str,
) -> Result<&'b [[u8; N]], Mp4Error> {
    let damaged = Mp4Error::Damaged(name);
    let count = u32_at(content, 4 + skip).ok_or(damaged.clone())? as usize;
    let (entries, _) = content.get(8 + skip..).unwrap_or_default().as_chunks::<N>();
    entries.get(..count).ok_or(damaged)
}
