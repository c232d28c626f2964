//! What variables are of: a request, as far as they know it, and what they have come to for it.

use std::cell::{Cell, RefCell};

use mem::{Pool, Str};
use sys::log::Level;

use crate::route::regex::Captures;

/// What words with variables are evaluated for: a request.
pub trait Scope: 'static {
    /// What expressions have captured for it.
    fn captures(&self) -> &RefCell<Captures>;

    /// What variables have come to for it.
    fn memo(&self) -> &Memo;

    /// Room for making a text, and memory that keeps it as long as this is there.
    fn memory(&mut self) -> (&mut Vec<u8>, &mut Pool);

    /// Writes to its error log.
    fn log(&self, level: Level, message: std::fmt::Arguments<'_>);
}

/// What variables that directives have made have come to.
#[derive(Default)]
pub struct Memo {
    /// How deep in variables that are made of others.
    depth: Cell<u8>,
    /// It has been found that they are made of themselves.
    cycle: Cell<bool>,
    /// Values that are found out once.
    values: RefCell<Vec<(usize, Option<Str>)>>,
}

impl Memo {
    /// Forgets the values; keeps its memory.
    pub fn clear(&mut self) {
        self.values.get_mut().clear();
    }
}

/// A variable that a directive makes (`map`).
pub trait Value<R>: 'static {
    /// Appends its value for this request, and says whether it has one.
    fn value(&self, request: &R, out: &mut Vec<u8>) -> bool;

    /// Whether it is found out each time that it is asked for; else once for each request.
    fn is_volatile(&self) -> bool {
        false
    }
}

/// The value of a variable that a directive has made: found out once for a request, as by nginx.
pub(crate) fn made<R: Scope>(value: &dyn Value<R>, request: &R, out: &mut Vec<u8>) -> bool {
    if value.is_volatile() {
        return deeper(value, request, out);
    }
    let key = std::ptr::from_ref(value).cast::<()>().addr();
    let known = request.memo().values.borrow().iter().find(|(known, _)| *known == key).cloned();
    if let Some((_, known)) = known {
        out.extend_from_slice(known.as_deref().unwrap_or_default());
        return known.is_some();
    }
    let start = out.len();
    let exists = deeper(value, request, out);
    let text = exists.then(|| Str::copy(&out[start..]));
    request.memo().values.borrow_mut().push((key, text));
    exists
}

/// Variables that are made of others may be made of themselves: nginx's bound, and its words.
fn deeper<R: Scope>(value: &dyn Value<R>, request: &R, out: &mut Vec<u8>) -> bool {
    const DEEPEST: u8 = 100;
    let depth = request.memo().depth.get();
    if depth >= DEEPEST {
        request.log(Level::Error, format_args!("cycle while evaluating variable"));
        request.memo().cycle.set(true);
    }
    // None of the variables on the way is evaluated again: their number could grow with the number of paths.
    if request.memo().cycle.get() {
        return false;
    }
    request.memo().depth.set(depth + 1);
    let exists = value.value(request, out);
    request.memo().depth.set(depth);
    if depth == 0 {
        request.memo().cycle.set(false);
    }
    exists
}
