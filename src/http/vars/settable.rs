//! Variables that requests set (`set`).

use std::cell::RefCell;
use std::rc::Rc;

use mem::Str;
use sys::log::Level;

use crate::request::Request;
use crate::vars::assigned::{Assigned, Sets};
use crate::vars::names::{Names, Own};
use crate::vars::scope::Value;

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

impl Sets for Request {
    fn assigned(&self) -> &RefCell<Vec<Assigned>> {
        &self.set
    }

    fn misses(&self, variable: &Own<Request>) {
        if self.location.settings.uninitialized_variable_warn {
            let message = format_args!("using uninitialized \"{}\" variable", variable.name);
            self.error(Level::Warn, message);
        }
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
            SettableKind::Own(own) => self.assign(own, value),
        }
    }
}

impl Names<Request> {
    /// A variable that requests set, which is made if there is none.
    pub fn settable(&self, name: &str) -> Result<Settable, String> {
        let name = name.to_ascii_lowercase();
        match &*name {
            "args" => return Ok(Settable(SettableKind::Args)),
            "limit_rate" => return Ok(Settable(SettableKind::LimitRate)),
            _ => {}
        }
        self.own(&name).map(|own| Settable(SettableKind::Own(own)))
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
