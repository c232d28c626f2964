//! Looking for an answer.

use std::io::ErrorKind;
use std::rc::Rc;

use crate::file::{self, Stored};

use crate::key::Key;
use crate::state::State;
use crate::variant;
use crate::zone::Zone;

/// What there is.
pub enum Found {
    /// An answer, which may not be valid any more.
    Stored(Rc<Stored>),
    /// It is known that this is answered, for now.
    Status(u16),
    /// Nothing.
    Absent,
    /// Nor is there room for it.
    NoRoom,
}

/// An answer that was looked for.
pub struct Lookup {
    /// The key that it has, or will have.
    pub key: Key,
    /// What there is.
    pub found: Found,
    /// How often it was asked for.
    pub uses: u8,
    /// An answer came lately that was not to be stored: nobody needs to wait for another.
    pub is_unkept: bool,
}

impl Zone {
    /// Looks for the answer to a key, at a time in seconds since 1970. `field` gives a field of the request, by its name in lower
    /// case.
    pub fn find(&self, key: Key, now: u64, field: impl Fn(&[u8]) -> Vec<u8>) -> Lookup {
        let first = self.look(key, now);
        let Found::Stored(stored) = &first.found else { return first };
        if stored.vary.is_empty() {
            return first;
        }
        let own = variant::variant(&stored.vary, field);
        if own == stored.variant {
            return first;
        }
        let second = self.look(first.key.with_variant(&own), now);
        let is_other = matches!(&second.found, Found::Stored(stored) if stored.variant != own);
        if is_other { Lookup { found: Found::Absent, ..second } } else { second }
    }

    fn look(&self, key: Key, now: u64) -> Lookup {
        let (none, mut gone) = (State::default(), Vec::new());
        let short = u32::try_from(now).unwrap_or(u32::MAX);
        let looked = self.index().and_then(|index| index.look(&key.digest, short, &mut gone));
        self.delete(&gone);
        let state = looked.map(|looked| looked.state);
        let found = match state {
            None => Found::NoRoom,
            Some(state) if state.status != 0 && short < state.valid_until => {
                Found::Status(state.status)
            }
            Some(state) if state.is_there || self.is_cold() => self.open(&key, state),
            Some(_) => Found::Absent,
        };
        let is_unkept = looked.is_some_and(|looked| looked.is_unkept);
        Lookup { key, found, uses: state.unwrap_or(none).uses, is_unkept }
    }

    /// What an entry's file has; or what of it is at hand.
    fn open(&self, key: &Key, state: State) -> Found {
        let known = self.kept.borrow_mut().get(&key.digest, state, || self.file(&key.digest));
        if let Some(stored) = known.filter(|_| state.is_there) {
            return match stored.is_of(key) {
                true => Found::Stored(stored),
                false => Found::Absent,
            };
        }
        let path = self.file(&key.digest);
        let longest = self.kept.borrow().longest();
        let opened = match Stored::open(&path, key, longest) {
            // Somebody may just be writing a new time into it.
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                Stored::open(&path, key, longest)
            }
            opened => opened,
        };
        match opened {
            Ok(Some(stored)) => {
                let stored = Rc::new(stored);
                if state.is_there {
                    self.kept.borrow_mut().put(key.digest, state, stored.clone());
                } else {
                    self.take_in(key, &stored);
                }
                Found::Stored(stored)
            }
            Ok(None) => {
                self.forget(key, state);
                Found::Absent
            }
            Err(error) => {
                let shown = path.display();
                sys::log!(Crit, "cache file \"{shown}\" cannot be used: {error}");
                if !file::is_unusable(&error) {
                    // It may be another time: what is there is not given up for that.
                    return Found::NoRoom;
                }
                self.forget(key, state);
                crate::zone::delete(&path);
                Found::Absent
            }
        }
    }

    /// A file that the index did not know.
    fn take_in(&self, key: &Key, stored: &Stored) {
        let Some(index) = self.index() else { return };
        let mut gone = Vec::new();
        let (blocks, until) = (stored.blocks(), stored.valid_until);
        index.change(&key.digest, &mut gone, |state| {
            (state.is_there, state.blocks) = (true, blocks);
            state.valid_until = u32::try_from(until).unwrap_or(u32::MAX);
        });
        self.delete(&gone);
    }

    /// The file of an entry is not there, or is not usable.
    fn forget(&self, key: &Key, state: State) {
        if state.is_there
            && let Some(index) = self.index()
        {
            let mut gone = Vec::new();
            index.change(&key.digest, &mut gone, |state| {
                (state.is_there, state.blocks) = (false, 0)
            });
            self.delete(&gone);
        }
    }
}
