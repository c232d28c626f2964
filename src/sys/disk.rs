//! How much room there is on a disk.

use std::io;
use std::path::Path;

/// Bytes that are free for this user on the file system of a path.
pub fn free(path: &Path) -> io::Result<u64> {
    let stat = nix::sys::statvfs::statvfs(path)?;
    Ok(stat.blocks_available().saturating_mul(stat.fragment_size()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room() {
        assert!(free(Path::new("/")).is_ok());
        assert!(free(Path::new("/nowhere/at/all")).is_err());
    }
}
