//! Listening sockets and the connections they accept.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, TcpKeepalive, Type};

use crate::unix::{Identity, SocketFile};

/// What a socket is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// An IP address and port of TCP.
    Inet(SocketAddr),
    /// The same of UDP.
    Datagrams(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Address::Inet(address) | Address::Datagrams(address)
                if address.is_ipv4() && address.ip().is_unspecified() =>
            {
                write!(f, "0.0.0.0:{}", address.port())
            }
            Address::Inet(address) | Address::Datagrams(address) => write!(f, "{address}"),
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Options of a listening socket (nginx's `listen` parameters of the same names).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Length of the queue of connections not yet accepted.
    pub backlog: i32,
    /// A socket for each worker (`SO_REUSEPORT`).
    pub reuseport: bool,
    /// Accept only once data has come (`TCP_DEFER_ACCEPT`).
    pub deferred: bool,
    /// Queue of TCP Fast Open.
    pub fastopen: Option<i32>,
    /// Connections over several paths at once (Multipath TCP).
    pub multipath: bool,
    /// TCP keep-alive: `Some(None)` is on with the system's times.
    pub so_keepalive: Option<Keepalive>,
    /// An IPv6 socket takes IPv6 only.
    pub ipv6only: bool,
    /// `SO_RCVBUF` in bytes.
    pub rcvbuf: Option<usize>,
    /// `SO_SNDBUF` in bytes.
    pub sndbuf: Option<usize>,
    /// Accepted connections send small segments at once (`TCP_NODELAY`, inherited from here).
    pub nodelay: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            backlog: 511,
            reuseport: false,
            deferred: false,
            fastopen: None,
            multipath: false,
            so_keepalive: None,
            ipv6only: true,
            rcvbuf: None,
            sndbuf: None,
            nodelay: true,
        }
    }
}

/// TCP keep-alive settings; `None` leaves the system's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Keepalive {
    /// On or off.
    pub on: bool,
    /// Idle time before the first probe, seconds.
    pub idle: Option<u64>,
    /// Time between probes, seconds.
    pub interval: Option<u64>,
    /// Probes before the connection is given up.
    pub count: Option<u32>,
}

/// A socket that listens.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    file: Option<SocketFile>,
}

impl Listener {
    /// Binds to `address` and listens.
    pub fn bind(address: &Address, options: &Options) -> io::Result<Listener> {
        let (domain, kind, name) = parts(address)?;
        let inet = matches!(address, Address::Inet(_));
        let protocol = (inet && options.multipath).then_some(Protocol::MPTCP);
        let socket = Socket::new(domain, kind.nonblocking().cloexec(), protocol)?;
        if let Address::Inet(inet) | Address::Datagrams(inet) = address {
            // Of UDP that would let two servers have one address.
            socket.set_reuse_address(matches!(address, Address::Inet(_)))?;
            socket.set_reuse_port(options.reuseport)?;
            if inet.is_ipv6() {
                socket.set_only_v6(options.ipv6only)?;
            }
        }
        socket.bind(&name)?;
        let file = match address {
            Address::Unix(path) => Some(SocketFile::at(path)?),
            Address::Inet(_) | Address::Datagrams(_) => None,
        };
        let listener = Listener { socket, file };
        listener.open(address, options).inspect_err(|_| {
            listener.file.iter().for_each(SocketFile::remove);
        })?;
        Ok(listener)
    }

    fn open(&self, address: &Address, options: &Options) -> io::Result<()> {
        if let Address::Unix(path) = address {
            // Everybody may connect, as with nginx; the directory's mode is the place to restrict.
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
        }
        self.configure(address, options)?;
        if let Address::Datagrams(inet) = address {
            return match inet.ip().is_unspecified() {
                true => tell_destination(self.socket.as_raw_fd(), *inet),
                false => Ok(()),
            };
        }
        self.socket.listen(options.backlog)
    }

    /// The file of a Unix socket, if this process knows which one was made for it.
    pub fn file(&self) -> Option<&SocketFile> {
        self.file.as_ref()
    }

    /// Applies the options that may change while the socket listens.
    pub fn configure(&self, address: &Address, options: &Options) -> io::Result<()> {
        if let Some(size) = options.rcvbuf {
            self.socket.set_recv_buffer_size(size)?;
        }
        if let Some(size) = options.sndbuf {
            self.socket.set_send_buffer_size(size)?;
        }
        if let Address::Datagrams(_) = address {
            self.socket.set_reuse_port(options.reuseport)?;
        }
        if let Address::Inet(_) = address {
            // Also of a socket that listens already: the others of its address need it.
            self.socket.set_reuse_port(options.reuseport)?;
            self.socket.set_tcp_nodelay(options.nodelay)?;
            self.keepalive(options.so_keepalive.unwrap_or_default())?;
            self.tcp_option(libc::TCP_DEFER_ACCEPT, i32::from(options.deferred))?;
            if let Some(queue) = options.fastopen {
                self.tcp_option(libc::TCP_FASTOPEN, queue)?;
            }
        }
        Ok(())
    }

