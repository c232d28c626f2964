//! Variables of a configuration's own, and what they have been set to.

use std::cell::RefCell;
use std::rc::Rc;

use mem::Str;

use crate::vars::names::{Names, Own};
use crate::vars::scope::{Scope, Value, made};

impl<R> Own<R> {
    /// What it is told from others by.
    pub fn key(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

/// What variables can be set for.
pub trait Sets: Scope {
    /// Those that have been.
    fn assigned(&self) -> &RefCell<Vec<Assigned>>;

    /// The value of one is asked for that was not.
    fn misses(&self, variable: &Own<Self>)
    where
        Self: Sized;

    /// Sets one of the configuration's own.
    fn assign(&self, variable: &Own<Self>, value: Str)
    where
        Self: Sized,
    {
        let matches = self.captures().borrow().matches();
        let mut set = self.assigned().borrow_mut();
        set.retain(|known| known.key != variable.key());
        set.push(Assigned { key: variable.key(), value, matches });
    }
}

/// A variable that has been set.
pub struct Assigned {
    pub(crate) key: usize,
    pub(crate) value: Str,
    /// How many expressions had matched before.
    pub(crate) matches: u64,
}

impl<R: Sets> Value<R> for Own<R> {
    fn value(&self, request: &R, out: &mut Vec<u8>) -> bool {
        let set = request.assigned().borrow();
        let known = set.iter().find(|known| known.key == self.key());
        // The last one who has written it, an expression or `set`, has the word.
        let newer =
            |known: &&Assigned| !request.captures().borrow().is_newer(&self.name, known.matches);
        if let Some(known) = known.filter(newer) {
            out.extend_from_slice(&known.value);
            return true;
        }
        drop(set);
        match &self.before {
            Some(before) => made(&**before, request, out),
            None => {
                request.misses(self);
                true
            }
        }
    }

    /// It may be set again.
    fn is_volatile(&self) -> bool {
        true
    }
}

impl<R: Sets> Names<R> {
    /// A variable of the configuration's own that is set, which is made if there is none.
    pub fn own(&self, name: &str) -> Result<Rc<Own<R>>, String> {
        let name = name.to_ascii_lowercase();
        if let Some(known) = self.settable.borrow().get(&name) {
            return Ok(known.clone());
        }
        let own = Rc::new(Own { name: name.as_str().into(), before: self.before(&name) });
        self.make(&name, own.clone())?;
        self.settable.borrow_mut().insert(name, own.clone());
        Ok(own)
    }
}
