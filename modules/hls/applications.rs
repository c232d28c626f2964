//! The applications of this worker whose streams are cut into segments: HTTP asks for these by the names of streams.

use std::cell::RefCell;
use std::rc::Rc;

use module::Process;

use crate::segments::Segments;

thread_local! {
    static ALL: RefCell<Vec<(&'static str, &'static Segments)>> = const { RefCell::new(Vec::new()) };
}

/// An application, by what its streams' names begin with.
struct Named {
    prefix: String,
    segments: Rc<Segments>,
}

/// Makes the segments of an application known in each worker.
pub fn named(prefix: &str, segments: Rc<Segments>) -> Rc<dyn Process> {
    Rc::new(Named { prefix: prefix.to_owned(), segments })
}

impl Process for Named {
    fn started(&'static self) -> Result<(), String> {
        ALL.with_borrow_mut(|all| {
            // In a process without master the configuration before has named its own.
            all.retain(|(prefix, _)| *prefix != self.prefix);
            all.push((&self.prefix, &self.segments));
        });
        Ok(())
    }
}

/// The segments of the application with this prefix; `None`: its streams are not cut.
pub fn segments(prefix: &str) -> Option<&'static Segments> {
    ALL.with_borrow(|all| all.iter().find(|(known, _)| *known == prefix).map(|(_, it)| *it))
}

/// Whether the streams of the application with this prefix are HLS.
pub fn has_hls(prefix: &str) -> bool {
    segments(prefix).is_some_and(|segments| segments.settings.hls)
}

/// Whether they are DASH.
pub fn has_dash(prefix: &str) -> bool {
    segments(prefix).is_some_and(|segments| segments.settings.dash.is_some())
}
