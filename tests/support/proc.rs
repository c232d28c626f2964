//! What `/proc` says of a process.

use std::fs;
use std::path::PathBuf;

fn read(pid: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
}

/// The words of a line of `/proc/PID/status`: `field(pid, "Uid")`.
pub fn field(pid: u32, name: &str) -> Vec<String> {
    let text = read(pid, "status");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// The memory that is the process's own, in kilobytes: not its files, not what it shares.
pub fn memory_kb(pid: u32) -> u64 {
    let value = field(pid, "RssAnon").first().and_then(|number| number.parse().ok());
    value.unwrap_or_else(|| panic!("process {pid} is gone"))
}

/// How many descriptors are open.
pub fn descriptors(pid: u32) -> usize {
    let open = fs::read_dir(format!("/proc/{pid}/fd"));
    open.unwrap_or_else(|e| panic!("process {pid}: {e}")).count()
}

/// The sockets that are open, by their numbers.
pub fn sockets(pid: u32) -> Vec<String> {
    let open = fs::read_dir(format!("/proc/{pid}/fd"));
    let open = open.unwrap_or_else(|e| panic!("process {pid}: {e}"));
    let links = open.filter_map(|link| fs::read_link(link.ok()?.path()).ok());
    let number = |link: PathBuf| {
        Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
    };
    links.filter_map(number).collect()
}

/// How many of its sockets are TCP connections, by IPv4.
pub fn connections(pid: u32) -> usize {
    let table = fs::read_to_string("/proc/net/tcp").expect("a table");
    let open = sockets(pid);
    let is_connection = |line: &&str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let number = fields.get(9).is_some_and(|number| open.iter().any(|open| open == number));
        number && fields.get(3) != Some(&"0A")
    };
    table.lines().filter(is_connection).count()
}

/// What one of the links says: `cwd`, `exe`.
pub fn link(pid: u32, name: &str) -> PathBuf {
    fs::read_link(format!("/proc/{pid}/{name}")).unwrap_or_default()
}

/// The nice value.
pub fn nice(pid: u32) -> Option<i32> {
    let text = read(pid, "stat");
    // The name, in parentheses, may contain anything; behind it stand the fields from the third on.
    text.get(text.rfind(')')? + 1..)?.split_whitespace().nth(16)?.parse().ok()
}

/// The soft limit of a line of `/proc/PID/limits`: `limit(pid, "Max open files")`.
pub fn limit(pid: u32, name: &str) -> Option<u64> {
    let text = read(pid, "limits");
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Milliseconds of a processor that the process has had.
pub fn cpu_ms(pid: u32) -> u64 {
    let text = read(pid, "schedstat");
    let nanoseconds: u64 = text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
    nanoseconds / 1_000_000
}
