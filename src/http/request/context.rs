//! What modules keep in a request, named by its type.

use std::any::{Any, TypeId};

use super::Request;

impl Request {
    /// A module's own state in this request, named by its type: made when it is first asked for.
    pub fn context<T: Default + 'static>(&mut self) -> &mut T {
        of_type(&mut self.contexts)
    }

    /// The same, of what is to stay as long as the client is served: also while an event stream, which has left
    /// HTTP, goes on. When the client has gone it is dropped.
    pub fn lasting_context<T: Default + 'static>(&mut self) -> &mut T {
        of_type(&mut self.lasting)
    }

    /// Whether there is one here, or in a request on whose behalf this one is.
    pub fn has_context<T: 'static>(&self) -> bool {
        self.known_context::<T>().is_some() || self.known_above.contains(&TypeId::of::<T>())
    }

    /// Either of them, if there is one.
    pub fn known_context<T: 'static>(&self) -> Option<&T> {
        let mut all = self.contexts.iter().chain(&self.lasting);
        all.find_map(|context| context.downcast_ref())
    }
}

/// The one of that type, made if there is none.
fn of_type<T: Default + 'static>(contexts: &mut Vec<Box<dyn Any>>) -> &mut T {
    let at = contexts.iter().position(|context| context.is::<T>());
    let at = at.unwrap_or_else(|| {
        contexts.push(Box::new(T::default()));
        contexts.len() - 1
    });
    contexts[at].downcast_mut().expect("it was looked for, or made, by its type")
}
