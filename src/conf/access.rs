//! Who may read and write files that are made, as nginx writes it: `user:rw group:rw all:r`.

use crate::{Error, Setting};

/// The modes of what is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access(u32);

impl Access {
    /// The mode of files.
    pub fn file(self) -> u32 {
        self.0
    }

    /// The mode of directories: who may read one may enter it.
    pub fn directory(self) -> u32 {
        self.0 | (self.0 & 0o444) >> 2
    }
}

impl Setting<'_> {
    /// The arguments as rights; the owner's are `rw` where nothing is said of them.
    pub fn access(&self) -> Result<Access, Error> {
        let (mut access, mut user) = (0, 0o600);
        for (at, word) in self.args().iter().enumerate() {
            let invalid = || self.error_at(at, format!("invalid value \"{word}\""));
            let (who, right) = word.text.split_once(':').ok_or_else(invalid)?;
            let shift = match who {
                "user" => {
                    user = 0;
                    6
                }
                "group" => 3,
                "all" => 0,
                _ => return Err(invalid()),
            };
            let right = match right {
                "rw" => 6,
                "r" => 4,
                _ => return Err(invalid()),
            };
            access |= right << shift;
        }
        Ok(Access(access | user))
    }
}
