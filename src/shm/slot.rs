//! One entry's place on a board.
//!
//! ```text
//! words  0                     │ 1                              │ 2       │ 3          │ 4
//!        name's hash; 0: free  │ version; odd while it is written │ edition │ name bytes │ text bytes
//!        5     │ 6                           │ 8 …
//!        check │ words that may not be zero  │ the name, the text, each from a word's beginning
//! ```

use crate::U64;

/// Words before the name.
pub(crate) const HEAD: usize = 8;

#[derive(Clone, Copy)]
pub(crate) struct Slot<'b>(pub &'b [U64]);

/// What is in one.
pub(crate) struct Entry {
    pub name: Vec<u8>,
    pub text: Vec<u8>,
    /// Which of all texts of the board, as they were written one after the other.
    pub edition: u64,
}

impl Slot<'_> {
    /// What its entry is found by.
    pub fn hash(&self) -> u64 {
        self.0[0].published()
    }

    /// For the one that writes: nothing is in it, or what another was killed in the middle of.
    pub fn is_free(&self) -> bool {
        self.hash() == 0 || !self.0[1].get().is_multiple_of(2)
    }

    /// Nothing of anything is in it.
    pub fn is_empty(&self) -> bool {
        self.hash() == 0 && self.0[1].get().is_multiple_of(2)
    }

    pub fn has_room(&self, name: &[u8], text: &[u8]) -> bool {
        HEAD + words(name) + words(text) <= self.0.len()
    }

    /// Its entry, if that is whole.
    pub fn read(&self) -> Option<Entry> {
        let [_, version, edition, name, text, check, _, _, data @ ..] = self.0 else { return None };
        let before = version.published();
        let len = |word: &U64| usize::try_from(word.published()).ok();
        let (name, text) = (len(name)?, len(text)?);
        let (edition, check) = (edition.published(), check.published());
        let (front, rest) = data.split_at_checked(name.div_ceil(8))?;
        let entry = Entry {
            name: get(front, name),
            text: get(rest.get(..text.div_ceil(8))?, text),
            edition,
        };
        let is_whole = before.is_multiple_of(2) && version.published() == before;
        (is_whole && entry.check() == check).then_some(entry)
    }

    /// Has this entry from now on; it has room for it.
    pub fn write(&self, entry: &Entry) {
        let [hash_word, version, edition, name, text, check, used, _, data @ ..] = self.0 else {
            return;
        };
        let writing = version.get() | 1;
        version.publish(writing);
        hash_word.publish(hash(&entry.name));
        edition.publish(entry.edition);
        name.publish(entry.name.len() as u64);
        text.publish(entry.text.len() as u64);
        check.publish(entry.check());
        let (front, rest) = data.split_at(words(&entry.name));
        let len = words(&entry.name) + words(&entry.text);
        // Whoever is killed in the middle leaves to the next what is to be made zero.
        used.publish(used.get().max(len as u64));
        put(front, &entry.name);
        put(rest, &entry.text);
        self.make_zero(len);
        version.publish(writing.wrapping_add(1));
    }

    /// Is free from now on.
    pub fn clear(&self) {
        let version = &self.0[1];
        let writing = version.get() | 1;
        version.publish(writing);
        self.0[0].publish(0);
        self.make_zero(0);
        version.publish(writing.wrapping_add(1));
    }

    /// Behind so many words: what was there may have been a key. Memory that was never used stays so.
    fn make_zero(&self, behind: usize) {
        let (used, data) = (&self.0[6], &self.0[HEAD..]);
        let end = data.len().min(used.get() as usize);
        data.get(behind..end).into_iter().flatten().for_each(|word| word.publish(0));
        used.publish(behind as u64);
    }
}

impl Entry {
    fn check(&self) -> u64 {
        let edition = &self.edition.to_ne_bytes();
        [&self.name, &self.text, &edition[..]].iter().fold(1, |so_far, bytes| {
            (so_far ^ hash(bytes)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31)
        })
    }
}

fn words(bytes: &[u8]) -> usize {
    bytes.len().div_ceil(8)
}

fn get(words: &[U64], len: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.published().to_ne_bytes()).collect();
    bytes.truncate(len);
    bytes
}

fn put(words: &[U64], bytes: &[u8]) {
    for (word, part) in words.iter().zip(bytes.chunks(8)) {
        let mut padded = [0; 8];
        padded[..part.len()].copy_from_slice(part);
        word.publish(u64::from_ne_bytes(padded));
    }
}

/// Never 0. It says where to look, and what is not whole; anybody may find two names or texts that have the same.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let fold = |hash: u64, &byte: &u8| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(5)
    };
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325 ^ bytes.len() as u64, fold);
    hash.max(1)
}
