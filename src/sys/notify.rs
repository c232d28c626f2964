//! Telling systemd about our state (`sd_notify(3)`): one datagram to `$NOTIFY_SOCKET`.

use std::os::unix::net::UnixDatagram;

/// Sends `state` (`READY=1`, `RELOADING=1`, `MAINPID=17` …). Does nothing outside systemd; a
/// manager that does not listen is not our problem, so errors are dropped, and nobody waits for one
/// whose queue is full.
pub fn send(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = crate::unix::named_address(&path);
    if let (Ok(address), Ok(socket)) = (address, UnixDatagram::unbound())
        && socket.set_nonblocking(true).is_ok()
    {
        let _ = socket.send_to_addr(state.as_bytes(), &address);
    }
}

/// The notification of a reload's start: systemd wants the monotonic time with it.
pub fn reloading() {
    let micros = crate::clock::monotonic_us();
    send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
}
