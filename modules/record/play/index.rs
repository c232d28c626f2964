//! Where a file can be entered: what its end says, or what its fragments do, or tags. It is read once, and read on as the file grows.

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
use crate::play::flv::Units;
use crate::play::snapshot::{Init, init};

/// What is known of a file.
#[derive(Clone, Debug)]
pub struct Index {
    /// What stands before its fragments, which tells no duration, and where that begins.
    pub head: Vec<u8>,
    /// See `head`.
    pub head_at: u64,
    /// Where its fragments begin.
    first: u64,
    /// Its tracks.
    pub scales: Scales,
    /// Time and place of the fragments to begin with: of its pictures, or of its sound if there are none. The first is its beginning.
    pub keys: Vec<(u64, u64)>,
    /// Where the last whole fragment ends.
    pub end: u64,
    /// Where the tracks end, in their ticks: pictures, sound.
    ends: [u64; 2],
    /// What an FLV file is as fragments: places are those of that.
    pub units: Option<Arc<Units>>,
}

impl Index {
    fn empty(Init { bytes: head, at: head_at, first }: Init) -> Option<Index> {
        let scales = scales(&head)?;
        let keys = Vec::new();
        Some(Index { end: first, scales, keys, ends: [0; 2], head, head_at, first, units: None })
    }

    /// Of a file, of which so much is there; `None`: it is none of these.
    fn of(file: &File, size: u64, is_complete: bool) -> io::Result<Option<Index>> {
        if let Some(init) = init(file, size)? {
            return Ok(Index::empty(init));
        }
        let Some(units) = Units::of(file, size, is_complete)? else { return Ok(None) };
        let init = Init { bytes: units.init.clone(), at: 0, first: units.init.len() as u64 };
        Ok(Index::empty(init).map(|index| Index { units: Some(Arc::new(units)), ..index }))
    }

    /// What was read of the file: it is no shorter.
    fn seen(&self) -> u64 {
        self.units.as_ref().map_or(self.end, |units| units.seen())
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
    fn extend(&mut self, file: &File, size: u64, is_complete: bool) -> io::Result<()> {
        if let Some(units) = &mut self.units {
            let known = units.complete().len();
            let units = Arc::make_mut(units);
            units.extend(file, size, is_complete)?;
            (self.end, self.ends) = (units.end, units.ends);
            for unit in units.complete()[known..].iter().filter(|unit| unit.key) {
                let is_first = self.keys.is_empty();
                self.keys.push(if is_first { (0, self.first) } else { (unit.time, unit.place) });
            }
            return Ok(());
        }
        let walk = Walk::from(self.end, self.first, size);
        each(walk, file, |fragment| {
            let sound = fragment.track == AUDIO_TRACK;
            self.ends[usize::from(sound)] = fragment.base.saturating_add(fragment.duration);
            self.end = fragment.end;
            if fragment.key && self.leads(fragment) {
                let place = if self.keys.is_empty() { self.first } else { fragment.start };
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
        let head = self.first;
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
        if let Some(units) = &self.units {
            let mut behind = units.complete().iter().filter(|unit| unit.place > from);
            return Ok(behind.find(|unit| unit.time >= time).map_or(self.end, |unit| unit.place));
        }
        let mut found = self.end;
        each(Walk::from(from, self.first, self.end), file, |fragment| {
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
        if let Some(units) = &self.units {
            let unit = units.complete().iter().find(|unit| unit.place == key.1);
            let ticks = |sound: u64| {
                u128::from(sound) * u128::from(self.scale()) / u128::from(self.audio_scale())
            };
            let sound = unit.and_then(|unit| unit.sound).map(ticks);
            return Ok(sound.and_then(|it| u64::try_from(it).ok()).map_or(time, |it| it.min(time)));
        }
        each(Walk::from(key.1, self.first, self.end), file, |fragment| {
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
        let units = self.units.as_ref().map_or(0, |units| units.bytes());
        size_of::<Index>() + self.head.len() + 16 * self.keys.capacity() + units
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

/// Calls `look` with the index of a file that is open and has so many bytes. `NotFound`: it is none that can be entered.
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
    if index.as_ref().is_none_or(|known| known.seen() > size) {
        let mut new = Index::of(file, size, !entry.open)?.ok_or(ErrorKind::NotFound)?;
        if !entry.open && new.units.is_none() {
            new.finish(file, size)?;
        }
        *index = Some(new);
    }
    let index = index.as_mut().ok_or(ErrorKind::NotFound)?;
    index.extend(file, size, !entry.open)?;
    kept().weigh(&key, index.bytes());
    look(index)
}
