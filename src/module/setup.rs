//! What modules ask of the server while a configuration is made ready.

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use conf::Env;
use sys::log::{Level, Log, Target};
use sys::socket::{Address, Options};

use crate::files::{LogFile, Logs};
use crate::regions::{Regions, Slot, Wanted};

/// A socket that some module wants to listen on.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where.
    pub address: Address,
    /// How.
    pub options: Options,
    /// What is spoken there, as a URL says it: `http`, `rtmp`.
    pub scheme: &'static str,
}

/// A folder that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Where.
    pub path: PathBuf,
    /// Which directive wants it, and where that stands: for messages.
    pub wanted_by: String,
    /// Others may look into it: the mode of one that is made; one that is there stays as it is, whosever it is. Else it is the
    /// workers' user's alone.
    pub shared: Option<u32>,
}

/// Collects what the modules ask for.
pub struct Setup<'a> {
    /// The configuration's files, paths and warnings.
    pub env: &'a Env<'a>,
    /// Workers of a generation.
    pub workers: usize,
    /// The sockets asked for so far.
    pub listeners: Vec<Request>,
    addresses: HashSet<Address>,
    /// The log files asked for so far.
    pub logs: Logs,
    /// The shared memory asked for so far.
    pub regions: Regions,
    /// The folders asked for so far.
    pub folders: Vec<Folder>,
    /// Names of zones (`zone=NAME:SIZE`), each with the directive that it was declared by.
    pub zones: HashMap<String, &'static str>,
    shared: HashMap<TypeId, Rc<dyn Any>>,
    /// What opens sockets of its own beside those of clients.
    pub connects: Option<&'static str>,
}

impl<'a> Setup<'a> {
    /// Nothing asked for yet.
    pub fn new(env: &'a Env<'a>, workers: usize) -> Setup<'a> {
        Setup {
            env,
            workers,
            listeners: Vec::new(),
            addresses: HashSet::new(),
            logs: Logs::default(),
            regions: Regions::default(),
            folders: Vec::new(),
            zones: HashMap::new(),
            shared: HashMap::new(),
            connects: None,
        }
    }

    /// Asks for a listening socket on which `scheme` is spoken. Two modules cannot have the same.
    pub fn listen(
        &mut self,
        address: Address,
        options: Options,
        scheme: &'static str,
    ) -> Result<(), conf::Error> {
        if !self.addresses.insert(address.clone()) {
            return Err(conf::Error::new(format!("duplicate listen {address}")));
        }
        self.listeners.push(Request { address, options, scheme });
        Ok(())
    }

    /// Says that requests open sockets of their own (`rt::connect`): a worker may have as many of them as
    /// `worker_connections`, and needs descriptors for both. `what` it is, for a warning.
    pub fn connects(&mut self, what: &'static str) {
        self.connects.get_or_insert(what);
    }

    /// What modules of this configuration have together, named by its type: made when it is first asked for.
    pub fn shared<T: Default + 'static>(&mut self) -> Rc<T> {
        let known = self.shared.entry(TypeId::of::<T>()).or_insert_with(|| Rc::<T>::default());
        known.clone().downcast().expect("it was made by its type")
    }

    /// Asks for a log file.
    pub fn log_file(&mut self, path: PathBuf) -> Rc<LogFile> {
        self.logs.file(path)
    }

    /// Asks for shared memory: what is opened is put into the slot before `opened` is called.
    pub fn region(&mut self, wanted: Wanted) -> Slot {
        self.regions.want(wanted)
    }

    /// Asks for a folder.
    pub fn folder(&mut self, folder: Folder) {
        if !self.folders.iter().any(|known| known.path == folder.path) {
            self.folders.push(folder);
        }
    }

    /// Asks for an error log.
    pub fn error_log(&mut self, target: Target, level: Level) -> Arc<Log> {
        let log = Arc::new(Log::new(target, level));
        self.logs.error_log(log.clone());
        log
    }
}