    /// Changes the length of the accept queue of a listening socket.
    pub fn set_backlog(&self, backlog: i32) -> io::Result<()> {
        self.socket.listen(backlog)
    }

    fn keepalive(&self, keepalive: Keepalive) -> io::Result<()> {
        self.socket.set_keepalive(keepalive.on)?;
        let mut times = TcpKeepalive::new();
        if let Some(idle) = keepalive.idle {
            times = times.with_time(Duration::from_secs(idle));
        }
        if let Some(interval) = keepalive.interval {
            times = times.with_interval(Duration::from_secs(interval));
        }
        if let Some(count) = keepalive.count {
            times = times.with_retries(count);
        }
        match keepalive.on {
            true => self.socket.set_tcp_keepalive(&times),
            false => Ok(()),
        }
    }

    fn tcp_option(&self, option: i32, value: i32) -> io::Result<()> {
        set_option(self.socket.as_raw_fd(), libc::IPPROTO_TCP, option, value)
    }

    /// Takes over a descriptor that another process bound: an upgrade's predecessor, which says which
    /// file it made for a Unix socket. `None` if it is neither a listening stream socket nor one of UDP.
    pub fn inherit(fd: RawFd, file: Option<Identity>) -> Option<(Address, Listener)> {
        let mut listening: i32 = 0;
        let mut size = size_of::<i32>() as libc::socklen_t;
        let value = (&raw mut listening).cast();
        // SAFETY: `value` and `size` describe `listening`, alive for the call.
        let result = unsafe {
            libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_ACCEPTCONN, value, &mut size)
        };
        if result < 0 {
            return None;
        }
        // SAFETY: the kernel just confirmed a socket of that number; the predecessor gave it to us.
        let socket = Socket::from(unsafe { OwnedFd::from_raw_fd(fd) });
        socket.set_cloexec(true).ok()?;
        let is_datagrams = socket.r#type().ok()? == Type::DGRAM;
        let address = match address(&socket.local_addr().ok()?)? {
            Address::Inet(inet) if is_datagrams => Address::Datagrams(inet),
            address if listening != 0 => address,
            _ => return None,
        };
        let file = match (&address, file) {
            (Address::Unix(path), Some(file)) => Some(SocketFile::known(path.clone(), file)),
            _ => None,
        };
        Some((address, Listener { socket, file }))
    }

    /// A second handle on the same socket.
    pub fn try_clone(&self) -> io::Result<Listener> {
        Ok(Listener { socket: self.socket.try_clone()?, file: self.file.clone() })
    }

    /// What it is bound to (the port that the system chose for port 0).
    pub fn address(&self) -> Option<Address> {
        address(&self.socket.local_addr().ok()?)
    }
}

fn parts(address: &Address) -> io::Result<(Domain, Type, SockAddr)> {
    Ok(match address {
        Address::Inet(inet) => (Domain::for_address(*inet), Type::STREAM, SockAddr::from(*inet)),
        Address::Datagrams(inet) => {
            (Domain::for_address(*inet), Type::DGRAM, SockAddr::from(*inet))
        }
        Address::Unix(path) => (Domain::UNIX, Type::STREAM, SockAddr::unix(path)?),
    })
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

fn address(name: &SockAddr) -> Option<Address> {
    match name.as_socket() {
        Some(inet) => Some(Address::Inet(inet)),
        None => name.as_pathname().map(|path| Address::Unix(path.to_owned())),
    }
}

/// Who is at the other end of an accepted connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// An IP address and port.
    Inet(SocketAddr),
    /// A Unix socket's client has no address.
    Unix,
    /// It cannot be told: the connection is gone, or its address is of no family that we know.
    Unknown,
}

impl Peer {
    /// The IP address, if there is one; an IPv4 address mapped into IPv6 comes out as IPv4.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Peer::Inet(address) => Some(address.ip().to_canonical()),
            Peer::Unix | Peer::Unknown => None,
        }
    }
}

impl std::fmt::Display for Peer {
    /// The address without its port, as `$remote_addr` shows it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Peer::Inet(address) => write!(f, "{}", address.ip()),
            Peer::Unix => f.write_str("unix:"),
            Peer::Unknown => f.write_str("unknown"),
        }
    }
}

/// Accepts one connection, non-blocking and closed on exec; the descriptor is the caller's.
pub fn accept(listener: RawFd) -> io::Result<(RawFd, Peer)> {
    crate::descriptors::retry(|| accept_once(listener))
}

fn accept_once(listener: RawFd) -> io::Result<(RawFd, Peer)> {
    // SAFETY: an all-zero `sockaddr_storage` is a valid value of that plain structure.
    let mut storage: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let mut len = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    let name = (&raw mut storage).cast::<libc::sockaddr>();
    // SAFETY: `name` and `len` describe `storage`, alive for the call.
    let fd = unsafe { libc::accept4(listener, name, &mut len, flags) };
    crate::file::check(fd)?;
    Ok((fd, peer(&storage)))
}

