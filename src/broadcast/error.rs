//! Why nothing was appended.

use std::fmt;
use std::io;

use crate::index::Full;

/// "Input/output error", for errors without a number.
const EIO: i32 = 5;

/// Why nothing was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// It is larger than the zone allows.
    TooLarge,
    /// The zone has no room, and everything in it is being read.
    Busy,
    /// There are as many channels as there may be.
    TooManyChannels,
    /// The channel is another writer's.
    NotOwner,
    /// Another zone has taken this one's place, or is about to.
    Moved,
    /// The zone's file must be synced first: then it can be tried again.
    Unsynced,
    /// The zone's file cannot be written: the system's error number.
    File(i32),
    /// A record of the same key and place has another body.
    OtherBody,
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AppendError::File(errno) => {
                let error = io::Error::from_raw_os_error(*errno);
                return write!(f, "the zone's file cannot be written ({error})");
            }
            AppendError::Unsynced => "the zone's file is being synced",
            AppendError::TooLarge => "the message is larger than the zone allows",
            AppendError::Busy => "the zone has no room",
            AppendError::TooManyChannels => "there are as many channels as there may be",
            AppendError::NotOwner => "the channel is another writer's",
            AppendError::Moved => "the zone is being changed",
            AppendError::OtherBody => "the key has been used for something else",
        })
    }
}

impl std::error::Error for AppendError {}

impl From<Full> for AppendError {
    fn from(_: Full) -> AppendError {
        AppendError::TooManyChannels
    }
}

impl From<wal::Error> for AppendError {
    fn from(error: wal::Error) -> AppendError {
        match error {
            wal::Error::TooLarge => AppendError::TooLarge,
            wal::Error::Unsynced => AppendError::Unsynced,
            wal::Error::System(error) => error.into(),
        }
    }
}

impl From<io::Error> for AppendError {
    fn from(error: io::Error) -> AppendError {
        AppendError::File(error.raw_os_error().unwrap_or(EIO))
    }
}
