//! Variables that requests set (`set`).

use std::rc::Rc;

use mem::Str;
use sys::log::Level;

use crate::request::{Assigned, Names, Request};
use crate::vars::names::Own;
use crate::vars::scope::{Value, made};

/// A variable that can be set.
#[derive(Clone)]
pub struct Settable(pub(crate) SettableKind);

#[derive(Clone)]
pub(crate) enum SettableKind {
    /// Of the configuration's own.
    Own(Rc<Own<Request>>),
    /// `$args`
    Args,
    /// `$limit_rate`
    LimitRate,
}

impl Own<Request> {
    fn key(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl Value<Request> for Own<Request> {
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
                if !request.location.settings.uninitialized_variable_warn {
                    return true;
                }
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
            SettableKind::Args => self.args = value,
            // As nginx: what is no size changes nothing.
            SettableKind::LimitRate => match value.as_str().and_then(conf::value::size) {
                Some(rate) => self.limit_rate = Some(rate),
                None => self.error(Level::Error, format_args!("invalid $limit_rate \"{value}\"")),
            },
            SettableKind::Own(own) => {
                let matches = self.captures.get_mut().matches();
                let mut set = self.set.borrow_mut();
                set.retain(|known| known.key != own.key());
                set.push(Assigned { key: own.key(), value, matches });
            }
        }
    }
}

impl Names {
    /// A variable that requests set, which is made if there is none.
    pub fn settable(&self, name: &str) -> Result<Settable, String> {
        let name = name.to_ascii_lowercase();
        match &*name {
            "args" => return Ok(Settable(SettableKind::Args)),
            "limit_rate" => return Ok(Settable(SettableKind::LimitRate)),
            _ => {}
        }
        if let Some(known) = self.settable.borrow().get(&name) {
            return Ok(Settable(SettableKind::Own(known.clone())));
        }
        let own = Rc::new(Own { name: name.as_str().into(), before: self.before(&name) });
        self.make(&name, own.clone())?;
        self.settable.borrow_mut().insert(name, own.clone());
        Ok(Settable(SettableKind::Own(own)))
    }

    /// A variable that something else comes to (`auth_request_set`): it has no value until then.
    pub fn result(&self, name: &str) -> Result<Settable, String> {
        if self.before(&name.to_ascii_lowercase()).is_none() {
            self.make(name, Rc::new(NotFound))?;
        }
        self.settable(name)
    }
}

/// No value.
struct NotFound;

impl Value<Request> for NotFound {
    fn value(&self, _: &Request, _: &mut Vec<u8>) -> bool {
        false
    }

    fn is_volatile(&self) -> bool {
        true
    }
}