pub(crate) fn peer(storage: &libc::sockaddr_storage) -> Peer {
    let base = std::ptr::from_ref(storage);
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says so, and sockaddr_storage is large and aligned enough.
            let v4 = unsafe { &*base.cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Peer::Inet(SocketAddr::new(ip.into(), u16::from_be(v4.sin_port)))
        }
        libc::AF_INET6 => {
            // SAFETY: the family says so, and sockaddr_storage is large and aligned enough.
            let v6 = unsafe { &*base.cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Peer::Inet(SocketAddr::new(ip.into(), u16::from_be(v6.sin6_port)))
        }
        libc::AF_UNIX => Peer::Unix,
        _ => Peer::Unknown,
    }
}

/// Begins to connect to an address. The socket becomes writable when that has come to its end;
/// [`take_error`] tells how.
pub fn connect(address: &Address, from: Option<SocketAddr>) -> io::Result<OwnedFd> {
    let (domain, kind, name) = parts(address)?;
    let kind = kind.nonblocking().cloexec();
    let socket = crate::descriptors::retry(|| Socket::new(domain, kind, None))?;
    if matches!(address, Address::Inet(_)) {
        socket.set_tcp_nodelay(true)?;
    }
    if let (Address::Inet(_) | Address::Datagrams(_), Some(from)) = (address, from) {
        bind_from(&socket, from)?;
    }
    match socket.connect(&name) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(OwnedFd::from(socket)),
    }
}

/// Gives a socket that is about to be connected an address of this machine. Which port it has is decided when it is connected: the
/// same one serves for several peers. The error is [`io::ErrorKind::Other`]: whoever is connected to has no part in it.
fn bind_from(socket: &Socket, from: SocketAddr) -> io::Result<()> {
    if from.port() == 0 {
        // A kernel without it decides now.
        let _ = set_option(socket.as_raw_fd(), libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, 1);
    }
    socket.bind(&SockAddr::from(from)).map_err(|error| {
        io::Error::other(format!("bind({from}) failed {}", crate::log::errno(&error)))
    })
}

/// Has the socket tell to which address datagrams were sent: of a wildcard address nobody knows else.
pub(crate) fn tell_destination(fd: RawFd, address: SocketAddr) -> io::Result<()> {
    match address.is_ipv4() {
        true => set_option(fd, libc::IPPROTO_IP, libc::IP_PKTINFO, 1),
        false => set_option(fd, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1),
    }
}

/// What became of a socket, if that is an error (`SO_ERROR`).
pub fn take_error(fd: RawFd) -> io::Result<()> {
    // SAFETY: the caller holds the socket open for the duration of the call.
    let fd = unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) };
    socket2::SockRef::from(&fd).take_error()?.map_or(Ok(()), Err)
}

/// The local address of a connection (`$server_addr` on a wildcard listener).
pub fn local_address(fd: RawFd) -> Option<Address> {
    // SAFETY: the caller holds the connection open for the duration of the call.
    let fd = unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) };
    address(&socket2::SockRef::from(&fd).local_addr().ok()?)
}

/// `TCP_NODELAY` of one connection.
pub fn set_nodelay(fd: RawFd, on: bool) -> io::Result<()> {
    set_option(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, i32::from(on))
}

/// `SO_KEEPALIVE` of one connection.
pub fn set_keepalive(fd: RawFd, on: bool) -> io::Result<()> {
    set_option(fd, libc::SOL_SOCKET, libc::SO_KEEPALIVE, i32::from(on))
}

/// `TCP_USER_TIMEOUT`: how many milliseconds sent data may stay unacknowledged before the connection is
/// given up.
pub fn set_user_timeout(fd: RawFd, ms: u32) -> io::Result<()> {
    let value = ms.min(i32::MAX as u32) as i32;
    set_option(fd, libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, value)
}

fn set_option(fd: RawFd, level: i32, option: i32, value: i32) -> io::Result<()> {
    let pointer = std::ptr::from_ref(&value).cast();
    let size = size_of::<i32>() as libc::socklen_t;
    // SAFETY: `pointer` and `size` describe `value`, alive for the call.
    crate::file::check(unsafe { libc::setsockopt(fd, level, option, pointer, size) })?;
    Ok(())
}
/// What the kernel tells of a TCP connection (`tcp(7)`, `TCP_INFO`): times in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct TcpInfo {
    /// To the other end and back.
    pub rtt: u32,
    /// How much that varies.
    pub rttvar: u32,
    /// The congestion window, in segments.
    pub snd_cwnd: u32,
    /// Room for what is received.
    pub rcv_space: u32,
}

/// Of a connection; `None`: it is none of TCP.
pub fn tcp_info(fd: RawFd) -> Option<TcpInfo> {
    // SAFETY: an all-zero `tcp_info` is a valid value of that plain structure.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut size = size_of::<libc::tcp_info>() as libc::socklen_t;
    let value = (&raw mut info).cast();
    // SAFETY: `value` and `size` describe `info`, alive for the call.
    let result =
        unsafe { libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, value, &mut size) };
    (result == 0).then_some(TcpInfo {
        rtt: info.tcpi_rtt,
        rttvar: info.tcpi_rttvar,
        snd_cwnd: info.tcpi_snd_cwnd,
        rcv_space: info.tcpi_rcv_space,
    })
}
