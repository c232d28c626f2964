//! Where a fragmented MP4 can be entered: what its end says, or what its fragments do. It is read once, and read on as the file
//! grows.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use lru::LruCache;
use proto::fmp4::{
    AUDIO_TRACK, Fragment, Scales, VIDEO_TIMESCALE, VIDEO_TRACK, Walk, mfra_len, read_mfra, scales,
};

use crate::play::catalogue::Recording;
use crate::play::snapshot::fmp4_head;

/// What is known of a file.
#[derive(Clone, Debug)]
pub struct Index {
    /// Its head, which tells no duration.
    pub head: Vec<u8>,
    /// Its tracks.
    pub scales: Scales,
    /// Time and place of the fragments to begin with: of its pictures, or of its sound if there are none. The first is its beginning.
    pub keys: Vec<(u64, u64)>,
    /// Where the last whole fragment ends.
    pub end: u64,
    /// Where the tracks end, in their ticks: pictures, sound.
    ends: [u64; 2],
}

impl Index {
    fn empty(head: Vec<u8>) -> Option<Index> {
        let scales = scales(&head)?;
        Some(Index { end: head.len() as u64, scales, keys: Vec::new(), ends: [0; 2], head })
    }

    /// Ticks a second of the track by whose times it is entered.
    pub fn scale(&self) -> u64 {
        if self.scales.video { VIDEO_TIMESCALE.into() } else { self.audio_scale() }
    }

    fn audio_scale(&self) -> u64 {
        self.scales.audio.unwrap_or(1000).into()
    }

    /// The time at which its last track ends, in these ticks.
    pub fn until(&self) -> u64 {
        let [pictures, sounds] = self.ends;
        let ticks = u128::from(sounds) * u128::from(self.scale()) / u128::from(self.audio_scale());
        pictures.max(u64::try_from(ticks).unwrap_or(u64::MAX))
    }

    fn leads(&self, fragment: &Fragment) -> bool {
        (fragment.track == VIDEO_TRACK) == self.scales.video
    }

    /// Reads on, up to so many bytes of the file.
    fn extend(&mut self, file: &File, size: u64) -> io::Result<()> {
        let walk = Walk::from(self.end, self.head.len() as u64, size);
        each(walk, file, |fragment| {
            let sound = fragment.track == AUDIO_TRACK;
            self.ends[usize::from(sound)] = fragment.base.saturating_add(fragment.duration);
            self.end = fragment.end;
            if fragment.key && self.leads(fragment) {
                let place =
                    if self.keys.is_empty() { self.head.len() as u64 } else { fragment.start };
                let time = if self.keys.is_empty() { 0 } else { fragment.base };
                if self.keys.last().is_none_or(|(_, known)| *known < place) {
                    self.keys.push((time, place));
                }
            }
            true
        })
    }

    /// Takes what a complete file's end says, if there is one that can be true.
    fn finish(&mut self, file: &File, size: u64) -> io::Result<()> {
        let mut tail = [0; 16];
        let Some(at) = size.checked_sub(16) else { return Ok(()) };
        file.read_exact_at(&mut tail, at)?;
        let head = self.head.len() as u64;
        let len = mfra_len(&tail).filter(|len| *len <= MOST_BYTES && *len <= size - head);
        let Some(len) = len else { return Ok(()) };
        let mut bytes = vec![0; len as usize];
        file.read_exact_at(&mut bytes, size - len)?;
        let Some(mut keys) = read_mfra(&bytes).filter(|keys| !keys.is_empty()) else {
            return Ok(());
        };
        keys[0] = (0, head);
        let ascends = keys.is_sorted_by(|a, b| a.0 <= b.0 && a.1 < b.1);
        let last = keys[keys.len() - 1].1;
        if ascends && last < size - len {
            (self.keys, self.end) = (keys, last);
        }
        Ok(())
    }

