//! Users and groups by name, and what belongs to them.

use std::io;
use std::os::unix::fs::MetadataExt;

use nix::unistd::{Gid, Group, Uid, User};

/// Whom the workers run as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub(crate) name: String,
    pub(crate) uid: Uid,
    pub(crate) gid: Gid,
}

impl Identity {
    /// Looks `user` and `group` (default: the group named like the user) up.
    /// The error is which of the two names is unknown, in nginx's words.
    pub fn find(user: &str, group: Option<&str>) -> Result<Identity, String> {
        let found = User::from_name(user).ok().flatten();
        let found = found.ok_or_else(|| format!("getpwnam(\"{user}\") failed"))?;
        let gid = match group {
            None => Group::from_name(user).ok().flatten().map_or(found.gid, |group| group.gid),
            Some(name) => {
                let group = Group::from_name(name).ok().flatten();
                group.ok_or_else(|| format!("getgrnam(\"{name}\") failed"))?.gid
            }
        };
        Ok(Identity { name: user.to_owned(), uid: found.uid, gid })
    }

    /// Gives an open file of ours to that user (a log that a worker must reopen). Another user's stays.
    pub fn own(&self, file: &std::fs::File) -> io::Result<()> {
        let owner = Uid::from_raw(file.metadata()?.uid());
        if owner == self.uid {
            return Ok(());
        }
        if owner != Uid::effective() {
            let message = "it is another user's, and stays so: the workers cannot reopen it";
            return Err(io::Error::other(message));
        }
        Ok(nix::unistd::fchown(file, Some(self.uid), None)?)
    }
}

/// Whether this process may become another user.
pub fn is_root() -> bool {
    Uid::effective().is_root()
}
