//! A cache: `…_cache_path`. Its place on the disk, its index, and its part in the life of the processes.

use std::cell::{Cell, OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use conf::Error;
use module::{Process, TableZone};
use shm::Table;

use crate::index::Index;
use crate::kept::Kept;
use crate::key::{self, Digest16};
use crate::settings::Settings;
use crate::state;
use crate::waiting::Waiting;

/// A cache.
pub struct Zone {
    /// What the directive says of it.
    pub settings: Settings,
    /// The memory of its index.
    pub memory: Rc<TableZone>,
    /// Small answers and open files, in each worker.
    pub(crate) kept: RefCell<Kept>,
    /// Who waits in this worker.
    pub(crate) waiting: Waiting,
    /// What claims are called by.
    number: Cell<u64>,
    /// What bells are called by.
    name: OnceCell<u64>,
    is_whole: Cell<bool>,
}

impl Zone {
    /// Of what a directive says.
    pub fn new(settings: Settings, memory: Rc<TableZone>) -> Zone {
        let kept = RefCell::new(Kept::new(settings.memory));
        let (waiting, number, name) = (Waiting::default(), Cell::new(0), OnceCell::new());
        Zone { settings, memory, kept, waiting, number, name, is_whole: Cell::new(false) }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.memory.name()
    }

    /// The index, once memory is open.
    pub fn index(&self) -> Option<Index<'_>> {
        self.memory.table().map(|table| Index::new(table, self.memory.tag().unwrap_or(0)))
    }

    /// Another number for a claim. Numbers of two processes may be the same.
    pub(crate) fn next_number(&self) -> u64 {
        self.number.set(self.number.get() + 1);
        self.number.get()
    }

    /// The directory of an answer's file.
    pub fn directory(&self, digest: &Digest16) -> PathBuf {
        let name = key::name(digest);
        let (mut path, mut end) = (self.settings.path.clone(), name.len());
        for &digits in &self.settings.levels {
            path.push(&name[end - digits..end]);
            end -= digits;
        }
        path
    }

    /// Its file.
    pub fn file(&self, digest: &Digest16) -> PathBuf {
        let mut path = self.directory(digest);
        path.push(key::name(digest));
        path
    }

    /// Whether the index may lack files that are there: nobody has looked through the directory yet.
    pub fn is_cold(&self) -> bool {
        if self.is_whole.get() {
            return false;
        }
        // The master asks, too, which waits for no worker.
        let whole = self.index().is_none_or(|index| index.is_whole() == Some(true));
        self.is_whole.set(whole);
        !whole
    }

    /// What a process's bell is called.
    pub(crate) fn bell(&self, pid: i32) -> String {
        let name = self.name.get_or_init(|| {
            let random = sys::random::number() as u64;
            self.index().map_or(0, |index| index.name(random).0)
        });
        format!("rserve/cache/{name:016x}/{pid}")
    }

    /// Files whose answers were forgotten go.
    pub(crate) fn delete(&self, gone: &[Digest16]) {
        gone.iter().for_each(|digest| delete(&self.file(digest)));
    }

    /// Whether all files together are larger than they may be.
    pub(crate) fn is_above(&self, blocks: u64) -> bool {
        self.settings.max_size.is_some_and(|most| state::bytes(blocks) > most)
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.index().map_or(0, |index| state::bytes(index.blocks()))
    }

    fn table(&self) -> Option<&Table> {
        self.memory.table()
    }
}

/// Deletes a file, if it is one of a cache's: what else has such a name is not ours.
pub(crate) fn delete(path: &Path) {
    if crate::file::is_ours(path) {
        let _ = std::fs::remove_file(path);
    }
}

impl Process for Zone {
    fn opened(&self) -> Result<(), Error> {
        self.memory.opened()?;
        // The name is there before there are processes that could each make one.
        self.bell(0);
        Ok(())
    }

    fn started(&'static self) -> Result<(), String> {
        self.memory.started()?;
        self.waiting.listen(self.bell(sys::process::pid()))
    }

    fn worker_ended(&self, pid: i32) -> bool {
        if !self.memory.worker_ended(pid) {
            return false;
        }
        // What it was fetching, others may wait for.
        let processes = self.table().map(Table::processes).unwrap_or_default();
        processes.into_iter().for_each(|pid| sys::bell::ring(&self.bell(pid)));
        true
    }

    fn capacity(&self) -> usize {
        self.memory.capacity()
    }

    fn attached(&self) -> Vec<i32> {
        self.memory.attached()
    }

    fn stuck(&self) -> Vec<i32> {
        self.memory.stuck()
    }
}
