//! What modules keep in a request, named by its type.

use std::any::Any;
use std::cell::RefCell;

use super::Request;

type Contexts = Vec<Box<dyn Any>>;

/// What is kept as long as a client is served: of a request, and of all that are made on its behalf.
#[derive(Default)]
pub(crate) struct Lasting(RefCell<Contexts>);

impl Lasting {
    /// Takes all of it.
    pub fn take(&self) -> Contexts {
        self.0.take()
    }

    /// Forgets it; keeps its memory.
    pub fn clear(&self) {
        if self.0.borrow().is_empty() {
            return;
        }
        // What is dropped may come here again.
        let mut contexts = self.0.take();
        contexts.clear();
        self.0.replace(contexts);
    }
}

impl Request {
    /// A module's own state in this request, named by its type: made when it is first asked for.
    pub fn context<T: Default + 'static>(&mut self) -> &mut T {
        of_type(&mut self.contexts)
    }

    /// The same, if there is one.
    pub fn known_context<T: 'static>(&self) -> Option<&T> {
        self.contexts.iter().find_map(|context| context.downcast_ref())
    }

    /// What a module keeps of the location ([`crate::Hooks::keep`]), named by its type.
    pub fn kept<T: 'static>(&self) -> Option<&'static T> {
        self.location.kept.iter().find_map(|kept| kept.downcast_ref())
    }

    /// Sees to a state that the client's request has together with all that are made on its behalf, and that stays as
    /// long as the client is served: also while an event stream, which has left HTTP, goes on. When the client has gone it
    /// is dropped. `work` asks for no other such state.
    pub fn with_lasting<T: Default + 'static, R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        work(of_type(&mut self.lasting.0.borrow_mut()))
    }

    /// Looks at it, if there is one.
    pub fn known_lasting<T: 'static, R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        self.lasting.0.borrow().iter().find_map(|context| context.downcast_ref()).map(look)
    }
}

/// The one of that type, made if there is none.
fn of_type<T: Default + 'static>(contexts: &mut Contexts) -> &mut T {
    let at = contexts.iter().position(|context| context.is::<T>());
    let at = at.unwrap_or_else(|| {
        contexts.push(Box::new(T::default()));
        contexts.len() - 1
    });
    contexts[at].downcast_mut().expect("it was looked for, or made, by its type")
}
