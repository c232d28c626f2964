//! Bytes in memory as a file: what is sent again and again goes from there to sockets without a copy of our own (`sendfile(2)`).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use nix::sys::memfd::{MFdFlags, memfd_create};

/// A file that has these bytes. It is nowhere on a disk, and goes with its last descriptor. The name is for people
/// (`/proc/PID/fd`).
pub fn with(name: &std::ffi::CStr, bytes: &[u8]) -> io::Result<File> {
    let file = File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC)?);
    file.write_all_at(bytes, 0)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_what_was_given() {
        let file = with(c"some bytes", b"abc").expect("a file");
        let mut read = [0; 3];
        file.read_exact_at(&mut read, 0).expect("its bytes");
        assert_eq!((&read, file.metadata().expect("about it").len()), (b"abc", 3));
    }
}
