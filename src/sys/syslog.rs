//! A server of syslog (RFC 3164), by UDP or a Unix socket: a datagram for each line.
//!
//! ```text
//! <190>Nov 29 05:56:17 web1 rserve: a line
//!  ^ facility * 8 + severity           the name of the host may be left out
//! ```
//! Nobody waits for it. A line that cannot be sent is lost; that this happens is told to the error log now and then.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{clock, process};

/// RFC 3164, 4.1.1
pub const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp", "clock", "authpriv",
    "ftp", "ntp", "audit", "alert", "cron", "local0", "local1", "local2", "local3", "local4",
    "local5", "local6", "local7",
];

/// Where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// UDP.
    Inet(SocketAddr),
    /// A datagram socket.
    Unix(PathBuf),
}

/// What is said of all lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where they go.
    pub address: Address,
    /// A number of [`FACILITIES`].
    pub facility: u8,
    /// How much lines matter that do not say it: 0 (the most) to 7, as levels of the error log.
    pub severity: u8,
    /// Who says them.
    pub tag: String,
    /// Lines have the name of this host.
    pub hostname: bool,
}

/// The server.
#[derive(Debug)]
pub struct Syslog {
    settings: Settings,
    /// Of this process: its number, and what it has opened.
    socket: Mutex<Option<(i32, Socket)>>,
    /// When it was last told that lines are lost, in seconds of the monotonic clock and one more.
    told: AtomicU64,
}

#[derive(Debug)]
enum Socket {
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

/// Failures are told once in so many seconds.
const PAUSE: u64 = 60;

impl Syslog {
    /// One to which nothing has been sent.
    pub fn new(settings: Settings) -> Syslog {
        Syslog { settings, socket: Mutex::new(None), told: AtomicU64::new(0) }
    }

    /// What is said of all lines.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Sends a line; without a severity it has the usual one. The error: lines are lost, which is told once in a while.
    pub fn send(&self, severity: Option<u8>, line: &[u8]) -> io::Result<()> {
        let Settings { facility, tag, hostname, .. } = &self.settings;
        let priority =
            u32::from(*facility) * 8 + u32::from(severity.unwrap_or(self.settings.severity));
        let time = clock::local(clock::wall().as_secs()).syslog();
        let host = if *hostname { process::hostname() + " " } else { String::new() };
        let mut datagram = format!("<{priority}>{time} {host}{tag}: ").into_bytes();
        datagram.extend_from_slice(line);
        self.deliver(&datagram).or_else(|error| if self.is_news() { Err(error) } else { Ok(()) })
    }

    /// What was opened is tried, then something new: who listens may have come back at the same place.
    fn deliver(&self, datagram: &[u8]) -> io::Result<()> {
        // Whoever is here already is this thread, telling that this does not work, or another with a line of its own.
        let Ok(mut socket) = self.socket.try_lock() else { return Ok(()) };
        let own = process::pid();
        if let Some((pid, known)) = socket.as_ref()
            && *pid == own
            && known.send(datagram).is_ok()
        {
            return Ok(());
        }
        *socket = None;
        let fresh = Socket::open(&self.settings.address)?;
        fresh.send(datagram)?;
        *socket = Some((own, fresh));
        Ok(())
    }

    /// Whether nobody was told for a while.
    fn is_news(&self) -> bool {
        let now = clock::monotonic_ms() / 1000 + 1;
        let last = self.told.load(Ordering::Relaxed);
        let is_news = last == 0 || now >= last + PAUSE;
        if is_news {
            self.told.store(now, Ordering::Relaxed);
        }
        is_news
    }

    /// `syslog:server=127.0.0.1:514`
    pub fn name(&self) -> String {
        match &self.settings.address {
            Address::Inet(address) => format!("syslog:server={address}"),
            Address::Unix(path) => format!("syslog:server=unix:{}", path.display()),
        }
    }
}

impl PartialEq for Syslog {
    fn eq(&self, other: &Syslog) -> bool {
        self.settings == other.settings
    }
}

impl Eq for Syslog {}

impl Socket {
    fn open(address: &Address) -> io::Result<Socket> {
        match address {
            Address::Inet(address) => {
                let own: SocketAddr = match address.is_ipv4() {
                    true => (Ipv4Addr::UNSPECIFIED, 0).into(),
                    false => (Ipv6Addr::UNSPECIFIED, 0).into(),
                };
                let socket = UdpSocket::bind(own)?;
                socket.set_nonblocking(true)?;
                socket.connect(address)?;
                Ok(Socket::Udp(socket))
            }
            Address::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.set_nonblocking(true)?;
                socket.connect(path)?;
                Ok(Socket::Unix(socket))
            }
        }
    }

    fn send(&self, datagram: &[u8]) -> io::Result<()> {
        let sent = match self {
            Socket::Udp(socket) => socket.send(datagram),
            Socket::Unix(socket) => socket.send(datagram),
        };
        sent.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(address: Address) -> Settings {
        Settings { address, facility: 23, severity: 6, tag: "web".into(), hostname: false }
    }

    #[test]
    fn a_line_is_a_datagram() {
        let server = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let syslog = Syslog::new(settings(Address::Inet(server.local_addr().expect("an address"))));
        syslog.send(None, b"one").expect("sent");
        syslog.send(Some(3), b"two").expect("sent");
        let mut buffer = [0; 100];
        for (start, end) in [("<190>", " web: one"), ("<187>", " web: two")] {
            let count = server.recv(&mut buffer).expect("a datagram");
            let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
            assert!(text.starts_with(start) && text.ends_with(end), "{text}");
            assert_eq!(text.len(), start.len() + "Nov 29 05:56:17".len() + end.len(), "{text}");
        }
    }

    #[test]
    fn who_listens_may_come_back_and_nobody_waits() {
        let path = std::env::temp_dir().join(format!("rserve-syslog-{}", process::pid()));
        let syslog = Syslog::new(settings(Address::Unix(path.clone())));
        assert!(
            syslog.send(None, b"lost").is_err() && syslog.send(None, b"lost").is_ok(),
            "it is told once"
        );
        for round in 0..2 {
            let server = UnixDatagram::bind(&path).expect("a socket");
            syslog.send(None, format!("round {round}").as_bytes()).expect("sent");
            let mut buffer = [0; 100];
            let count = server.recv(&mut buffer).expect("a datagram");
            assert!(buffer[..count].ends_with(format!("round {round}").as_bytes()));
            // Full, it takes no more: those are lost.
            (0..10_000).for_each(|_| drop(syslog.send(None, b"much")));
            std::fs::remove_file(&path).expect("removed");
        }
    }
}
