//! The processes of a server, of all its generations, found by what they have open.

use std::fs;
use std::path::Path;

use support::process;

use crate::target::Target;

/// Those with a file of this directory open. This one looks into it and is none of them.
pub fn all(dir: &Path) -> Vec<u32> {
    let names = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = names.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let inside = |pid: &u32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|path| path.starts_with(dir))
    };
    pids.filter(|&pid| pid != std::process::id()).filter(inside).collect()
}

/// All but the masters, which have children or a pid file.
pub fn workers(target: &dyn Target) -> Vec<u32> {
    let mut found = all(&target.dir());
    let masters: Vec<u32> = target.master().into_iter().collect();
    let parents = found.iter().copied().filter(|&pid| !process::children(pid).is_empty());
    let masters: Vec<u32> = parents.chain(masters).collect();
    found.retain(|pid| !masters.contains(pid));
    found
}

/// What the workers have open, for a complaint.
pub fn open(target: &dyn Target) -> String {
    let of = |pid: u32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let links = open.filter_map(|entry| fs::read_link(entry.path()).ok());
        format!("{pid}: {:?}\n", links.collect::<Vec<_>>())
    };
    workers(target).into_iter().map(of).collect()
}

/// How many descriptors each worker has, in order. One that ends meanwhile has none.
pub fn descriptors(target: &dyn Target) -> Vec<usize> {
    let count = |pid| fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
    let mut counts: Vec<usize> = workers(target).into_iter().map(count).collect();
    counts.sort_unstable();
    counts
}
