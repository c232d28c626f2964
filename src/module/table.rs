//! A table in shared memory that directives name: `zone=NAME:SIZE`. Its memory in the master, its place in each worker.

use std::cell::{Cell, OnceCell, RefCell};

use conf::{Error, Setting, Word, value};
use shm::{Holder, PATIENCE_MS, TABLE_VERSION, Table};

use crate::{Process, Setup, Slot, Wanted};

/// Fewer bytes make no zone: as nginx, eight pages.
const SMALLEST: u64 = 8 * 4096;
/// More are no size that anybody has meant.
const LARGEST: u64 = 1 << 40;

/// A zone as it was written, and what came of it in this process.
pub struct TableZone {
    directive: &'static str,
    name: Word,
    size: usize,
    /// What its entries are the states of: with another it is another zone.
    key: String,
    /// Each process has entries of its own, which go with it.
    counted: bool,
    installed: Cell<bool>,
    slot: OnceCell<Slot>,
    table: OnceCell<Table>,
    tag: OnceCell<u16>,
    holder: RefCell<Holder>,
}

/// A name and a size, as they are written: `zone=NAME:SIZE`. `None`: the argument is none of that; the errors are nginx's.
pub fn zone_argument(setting: &Setting<'_>, i: usize) -> Result<Option<(Word, usize)>, Error> {
    let word = &setting.args()[i];
    let Some(text) = word.text.strip_prefix("zone=") else { return Ok(None) };
    let invalid = || setting.error_at(i, format!("invalid zone size \"{}\"", word.text));
    let (name, size) = text.split_once(':').ok_or_else(invalid)?;
    let size = value::size(size).filter(|&size| size <= LARGEST).ok_or_else(invalid)?;
    if size < SMALLEST {
        let small = setting.error_at(i, format!("zone \"{}\" is too small", word.text));
        return Err(small.with_hint("a zone has at least 32k"));
    }
    Ok(Some((Word { text: name.to_owned(), ..word.clone() }, size as usize)))
}

impl TableZone {
    /// A zone of `size` bytes. `counted`: each process has entries of its own, which go with it.
    pub fn new(
        directive: &'static str,
        (name, size): (Word, usize),
        key: &str,
        counted: bool,
    ) -> TableZone {
        TableZone {
            directive,
            name,
            size,
            key: key.to_owned(),
            counted,
            installed: Cell::default(),
            slot: OnceCell::new(),
            table: OnceCell::new(),
            tag: OnceCell::new(),
            holder: RefCell::default(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name.text
    }

    /// What its entries are the states of, as it is written.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Why a second zone cannot be declared beside this one, if it has its name: as nginx says it.
    pub fn conflict(&self, name: &str, size: usize) -> Option<String> {
        if name != self.name() {
            return None;
        }
        Some(match size == self.size {
            true => {
                format!("{} \"{name}\" is already bound to key \"{}\"", self.directive, self.key)
            }
            false => format!(
                "the size {size} of shared memory zone \"{name}\" conflicts with already declared size {}",
                self.size
            ),
        })
    }

    /// What is wrong with it, where its name stands.
    pub fn error(&self, message: String, setup: &Setup<'_>) -> Error {
        Error::at(message, self.name.span, setup.env.files)
    }

    /// Asks for the memory. `false`: that was done before; else it is to become a part of the processes' life.
    pub fn install(&self, setup: &mut Setup<'_>) -> Result<bool, Error> {
        if self.installed.replace(true) {
            return Ok(false);
        }
        let name = self.name();
        let owner = *setup.zones.entry(name.to_owned()).or_insert(self.directive);
        if owner != self.directive {
            let message = format!(
                "the shared memory zone \"{name}\" is already declared for a different use"
            );
            let hint = format!("{owner} has a zone of that name; give this one another");
            return Err(Error::at(message, self.name.span, setup.env.files).with_hint(hint));
        }
        let slot = setup.region(Wanted {
            name: format!("{}.{}", self.directive, plain(name)),
            shape: format!("{TABLE_VERSION}.{}", plain(&self.key)),
            len: self.size,
            file: None,
        });
        let _ = self.slot.set(slot);
        Ok(true)
    }

    /// The table, in the master and in workers.
    pub fn table(&self) -> Option<&Table> {
        self.table.get()
    }

    /// The tag of this worker's entries.
    pub fn tag(&self) -> Option<u16> {
        self.tag.get().copied()
    }
}

/// A text in the letters that names and shapes of regions are made of.
fn plain(text: &str) -> String {
    let letter = |byte: u8| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' => char::from(byte).to_string(),
        byte => format!("-{byte:02x}"),
    };
    text.bytes().map(letter).collect()
}

impl Process for TableZone {
    fn opened(&self) -> Result<(), Error> {
        let label = format!("{} \"{}\"", self.directive, self.name());
        let missing = || Error::new(format!("the memory of {label} is not there"));
        let slot = self.slot.get().ok_or_else(missing)?;
        // One of another size or key is forgotten, as in nginx.
        drop(slot.take_previous());
        let region = slot.region().cloned().ok_or_else(missing)?;
        let table = Table::of(region);
        let table = table.map_err(|e| Error::new(format!("{label} cannot be used: {e}")))?;
        let _ = self.table.set(table);
        Ok(())
    }

    fn started(&'static self) -> Result<(), String> {
        let Some(table) = self.table.get().filter(|_| self.counted) else { return Ok(()) };
        let full =
            || format!("{} \"{}\" has no place for another process", self.directive, self.name());
        let _ = self.tag.set(table.own_tag().ok_or_else(full)?);
        Ok(())
    }

    fn worker_ended(&self, pid: i32) -> bool {
        self.table().is_none_or(|table| table.sweep(pid))
    }

    fn capacity(&self) -> usize {
        let table = self.table().filter(|_| self.counted);
        table.map_or(usize::MAX, Table::free_rows)
    }

    fn attached(&self) -> Vec<i32> {
        self.table().map(Table::processes).unwrap_or_default()
    }

    fn stuck(&self) -> Vec<i32> {
        let now = sys::clock::monotonic_ms();
        let look = |table: &Table| table.look(&mut self.holder.borrow_mut(), now, PATIENCE_MS);
        self.table().and_then(look).into_iter().collect()
    }
}
