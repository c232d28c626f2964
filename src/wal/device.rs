//! Where a log is written to.

use std::io::{self, IoSlice};

/// What the file system tells of a file, which a copy of it has not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    /// The file system's number.
    pub device: u64,
    /// The file's number in it.
    pub inode: u64,
    /// When it was last changed, in nanoseconds since 1970. Nobody can set it.
    pub changed_ns: u64,
}

/// A file, or what the tests have in its place.
pub trait Device {
    /// Its length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether it has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads from `at`; fewer bytes than asked for mean the end.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;

    /// Writes all of `parts` from `at` on.
    fn write_at(&self, parts: &[IoSlice<'_>], at: u64) -> io::Result<()>;

    /// Returns when everything that was written before is on the disk.
    fn sync(&self) -> io::Result<()>;

    /// As [`sync`](Self::sync), and what [`witness`](Self::witness) tells with it.
    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }

    /// What the file system tells of it.
    fn witness(&self) -> io::Result<Witness>;

    /// The wall clock by which the file system dates changes, in nanoseconds since 1970.
    fn now_ns(&self) -> u64 {
        sys::clock::wall().as_nanos() as u64
    }

    /// Names this start of the machine; 0: nobody knows, then it is like no other.
    fn boot(&self) -> u128 {
        let Ok(text) = std::fs::read_to_string("/proc/sys/kernel/random/boot_id") else { return 0 };
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        u128::from_str_radix(&digits, 16).unwrap_or(0)
    }
}
