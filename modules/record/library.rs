//! The recorders of this worker's applications: HTTP asks for what they have recorded by the names of streams.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use module::Process;

use crate::file::journal::Journal;
use crate::recorder::Recorder;

/// What a recorder has recorded.
#[derive(Clone)]
pub struct Shelf {
    /// The recorder's name; that of the application's own is empty.
    pub recorder: String,
    /// Its `record_path`.
    pub dir: PathBuf,
    /// Which files are its own.
    pub journal: Journal,
}

thread_local! {
    static ALL: RefCell<Vec<(&'static str, &'static [Shelf])>> = const { RefCell::new(Vec::new()) };
}

/// The recorders of an application, by what its streams' names begin with.
struct Library {
    prefix: String,
    shelves: Vec<Shelf>,
}

/// Makes an application's recorders known in each worker: its own comes first.
pub fn library(prefix: &str, recorders: &[Rc<Recorder>]) -> Rc<dyn Process> {
    let mut shelves: Vec<Shelf> = recorders.iter().map(|recorder| Shelf::of(recorder)).collect();
    shelves.sort_by_key(|shelf| !shelf.recorder.is_empty());
    Rc::new(Library { prefix: prefix.to_owned(), shelves })
}

impl Shelf {
    fn of(recorder: &Recorder) -> Shelf {
        let dir = recorder.naming.dir().to_owned();
        Shelf { recorder: recorder.name.clone(), dir, journal: Journal::clone(&recorder.journal) }
    }
}

impl Process for Library {
    fn started(&'static self) -> Result<(), String> {
        ALL.with_borrow_mut(|all| {
            // In a process without master the configuration before has named its own.
            all.retain(|(prefix, _)| *prefix != self.prefix);
            all.push((&self.prefix, &self.shelves));
        });
        Ok(())
    }
}

/// The recorders of the application with this prefix; none, if it has none.
pub fn shelves(prefix: &str) -> &'static [Shelf] {
    ALL.with_borrow(|all| {
        all.iter().find(|(known, _)| *known == prefix).map_or(&[][..], |(_, shelves)| *shelves)
    })
}
