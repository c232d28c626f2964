//! The file of a zone: found and read when the server starts, made when there is none or a zone changes its size.
//! Nothing that is there is touched before it is certain that the configuration serves.

use std::fmt::Display;
use std::fs;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use broadcast::{Former, Zone};
use conf::Error;
use wal::{Device, Durability, File, FileError, Found, Log, NewFile, OpenError};

/// `sync=`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// When the system thinks fit.
    Off,
    /// So many milliseconds after a publication.
    Interval(u64),
    /// Before a publisher is answered.
    Ack,
}

/// Where and how a zone is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileConf {
    /// The file.
    pub path: PathBuf,
    /// When it is synced.
    pub sync: Sync,
}

/// What is done when the configuration has come to serve.
#[derive(Default)]
pub struct Pending {
    new: Option<NewFile>,
    /// What is at the path cannot be used, and stays under a name that ends so.
    aside: Option<(PathBuf, &'static str)>,
    /// Another server must not take it before the new one is in its place.
    former: Former,
    /// Ids are of a new epoch, of which the file does not know.
    begins: bool,
}

impl FileConf {
    /// Names when it is synced: that cannot be changed while it is used.
    pub fn word(&self) -> &'static str {
        match self.sync {
            Sync::Off => "off",
            Sync::Interval(_) => "interval",
            Sync::Ack => "ack",
        }
    }

    /// Whether a descriptor is of the file that is there.
    pub fn is_at(&self, fd: RawFd) -> bool {
        let of = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
        let own = of(Path::new(&format!("/proc/self/fd/{fd}")));
        own.is_some() && own == of(&self.path)
    }

    fn durability(&self) -> Durability {
        match self.sync {
            Sync::Off => Durability::Off,
            Sync::Interval(_) => Durability::Interval,
            Sync::Ack => Durability::Ack,
        }
    }

    fn error(&self, label: &str, error: impl Display) -> Error {
        Error::new(format!("the file of {label} cannot be used: {error}"))
    }

    /// A zone that the binary before has had, and its file.
    pub fn inherit(&self, label: &str, zone: &Zone, fd: OwnedFd) -> Result<(), Error> {
        let shared = zone.share_file(File::inherit(fd), self.durability());
        shared.map_err(|error| self.error(label, error))
    }

    /// Fills a new zone of `len` bytes with what its file has, or makes the file.
    pub fn open(&self, label: &str, zone: &Zone, len: usize) -> Result<Pending, Error> {
        let opened = wal::open_file(&self.path).map_err(|error| self.error(label, error))?;
        let Some(file) = opened else { return self.make(label, zone, len) };
        let same = file.len().map_err(|error| self.error(label, error))? == len as u64;
        let found = match Log::open(file, self.durability()) {
            Ok(found) => found,
            Err(error @ (OpenError::Broken | OpenError::Version(_))) => {
                let path = self.path.display();
                sys::log!(Warn, "\"{path}\" is put aside, {label} begins again: {error}");
                let aside = Some((self.path.clone(), "aside"));
                return Ok(Pending { aside, ..self.make(label, zone, len)? });
            }
            Err(error) => return Err(self.error(label, error)),
        };
        if same {
            // After it was looked at: a file's date tells whether others have written to it.
            let system = |error| FileError::System(self.path.clone(), error);
            found.device().allocate().map_err(|error| self.error(label, system(error)))?;
        }
        self.report(label, &found);
        let begins = !found.certain;
        zone.restore(found, zone.epoch()).map_err(|error| self.error(label, error))?;
        match same {
            true => Ok(Pending { begins, ..Pending::default() }),
            // The records move into a file of the new size; the old one stays until that one is in its place.
            false => self.make(label, zone, len),
        }
    }

    /// Makes a file for a zone that has taken another one's place. What is at the path must be the other one's, or
    /// of its past.
    pub fn replace(
        &self,
        label: &str,
        zone: &Zone,
        before: &Zone,
        len: usize,
    ) -> Result<Pending, Error> {
        if before.file_fd().is_some_and(|fd| self.is_at(fd)) {
            return self.make(label, zone, len);
        }
        let opened = wal::open_file(&self.path).map_err(|error| self.error(label, error))?;
        let Some(file) = opened else { return self.make(label, zone, len) };
        let found = Log::open(file, self.durability()).map_err(|error| self.error(label, error))?;
        let own = found.epoch == zone.epoch() || zone.past_epoch(found.epoch).is_some();
        match own && found.newest <= zone.newest() {
            true => self.make(label, zone, len),
            false => {
                let why = "it has the events of another zone; name another file, or move it away";
                Err(self.error(label, format!("{}: {why}", self.path.display())))
            }
        }
    }

    fn make(&self, label: &str, zone: &Zone, len: usize) -> Result<Pending, Error> {
        let (file, new) = wal::create(&self.path, len as u64).map_err(|e| self.error(label, e))?;
        let former = zone.keep_in(file, self.durability());
        let former = former.map_err(|error| self.error(label, error))?;
        Ok(Pending { new: Some(new), former, ..Pending::default() })
    }

    fn report(&self, label: &str, found: &Found<File>) {
        let (path, records) = (self.path.display(), found.records());
        sys::log!(Notice, "{label}: {records} events are in \"{path}\"");
        if let Some(doubt) = found.doubt {
            sys::log!(
                Warn,
                "{label}: {doubt}: readers who come back are told of a gap ({:?})",
                found.damage
            );
        }
    }
}

impl Pending {
    /// The configuration serves: the file takes its place.
    pub fn install(self, zone: &Zone) -> Result<(), String> {
        if let Some((path, end)) = &self.aside {
            put_aside(path, end).map_err(|e| format!("rename() failed {}", sys::log::errno(&e)))?;
        }
        if self.begins {
            // Were it not on the disk before the first reader has such an id, nobody would know it after a power cut.
            zone.begin_file().map_err(|e| format!("fdatasync() failed {}", sys::log::errno(&e)))?;
        }
        let installed = self.new.map_or(Ok(()), NewFile::install);
        drop(self.former);
        installed.map_err(|error| error.to_string())
    }
}

/// Gives a file a name that nobody has.
fn put_aside(path: &Path, end: &str) -> std::io::Result<()> {
    let mut number = 0;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(if number == 0 { format!(".{end}") } else { format!(".{end}.{number}") });
        match fs::hard_link(path, &name) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            result => return result.and_then(|()| fs::remove_file(path)),
        }
    }
}
