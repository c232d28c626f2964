//! Which processes have a file open.

use std::fs;
use std::os::unix::fs::MetadataExt;

/// A process, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub pid: u32,
    pub name: String,
}

/// The other processes that have the file of that device and inode; those that this one may look into.
pub(crate) fn of(device: u64, inode: u64) -> Vec<Holder> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut holders: Vec<Holder> = pids
        .filter(|&pid| pid != std::process::id() && has(pid, device, inode))
        .map(|pid| Holder { pid, name: name(pid) })
        .collect();
    holders.sort_by_key(|holder| holder.pid);
    holders
}

fn has(pid: u32, device: u64, inode: u64) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    // `metadata` follows the link; a pipe or a socket has numbers of its own.
    descriptors
        .filter_map(|entry| fs::metadata(entry.path()).ok())
        .any(|found| (found.dev(), found.ino()) == (device, inode))
}

fn name(pid: u32) -> String {
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.trim_end().to_owned()
}
