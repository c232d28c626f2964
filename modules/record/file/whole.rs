//! A file of fragments that has room becomes an ordinary movie, and one of fragments again when it goes on. All of this blocks: it is for
//! other threads.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use live::appender::{Failed, at};
use proto::fmp4::{self, AUDIO_TRACK, Fragment, Table, Walk, movie, samples};
use proto::mp4;

/// What tells where the samples are is no longer: some forty hours. A longer file stays one of fragments.
const MOST: usize = 64 << 20;

/// Calls `take` with each whole fragment of the first `size` bytes; gives the walk as it has ended.
pub fn each(
    file: &File,
    size: u64,
    mut take: impl FnMut(&Fragment) -> io::Result<()>,
) -> io::Result<Walk> {
    let mut walk = Walk::new(size);
    while let Some((place, want)) = walk.wanted() {
        let mut piece = vec![0; want];
        let count = sys::file::read_at(file, &mut piece, place)?;
        if let Some(fragment) = walk.take(&piece[..count]) {
            take(&fragment)?;
        }
    }
    Ok(walk)
}

/// A file that goes on is one of fragments.
pub fn reopen(file: &File) -> Result<(), Failed> {
    let size = at("fstat", file.metadata())?.len();
    let mut walk = Walk::new(size);
    while let Some((place, want)) =
        walk.wanted().filter(|(place, _)| walk.head() == 0 || *place <= walk.head())
    {
        let mut piece = vec![0; want];
        let count = at("read", sys::file::read_at(file, &mut piece, place))?;
        walk.take(&piece[..count]);
    }
    let Some(roomy) = walk.roomy() else { return Ok(()) };
    let (grows, mut is) = (roomy.grows(), [0; fmp4::SWITCH]);
    at("read", file.read_exact_at(&mut is, roomy.switch))?;
    if is[..] == grows { Ok(()) } else { at("write", file.write_all_at(&grows, roomy.switch)) }
}

/// The end of a file with these fragments that was cut behind them: `index` goes to its end, and if it has room, it becomes a movie. Gives
/// its length. After an error it is as it was. `sync`: what is needed outlives a loss of power before it is a movie.
pub fn finish(file: &File, index: &[u8], sync: bool) -> Result<u64, Failed> {
    let end = at("fstat", file.metadata())?.len();
    try_finish(file, end, index, sync).inspect_err(|_| {
        let _ = reopen(file);
        let _ = file.set_len(end);
    })
}

fn try_finish(file: &File, end: u64, index: &[u8], sync: bool) -> Result<u64, Failed> {
    let mut tables = <[Table; 2]>::default();
    let walk = at("read", each(file, end, |fragment| add(file, &mut tables, fragment)))?;
    let is_short = tables.iter().map(Table::len).sum::<usize>() <= MOST;
    let told = walk.roomy().filter(|_| is_short && walk.end() == end).map(|roomy| {
        let (from, to) = roomy.init;
        let mut init = vec![0; (to - from) as usize];
        file.read_exact_at(&mut init, from)?;
        io::Result::Ok((roomy, movie(&init, &tables)))
    });
    let Some((roomy, Some(mut moov))) = at("read", told.transpose())? else {
        at("write", file.write_all_at(index, end))?;
        return Ok(end + index.len() as u64);
    };
    let (behind, head) = match roomy.front(moov.len() as u64, end).zip(roomy.is_front()) {
        Some(((place, rest), head)) => {
            moov.extend(rest);
            at("write", file.write_all_at(&moov, place))?;
            (Vec::new(), head)
        }
        None => (moov, roomy.is_behind(end)),
    };
    let tail = [&behind, index].concat();
    at("write", file.write_all_at(&tail, end))?;
    if sync {
        at("fsync", file.sync_data())?;
    }
    at("write", file.write_all_at(&head, roomy.switch))?;
    Ok(end + tail.len() as u64)
}

/// Adds the samples of a fragment.
fn add(file: &File, tables: &mut [Table; 2], fragment: &Fragment) -> io::Result<()> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a fragment is none of ours");
    let mut head = [0; 8];
    file.read_exact_at(&mut head, fragment.start)?;
    let size = mp4::head(&head).and_then(|head| head.size).ok_or_else(damaged)?;
    let mut moof = vec![0; size.min(fragment.end - fragment.start) as usize];
    file.read_exact_at(&mut moof, fragment.start)?;
    let (place, samples) = samples(&moof).ok_or_else(damaged)?;
    let table = &mut tables[usize::from(fragment.track == AUDIO_TRACK)];
    // Beyond that it is no movie: nothing more is to be kept of it.
    if table.len() <= MOST {
        table.add(fragment.base, fragment.start + place, &samples);
    }
    Ok(())
}