    /// The place of the first fragment of the leading track that begins at this time or later, from a key before it on.
    pub fn place(&self, file: &File, time: u64) -> io::Result<u64> {
        let before = self.keys.partition_point(|(known, _)| *known <= time).saturating_sub(1);
        let Some(&(known, from)) = self.keys.get(before) else { return Ok(self.end) };
        if known == time {
            return Ok(from);
        }
        let mut found = self.end;
        each(Walk::from(from, self.head.len() as u64, self.end), file, |fragment| {
            if self.leads(fragment) && fragment.base >= time && fragment.start > from {
                found = fragment.start;
                return false;
            }
            true
        })?;
        Ok(found)
    }

    /// The earliest time of a track in what begins at a key, in ticks of the leading one: sound may begin a little earlier.
    pub fn begin(&self, file: &File, key: (u64, u64)) -> io::Result<u64> {
        let (mut time, mut count) = (key.0, 0);
        each(Walk::from(key.1, self.head.len() as u64, self.end), file, |fragment| {
            let scale =
                if fragment.track == AUDIO_TRACK { self.audio_scale() } else { self.scale() };
            let ticks = u128::from(fragment.base) * u128::from(self.scale()) / u128::from(scale);
            time = time.min(u64::try_from(ticks).unwrap_or(u64::MAX));
            count += 1;
            count < 2
        })?;
        Ok(time)
    }

    fn bytes(&self) -> usize {
        size_of::<Index>() + self.head.len() + 16 * self.keys.capacity()
    }
}

/// Calls `take` with each whole fragment until it says `false`.
fn each(mut walk: Walk, file: &File, mut take: impl FnMut(&Fragment) -> bool) -> io::Result<()> {
    while let Some((place, want)) = walk.wanted() {
        let mut piece = vec![0; want];
        let count = sys::file::read_at(file, &mut piece, place)?;
        if let Some(fragment) = walk.take(&piece[..count])
            && !take(&fragment)
        {
            return Ok(());
        }
    }
    Ok(())
}

/// Bytes of indexes that a process keeps, and of one that is read.
const MOST_BYTES: u64 = 64 << 20;

/// A file: its path, its inode, and when it was last begun with.
type Key = (PathBuf, u64, u64);

/// An index, which one at a time reads on.
type Shared = Arc<Mutex<Option<Index>>>;

/// Those that were asked for last.
struct Kept {
    /// With the bytes that each had when it was asked for last.
    indexes: LruCache<Key, (Shared, usize)>,
    bytes: usize,
}

static KEPT: LazyLock<Mutex<Kept>> =
    LazyLock::new(|| Mutex::new(Kept { indexes: LruCache::unbounded(), bytes: 0 }));

impl Kept {
    fn get(&mut self, key: &Key) -> Shared {
        let empty = || (Shared::default(), 0);
        self.indexes.get_or_insert(key.clone(), empty).0.clone()
    }

    fn weigh(&mut self, key: &Key, bytes: usize) {
        if let Some((_, known)) = self.indexes.peek_mut(key) {
            self.bytes = self.bytes - *known + bytes;
            *known = bytes;
        }
        while self.bytes as u64 > MOST_BYTES
            && let Some((_, (_, gone))) = self.indexes.pop_lru()
        {
            self.bytes -= gone;
        }
    }
}

/// Calls `look` with the index of a file that is open and has so many bytes. `NotFound`: it is no fragmented MP4.
pub fn with<T>(
    recording: &Recording,
    file: &File,
    size: u64,
    look: impl FnOnce(&Index) -> io::Result<T>,
) -> io::Result<T> {
    let entry = &recording.entry;
    let last = entry.began.last().map_or(0, |(_, wall)| *wall);
    let key = (entry.path.clone(), entry.inode, last);
    let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let shared = kept().get(&key);
    let mut index = shared.lock().unwrap_or_else(PoisonError::into_inner);
    // It was cut: where its last fragment was there may be something else.
    if index.as_ref().is_none_or(|known| known.end > size) {
        let head = fmp4_head(file, size)?.ok_or(ErrorKind::NotFound)?;
        let mut new = Index::empty(head).ok_or(ErrorKind::NotFound)?;
        if !entry.open {
            new.finish(file, size)?;
        }
        *index = Some(new);
    }
    let index = index.as_mut().ok_or(ErrorKind::NotFound)?;
    index.extend(file, size)?;
    kept().weigh(&key, index.bytes());
    look(index)
}
