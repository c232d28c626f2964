//! A disk that is soon full.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;

/// A file system of half a megabyte. It goes with the value.
pub struct Small(pub PathBuf);

impl Small {
    /// `None`: this user may not mount, and is told that this is not tested.
    #[track_caller]
    pub fn at(path: PathBuf) -> Option<Small> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=500k,mode=777", "small"]).arg(&path);
        let output = mount.output().expect("install mount");
        let mounted = output.status.success();
        if !mounted {
            // What is printed is shown for tests that fail alone.
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            let _ = writeln!(io::stderr(), "\n*** NOT TESTED: this user may not mount: {said}\n");
        }
        mounted.then_some(Small(path))
    }

    /// There is room again.
    #[track_caller]
    pub fn grow(&self) {
        let mut mount = Command::new("mount");
        mount.args(["-o", "remount,size=64m,mode=777"]).arg(&self.0);
        assert!(mount.status().expect("mount").success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
