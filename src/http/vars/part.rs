//! A part of a word: written, or a variable.

use std::rc::Rc;

use mem::Str;

use crate::vars::scope::{Scope, Value, made};

/// Appends a variable's value and says whether it has one. The text is what follows the name, for
/// names that end with `_` (`http_`, `arg_`).
pub type Get<R> = fn(&R, &str, &mut Vec<u8>) -> bool;

/// A part of a word.
pub(crate) enum Part<R: 'static> {
    Literal(Str),
    Variable(Get<R>, Box<str>),
    Group(usize),
    Named(Rc<str>),
    Made(Rc<dyn Value<R>>),
}

// Derived, it would ask for an `R` that can be cloned.
impl<R> Clone for Part<R> {
    fn clone(&self) -> Part<R> {
        match self {
            Part::Literal(text) => Part::Literal(text.clone()),
            Part::Variable(get, rest) => Part::Variable(*get, rest.clone()),
            Part::Group(group) => Part::Group(*group),
            Part::Named(name) => Part::Named(name.clone()),
            Part::Made(value) => Part::Made(value.clone()),
        }
    }
}

impl<R: Scope> Part<R> {
    /// Appends a variable's value, and says whether it has one.
    pub fn value(&self, request: &R, out: &mut Vec<u8>) -> bool {
        let captured = match self {
            Part::Literal(text) => Some(text.clone()),
            Part::Variable(get, name) => return get(request, name, out),
            Part::Made(value) => return made(&**value, request, out),
            Part::Group(group) => request.captures().borrow().get(*group),
            Part::Named(name) => request.captures().borrow().named(name),
        };
        out.extend_from_slice(captured.as_deref().unwrap_or_default());
        captured.is_some()
    }
}
