//! What can go wrong.

use std::fmt;
use std::io;

use crate::device::Device;
use crate::header::{Front, Header};

/// Why nothing was appended.
#[derive(Debug)]
pub enum Error {
    /// The system refused something.
    System(io::Error),
    /// The record is larger than [`Log::largest`](crate::Log::largest), or its channel's name is too long.
    TooLarge,
    /// [`Log::sync`](crate::Log::sync) must be called, without the lock; then it can be tried again.
    Unsynced,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::System(error) => write!(f, "{error}"),
            Error::TooLarge => f.write_str("the message is larger than the zone's file allows"),
            Error::Unsynced => f.write_str("the zone's file must be synced first"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::System(error)
    }
}

/// Why a file is no log.
#[derive(Debug)]
pub enum OpenError {
    /// The system refused something.
    System(io::Error),
    /// It is empty, or all zero: as good as new.
    Blank,
    /// It is another program's.
    Foreign,
    /// Another version of rserve has made it.
    Version(u32),
    /// It is ours, and both pages of its header are damaged.
    Broken,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::System(error) => write!(f, "{error}"),
            OpenError::Blank => f.write_str("it is empty"),
            OpenError::Foreign => f.write_str("it is the file of another program"),
            OpenError::Version(version) => {
                write!(f, "it was made by another version of rserve (its form is {version})")
            }
            OpenError::Broken => f.write_str("its header is damaged, nothing of it can be read"),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> OpenError {
        OpenError::System(error)
    }
}

impl OpenError {
    /// The header of a device, and whether both pages of it are valid.
    pub(crate) fn front(device: &impl Device) -> Result<(Header, bool), OpenError> {
        match Front::read(device)? {
            Front::Ours(header, both) => Ok((header, both)),
            Front::Broken => Err(OpenError::Broken),
            Front::Other(version) => Err(OpenError::Version(version)),
            Front::Blank => Err(OpenError::Blank),
            Front::Foreign => Err(OpenError::Foreign),
        }
    }
}
