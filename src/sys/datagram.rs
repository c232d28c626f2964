//! Datagrams of many peers at one socket: from where each came, and to which address of this machine.
//!
//! ```text
//! control data (cmsg(3)): a length, level and type of 4 bytes each, then the value
//!   IPPROTO_IP, IP_PKTINFO        interface (4), local address (4), destination (4)          ip(7)
//!   IPPROTO_IPV6, IPV6_PKTINFO    destination (16), interface (4)                           ipv6(7)
//! ```

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::RawFd;

use socket2::SockAddr;

use crate::socket::{Peer, peer};

/// No datagram of IP is longer than that.
pub const LONGEST: usize = 65_535;

/// Bytes before the value.
const HEAD: usize = size_of::<libc::cmsghdr>();
const WORD: usize = size_of::<usize>();

/// Room for one value, where the kernel wants it.
#[repr(align(8))]
struct Control([u8; 64]);

/// A datagram that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// How long it is.
    pub len: usize,
    /// Who sent it.
    pub peer: Peer,
    /// The address that it was sent to, if the socket was asked to tell.
    pub local: Option<IpAddr>,
}

/// The next datagram. What is longer than `buffer` is cut.
pub fn receive(fd: RawFd, buffer: &mut [u8]) -> io::Result<Received> {
    // SAFETY: all-zero values are valid of these plain structures.
    let (mut name, mut message): (libc::sockaddr_storage, libc::msghdr) =
        unsafe { std::mem::zeroed() };
    let mut control = Control([0; 64]);
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    message.msg_name = (&raw mut name).cast();
    message.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len() as _;
    // SAFETY: `message` describes `name`, `buffer` and `control`, which are alive for the call and nobody else's.
    let len = unsafe { libc::recvmsg(fd, &mut message, 0) };
    if len < 0 {
        return Err(io::Error::last_os_error());
    }
    let control = &control.0[..message.msg_controllen.min(control.0.len())];
    Ok(Received { len: len as usize, peer: peer(&name), local: destination(control) })
}

/// Sends a datagram, from this address of the machine if one is given.
pub fn send(fd: RawFd, bytes: &[u8], to: SocketAddr, from: Option<IpAddr>) -> io::Result<usize> {
    let name = SockAddr::from(to);
    let mut control = Control([0; 64]);
    let used = from.map_or(0, |from| write_source(from, &mut control.0));
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: an all-zero `msghdr` is a valid value of that plain structure.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_name = name.as_ptr().cast_mut().cast();
    message.msg_namelen = name.len();
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    if used > 0 {
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = used as _;
    }
    // SAFETY: `message` describes `name`, `bytes` and `control`, which are alive for the call; the kernel writes to none of them.
    let len = unsafe { libc::sendmsg(fd, &message, libc::MSG_NOSIGNAL) };
    if len < 0 { Err(io::Error::last_os_error()) } else { Ok(len as usize) }
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

/// The destination that the first piece of control data tells: there is no other that was asked for.
fn destination(control: &[u8]) -> Option<IpAddr> {
    let level = i32::from_ne_bytes(number(control, WORD)?);
    let kind = i32::from_ne_bytes(number(control, WORD + 4)?);
    match (level, kind) {
        (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
            Some(Ipv4Addr::from(number::<4>(control, HEAD + 8)?).into())
        }
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
            Some(Ipv6Addr::from(number::<16>(control, HEAD)?).into())
        }
        _ => None,
    }
}

/// Writes control data that says where a datagram comes from, and gives its length.
fn write_source(from: IpAddr, control: &mut [u8; 64]) -> usize {
    let (level, kind, value) = match from {
        IpAddr::V4(ip) => {
            let mut value = [0; 12];
            value[4..8].copy_from_slice(&ip.octets());
            (libc::IPPROTO_IP, libc::IP_PKTINFO, value.to_vec())
        }
        IpAddr::V6(ip) => {
            let mut value = [0; 20];
            value[..16].copy_from_slice(&ip.octets());
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, value.to_vec())
        }
    };
    let len = HEAD + value.len();
    control[..WORD].copy_from_slice(&len.to_ne_bytes());
    control[WORD..WORD + 4].copy_from_slice(&level.to_ne_bytes());
    control[WORD + 4..HEAD].copy_from_slice(&kind.to_ne_bytes());
    control[HEAD..len].copy_from_slice(&value);
    len.next_multiple_of(WORD)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::fd::AsRawFd;

    use super::*;
    use crate::socket::tell_destination;

    /// A wildcard socket of a family, and one that talks to it at this address.
    fn told(any: &str, to: &str) {
        let socket = UdpSocket::bind((any, 0)).expect("a socket");
        let own = socket.local_addr().expect("an address");
        tell_destination(socket.as_raw_fd(), own).expect("an option");
        let to: IpAddr = to.parse().expect("an address");
        let client = UdpSocket::bind((to, 0)).expect("a socket");
        client.connect((to, own.port())).expect("an address");
        client.send(b"ask").expect("sent");
        let mut buffer = [0; 16];
        let came = receive(socket.as_raw_fd(), &mut buffer).expect("a datagram");
        assert_eq!((&buffer[..came.len], came.local), (&b"ask"[..], Some(to)));
        let Peer::Inet(peer) = came.peer else { panic!("{came:?}") };
        assert_eq!(peer, client.local_addr().expect("an address"));
        // It takes answers of the address alone that it has asked.
        send(socket.as_raw_fd(), b"answer", peer, came.local).expect("sent");
        assert_eq!(client.recv(&mut buffer).expect("an answer"), 6);
    }

    #[test]
    fn answers_come_from_where_was_asked() {
        told("0.0.0.0", "127.0.0.2");
        told("::", "::1");
    }

    #[test]
    fn control_data_that_is_cut() {
        let mut control = [0; 64];
        let len = write_source(Ipv4Addr::LOCALHOST.into(), &mut control);
        for cut in 0..HEAD + 12 {
            assert_eq!(destination(&control[..cut.min(len)]), None, "{cut}");
        }
    }
}
