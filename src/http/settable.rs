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

impl Own {
    fn key(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl Value for Own {
    fn value(&self, request: &Request, out: &mut Vec<u8>) -> bool {
        let set = request.set.borrow();
        if let Some((_, text)) = set.iter().find(|(key, _)| *key == self.key()) {
            out.extend_from_slice(text);
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
            Kind::LimitRate => self.limit_rate = value.as_str().and_then(conf::value::size),
            Kind::Own(own) => {
                let set = self.set.get_mut();
                set.retain(|(key, _)| *key != own.key());
                set.push((own.key(), value));
            }
        }
    }
}
