//! Becoming another user.

use std::ffi::CString;
use std::io;

use nix::unistd::{Uid, getgid, initgroups, setgid, setuid};

use crate::user::Identity;

impl Identity {
    /// Becomes that user, for good. The error names the call that failed.
    pub fn assume(&self) -> Result<(), (String, io::Error)> {
        let failed = |call: String| move |error: nix::Error| (call, io::Error::from(error));
        // No right is needed to stay who one is, and none of its groups is gained by it: without the
        // right to set them (a container without capabilities) that is not an error.
        let stays = Uid::effective() == self.uid && getgid() == self.gid;
        setgid(self.gid).map_err(failed(format!("setgid({})", self.gid)))?;
        let call = format!("initgroups({}, {})", self.name, self.gid);
        let name = CString::new(self.name.as_str()).map_err(|e| (call.clone(), e.into()))?;
        match initgroups(&name, self.gid) {
            Err(error) if stays => {
                let errno = crate::log::errno(&error.into());
                crate::log!(Warn, "{call} failed {errno}, the groups stay as they are");
            }
            result => result.map_err(failed(call))?,
        }
        setuid(self.uid).map_err(failed(format!("setuid({})", self.uid)))
    }
}
