//! Telling systemd about our state (`sd_notify(3)`): one datagram to `$NOTIFY_SOCKET`.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Sends `state` (`READY=1`, `RELOADING=1`, `MAINPID=17` …). Does nothing outside systemd; a
/// manager that does not listen is not our problem, so errors are dropped.
pub fn send(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let bytes = path.as_encoded_bytes();
    let address = match bytes.split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(&path),
    };
    if let (Ok(address), Ok(socket)) = (address, UnixDatagram::unbound()) {
        let _ = socket.send_to_addr(state.as_bytes(), &address);
    }
}

/// The notification of a reload's start: systemd wants the monotonic time with it.
pub fn reloading() {
    let micros = crate::clock::monotonic_us();
    send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
}
