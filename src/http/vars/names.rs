//! The variables that a configuration knows, by their names.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::route::regex::Regex;
use crate::vars::part::{Get, Part};
use crate::vars::scope::{Scope, Value};

/// A variable that a module provides.
pub struct Variable<R: 'static> {
    /// The name; one that ends with `_` stands for all names that begin so.
    pub name: &'static str,
    /// Its value.
    pub get: Get<R>,
    /// What it is, in one line.
    pub help: &'static str,
}

/// Those that can be set: a group of an expression may have their name.
pub const CHANGEABLE: [&str; 2] = ["args", "limit_rate"];

/// Variables of nginx's core that are not here, or only as one of many (`http_`): no group has their name.
pub const RESERVED: [&str; 15] = [
    "http_cookie",
    "http_host",
    "http_referer",
    "http_user_agent",
    "http_via",
    "http_x_forwarded_for",
    "sent_http_cache_control",
    "sent_http_connection",
    "sent_http_content_length",
    "sent_http_content_type",
    "sent_http_keep_alive",
    "sent_http_last_modified",
    "sent_http_link",
    "sent_http_location",
    "sent_http_transfer_encoding",
];

/// The variables that a configuration knows.
pub struct Names<R: 'static> {
    variables: BTreeMap<&'static str, &'static Variable<R>>,
    prefixes: Vec<&'static Variable<R>>,
    captured: RefCell<Vec<Rc<str>>>,
    /// Those that directives have made.
    made: RefCell<BTreeMap<String, Rc<dyn Value<R>>>>,
    /// Those of modules that some word has in it.
    asked: RefCell<BTreeSet<&'static str>>,
    pub(crate) settable: RefCell<BTreeMap<String, Rc<Own<R>>>>,
}

/// A variable that requests set.
pub struct Own<R> {
    /// Its name.
    pub name: Box<str>,
    /// What it is until it is set, if another directive has made it.
    pub before: Option<Rc<dyn Value<R>>>,
}

impl<R: Scope> Default for Names<R> {
    fn default() -> Names<R> {
        Names {
            variables: BTreeMap::new(),
            prefixes: Vec::new(),
            captured: RefCell::default(),
            made: RefCell::default(),
            asked: RefCell::default(),
            settable: RefCell::default(),
        }
    }
}

impl<R: Scope> Names<R> {
    /// Adds a module's variables.
    pub fn add(&mut self, variables: &'static [Variable<R>]) {
        for variable in variables {
            match variable.name.ends_with('_') {
                true => self.prefixes.push(variable),
                false => drop(self.variables.insert(variable.name, variable)),
            }
        }
    }

    /// Adds the named groups of an expression. As in nginx none may have the name of a variable, unless
    /// it is one that can be set: that one is the group's from then on, in every location.
    pub fn capture(&self, regex: &Regex) -> Result<(), String> {
        for name in regex.names() {
            let known = self.variables.contains_key(name) || RESERVED.contains(&name);
            if known && !CHANGEABLE.contains(&name) {
                return Err(format!("the duplicate \"{name}\" variable"));
            }
            self.captured.borrow_mut().push(name.into());
        }
        Ok(())
    }

    /// Makes a variable; one of that name that a directive has made before is replaced. The error is nginx's.
    pub fn make(&self, name: &str, value: Rc<dyn Value<R>>) -> Result<(), String> {
        let name = name.to_ascii_lowercase();
        let known = self.variables.contains_key(&*name) || RESERVED.contains(&&*name);
        if known && !CHANGEABLE.contains(&&*name) {
            return Err(format!("the duplicate \"{name}\" variable"));
        }
        self.made.borrow_mut().insert(name, value);
        Ok(())
    }

    /// Whether some word has this variable of a module in it.
    pub fn is_asked(&self, name: &str) -> bool {
        self.asked.borrow().contains(name)
    }

    /// What a name stands for until something sets it: what a directive has made, or the group of an expression.
    pub(crate) fn before(&self, name: &str) -> Option<Rc<dyn Value<R>>> {
        let made = self.made.borrow().get(name).cloned();
        let captured = self.captured.borrow().iter().find(|known| ***known == *name).cloned();
        made.or_else(|| captured.map(|group| Rc::new(Captured(group)) as Rc<dyn Value<R>>))
    }

    pub(crate) fn find(&self, name: &str) -> Option<Part<R>> {
        let name = &*name.to_ascii_lowercase();
        if let Some(value) = self.made.borrow().get(name) {
            return Some(Part::Made(value.clone()));
        }
        if let Some(captured) = self.captured.borrow().iter().find(|known| &***known == name) {
            return Some(Part::Named(captured.clone()));
        }
        if let Some(variable) = self.variables.get(name) {
            self.asked.borrow_mut().insert(variable.name);
            return Some(Part::Variable(variable.get, "".into()));
        }
        let fits = self.prefixes.iter().filter(|variable| name.starts_with(variable.name));
        let prefix = fits.max_by_key(|variable| variable.name.len())?;
        Some(Part::Variable(prefix.get, name[prefix.name.len()..].into()))
    }
}

/// The group of an expression, under the name of a variable that is also set.
struct Captured(Rc<str>);

impl<R: Scope> Value<R> for Captured {
    fn value(&self, request: &R, out: &mut Vec<u8>) -> bool {
        let captured = request.captures().borrow().named(&self.0);
        out.extend_from_slice(captured.as_deref().unwrap_or_default());
        captured.is_some()
    }

    fn is_volatile(&self) -> bool {
        true
    }
}
