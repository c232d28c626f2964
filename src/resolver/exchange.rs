//! One question to one server: a datagram, and a connection if the answer does not fit into one (RFC 1035 §4.2, RFC 7766).
//!
//! Who cannot see the question cannot forge an answer to it, but by chance: each has a socket of its own, whose port the kernel
//! draws, and an id (RFC 5452). What is sent from elsewhere does not reach a socket that is connected.

use std::io::{self, ErrorKind, IoSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::rc::Rc;

use rt::Socket;
use sys::socket::{Address, Peer};

use crate::failure::Failure;
use crate::message::{Answer, Query, Records};

/// The longest datagram that is taken: nginx's. Whoever keeps to RFC 1035 sends 512 bytes.
const DATAGRAM: usize = 4096;
/// Datagrams that are no answer to the question: after so many somebody tries to find out the id.
const MOST_UNFIT: usize = 100;

/// What a server says.
pub(crate) type Said = Result<Records, Failure>;

/// A question that was sent.
pub(crate) struct Sent {
    server: SocketAddr,
    query: Rc<Query>,
    id: u16,
    socket: Socket,
}

/// Asks a server. The error is this system's, or tells that there is no way to that server.
pub(crate) fn send(server: SocketAddr, query: Rc<Query>) -> io::Result<Sent> {
    let id = draw_id();
    let question = query.write(id)?;
    let socket = rt::adopt(connected(server)?.into(), Peer::Inet(server))?;
    socket.write(&[IoSlice::new(&question)], false)?;
    Ok(Sent { server, query, id, socket })
}

impl Sent {
    /// Waits until the server answers; the wait for a connection, and on it, ends after `ms` milliseconds.
    pub async fn answer(self, ms: u64) -> io::Result<Said> {
        let answer = match self.datagram().await? {
            Answer::Truncated => by_connection(self.server, &self.query, ms).await?,
            answer => answer,
        };
        match answer {
            Answer::Truncated => Err(error("an answer over TCP is truncated")),
            Answer::Failed(why) => Ok(Err(why)),
            Answer::Records(records) => Ok(Ok(records)),
        }
    }

    async fn datagram(&self) -> io::Result<Answer> {
        let mut unfit = 0;
        while unfit < MOST_UNFIT {
            match self.take() {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => unfit += 1,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.socket.readable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Err(error("too many datagrams answer something else"))
    }

    /// Takes a datagram. `None`: it is no answer to this.
    fn take(&self) -> io::Result<Option<Answer>> {
        let mut datagram = [0; DATAGRAM];
        let count = self.socket.try_read(|fd| sys::stream::recv(fd, &mut datagram))?;
        Ok(self.query.read(self.id, &datagram[..count]))
    }
}

fn error(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

/// A socket with a port that the kernel draws, for datagrams of that server alone.
fn connected(server: SocketAddr) -> io::Result<UdpSocket> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = sys::descriptors::retry(|| UdpSocket::bind((any, 0)))?;
    socket.connect(server)?;
    Ok(socket)
}

/// The length stands before a message, in two bytes.
async fn by_connection(server: SocketAddr, query: &Query, ms: u64) -> io::Result<Answer> {
    let id = draw_id();
    let question = query.write(id)?;
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    let socket = rt::connect(&Address::Inet(server), ms).await?;
    socket.set_timeout(ms);
    socket.write_all(&[&length.to_be_bytes(), &question[..]].concat()).await?;
    let mut length = [0; 2];
    read_exact(&socket, &mut length).await?;
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    read_exact(&socket, &mut message).await?;
    query.read(id, &message).ok_or_else(|| error("what has come over TCP answers something else"))
}

async fn read_exact(socket: &Socket, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        match socket.read_some(buffer).await? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => buffer = &mut buffer[count..],
        }
    }
    Ok(())
}

fn draw_id() -> u16 {
    let mut id = [0; 2];
    sys::random::fill(&mut id);
    u16::from_ne_bytes(id)
}
