//! Variables that requests set (`set`).

use std::rc::Rc;

use mem::Str;
use sys::log::Level;

use crate::request::Request;
use crate::template::{Value, made};

/// A variable that can be set.
#[derive(Clone)]
pub struct Settable(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    /// Of the configuration's own.
    Own(Rc<Own>),
    /// `$args`
    Args,
    /// `$limit_rate`
    LimitRate,
}

/// One of the configuration's own.
pub(crate) struct Own {
    pub name: Box<str>,
    /// What it is until it is set, if another directive has made it.
    pub before: Option<Rc<dyn Value>>,
}

/// A value that a request has given to a variable.
pub(crate) struct Assigned {
    key: usize,
    pub value: Str,
    /// How many expressions had matched then.
    matches: u64,
}

impl Own {
    fn key(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl Value for Own {
    fn value(&self, request: &Request, out: &mut Vec<u8>) -> bool {
        let set = request.set.borrow();
        let known = set.iter().find(|known| known.key == self.key());
        // The last one who has written it, an expression or `set`, has the word.
        let newer =
            |known: &&Assigned| !request.captures.borrow().is_newer(&self.name, known.matches);
        if let Some(known) = known.filter(newer) {
            out.extend_from_slice(&known.value);
            return true;
        }
        drop(set);
        match &self.before {
            Some(before) => made(&**before, request, out),
            None => {
                let message = format_args!("using uninitialized \"{}\" variable", self.name);
                request.error(Level::Warn, message);
                true
            }
        }
    }

    /// It may be set again.
    fn is_volatile(&self) -> bool {
        true
    }
}

impl Request {
    /// Sets a variable.
    pub fn set(&mut self, variable: &Settable, value: Str) {
        match &variable.0 {
            Kind::Args => self.args = value,
            // As nginx: what is no size changes nothing.
            Kind::LimitRate => match value.as_str().and_then(conf::value::size) {
                Some(rate) => self.limit_rate = Some(rate),
                None => self.error(Level::Error, format_args!("invalid $limit_rate \"{value}\"")),
            },
            Kind::Own(own) => {
                let matches = self.captures.get_mut().matches();
                let mut set = self.set.borrow_mut();
                set.retain(|known| known.key != own.key());
                set.push(Assigned { key: own.key(), value, matches });
            }
        }
    }
}
