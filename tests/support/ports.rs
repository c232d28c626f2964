//! Ports that nobody uses.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which the kernel takes the ports of clients.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

/// A port that is free now, and that no other test of this process gets. Another process may still
/// take it first: whoever binds it must be ready to try again.
pub fn free() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % u32::from(COUNT)) as u16;
    loop {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + start.wrapping_mul(97).wrapping_add(offset) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Ports whose connections are encrypted, by what this run is about.
static ENCRYPTED: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// Connections to this port are encrypted: whoever connects speaks TLS.
pub(crate) fn encrypt(port: u16) {
    ENCRYPTED.lock().expect("no panic").insert(port);
}

/// Whether they are.
pub(crate) fn is_encrypted(port: u16) -> bool {
    ENCRYPTED.lock().expect("no panic").contains(&port)
}

/// Whether someone listens on this port.
pub fn is_listening(port: u16) -> bool {
    let listens = |line: &str| {
        let mut words = line.split_whitespace();
        let local = words.nth(1).and_then(|address| address.rsplit_once(':'));
        let state = words.nth(1);
        local.is_some_and(|(_, hex)| u16::from_str_radix(hex, 16) == Ok(port))
            && state == Some("0A")
    };
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().any(|table| {
        std::fs::read_to_string(table).is_ok_and(|text| text.lines().skip(1).any(listens))
    })
}
