//! Users and groups by name, and becoming one.

use std::ffi::CString;
use std::io;

use nix::unistd::{Gid, Group, Uid, User, initgroups, setgid, setuid};

/// Whom the workers run as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    name: String,
    uid: Uid,
    gid: Gid,
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

    /// Becomes that user, for good.
    pub fn assume(&self) -> io::Result<()> {
        setgid(self.gid)?;
        initgroups(&CString::new(self.name.as_str())?, self.gid)?;
        setuid(self.uid)?;
        Ok(())
    }

    /// Gives `path` to that user (log files that a worker must reopen).
    pub fn own(&self, path: &std::path::Path) -> io::Result<()> {
        Ok(nix::unistd::chown(path, Some(self.uid), None)?)
    }
}

/// Whether this process may become another user.
pub fn is_root() -> bool {
    Uid::effective().is_root()
}
