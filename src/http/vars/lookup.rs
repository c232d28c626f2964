//! Variables that are named while requests are served: by the text of a body (SSI).

use std::rc::Rc;

use crate::vars::names::Names;
use crate::vars::part::Part;
use crate::vars::scope::Scope;

/// All variables that the configuration knows.
pub struct Lookup<R: 'static>(Rc<Names<R>>);

// Derived, it would ask for an `R` that can be cloned.
impl<R> Clone for Lookup<R> {
    fn clone(&self) -> Lookup<R> {
        Lookup(self.0.clone())
    }
}

impl<R: Scope> Lookup<R> {
    pub(crate) fn new(names: &Rc<Names<R>>) -> Lookup<R> {
        Lookup(names.clone())
    }

    /// Appends the value of the variable of this name, and says whether it has one; nobody has to know it.
    pub fn value(&self, name: &str, request: &R, out: &mut Vec<u8>) -> bool {
        self.0.find(name).is_some_and(|part: Part<R>| part.value(request, out))
    }
}
