//! A client's connection: its first message is read, the server is chosen that it asks for, and the rest is rustls'.

use std::any::Any;
use std::cell::Cell;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::Arc;

use proto::tls::Parsed;
use rt::{Conn, Layer};
use rustls::pki_types::DnsName;
use rustls::server::UnbufferedServerConnection;
use rustls::{CommonState, ServerConfig};

use crate::choice::{Choice, Chosen};
use crate::clients::Clients;
use crate::fresh::ACME_TLS;
use crate::issuers::Inquiry;
use crate::named::Asked;
use crate::offer::Offer;
use crate::records::Records;
use crate::side::Side;
use crate::verdict::Verdict;

/// A client's first message is no longer than that.
const LONGEST_HELLO: usize = 64 << 10;
/// Handshakes may take so long, in microseconds, of what the loop takes for one millisecond of its clock; then the others have
/// their turn.
const TURN_US: u64 = 4000;

/// As it stands in a hello.
const TLS12: u16 = 0x0303;

/// Alerts (RFC 8446 §6).
const FATAL: u8 = 2;
const DECODE_ERROR: u8 = 50;
const PROTOCOL_VERSION: u8 = 70;
const UNRECOGNIZED_NAME: u8 = 112;

thread_local! {
    /// The loop's millisecond, and the time that handshakes took in it.
    static SPENT: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// The server's half of an encrypted connection.
pub struct Session {
    choice: &'static dyn Choice,
    chosen: Option<Chosen>,
    /// What the client has offered, if the listener wants to know.
    offer: Option<Box<Offer>>,
    /// The name that the client asked for.
    server_name: Option<Box<str>>,
    /// The client only looks whether the name is ours (RFC 8737): nothing is said behind the handshake.
    is_proof: bool,
    /// What was said last to the client's certificate, and who said it.
    pub(crate) judged: Cell<Option<(&'static Clients, Verdict)>>,
    /// Issuers are asked about the client's certificates, as the server says that was chosen.
    pub(crate) inquiry: Option<Inquiry>,
    /// Our half of the socket is to be closed.
    shuts: bool,
    state: State,
}

pub(crate) enum State {
    /// What has come of the first message, and how much it has at least.
    Hello(Vec<u8>, usize),
    /// It is there, and waits for its turn.
    Waits(Box<Records<UnbufferedServerConnection>>),
    Tls(Box<Records<UnbufferedServerConnection>>),
    /// What came is no TLS: it goes through as it is, behind what was read.
    Plain(Vec<u8>),
    Refused,
}

impl Session {
    /// Of a connection that was accepted, and of which so much has been read.
    pub fn new(choice: &'static dyn Choice, read: Vec<u8>) -> Session {
        let state = State::Hello(read, 0);
        Session {
            choice,
            chosen: None,
            offer: None,
            server_name: None,
            is_proof: false,
            judged: Cell::new(None),
            inquiry: None,
            shuts: false,
            state,
        }
    }

    /// What the listener calls the server that was chosen.
    pub fn server(&self) -> Option<&'static dyn Any> {
        self.chosen.map(|chosen| chosen.server)
    }

    /// The name that the client asked for.
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// Whether the client speaks without encryption.
    pub fn is_plain(&self) -> bool {
        matches!(self.state, State::Plain(_))
    }

    /// The protocol inside, if one was agreed on.
    pub fn protocol(&self) -> Option<&[u8]> {
        self.common()?.alpn_protocol()
    }

    /// Whether the handshake is complete, or so far that a request has come.
    pub fn is_established(&self) -> bool {
        match &self.state {
            State::Tls(records) => records.is_open() && !self.is_asking(),
            State::Plain(_) => true,
            State::Hello(..) | State::Waits(_) | State::Refused => false,
        }
    }

    /// Whether there is something to read that needs no socket.
    pub(crate) fn has_plain(&self) -> bool {
        matches!(&self.state, State::Tls(records) if records.has_plain())
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn chosen(&self) -> Option<Chosen> {
        self.chosen
    }

    /// What the client has offered, if the listener wants to know.
    pub fn offer(&self) -> Option<&Offer> {
        self.offer.as_deref()
    }

    pub(crate) fn common(&self) -> Option<&CommonState> {
        match &self.state {
            State::Tls(records) => Some(records.side.common()),
            _ => None,
        }
    }

    pub(crate) fn records(&mut self) -> io::Result<&mut Records<UnbufferedServerConnection>> {
        match &mut self.state {
            State::Tls(records) => Ok(records),
            _ => Err(ErrorKind::NotConnected.into()),
        }
    }

    /// Reads on in the first message.
    fn read_hello(&mut self, conn: Conn) -> io::Result<()> {
        while let State::Hello(bytes, wanted) = &mut self.state {
            while bytes.len() < *wanted {
                read_more(conn, bytes)?;
            }
            match proto::tls::parse(bytes, LONGEST_HELLO) {
                Parsed::Incomplete { least } => *wanted = least,
                Parsed::NotTls { looks_like_http } => {
                    let bytes = std::mem::take(bytes);
                    self.state = match looks_like_http && self.choice.takes_plain(conn) {
                        true => State::Plain(bytes),
                        false => State::Refused,
                    };
                }
                Parsed::Invalid(fault) => {
                    self.alert(conn, DECODE_ERROR);
                    return Err(io::Error::new(ErrorKind::InvalidData, fault));
                }
                Parsed::Hello(hello) if hello.version() < TLS12 => {
                    drop(hello);
                    self.alert(conn, PROTOCOL_VERSION);
                    return Err(refused("unsupported protocol"));
                }
                Parsed::Hello(hello) => {
                    let name = hello.server_name().map(str::to_ascii_lowercase);
                    self.server_name = name.map(String::into_boxed_str);
                    let again = hello.pre_shared_key;
                    let proof = hello.alpn().eq([ACME_TLS]);
                    self.offer = self.choice.keeps_offers().then(|| Box::new(Offer::of(&hello)));
                    drop(hello);
                    let bytes = std::mem::take(bytes);
                    self.choose(conn, bytes, again, proof)?;
                }
            }
        }
        Ok(())
    }

    /// Refuses the handshake, before there is anything that is encrypted.
    fn alert(&mut self, conn: Conn, alert: u8) {
        let record = [21, 3, 3, 0, 2, FATAL, alert];
        let _ = conn.write(&[IoSlice::new(&record)], false);
        self.state = State::Refused;
    }

    /// `again`: it has a session to go on with; `proof`: it looks whether the name is ours.
    fn choose(&mut self, conn: Conn, bytes: Vec<u8>, again: bool, proof: bool) -> io::Result<()> {
        let name = self.server_name.as_deref();
        // What is none of DNS may be anything.
        let known = name.filter(|name| DnsName::try_from(*name).is_ok());
        let known = known.map_or("", |name| name.trim_end_matches('.'));
        let asked = Asked { conn, listener: self.choice, name: known };
        self.chosen = self.choice.choose(conn, name);
        let proofs = self.chosen.and_then(|chosen| chosen.tls.proofs()).filter(|_| proof);
        self.is_proof = proofs.is_some();
        let config = |chosen: Chosen| match proofs {
            Some(config) => Some(config.clone()),
            None => chosen.tls.config(chosen.protocols, again, &asked),
        };
        let chosen = self.chosen.and_then(|chosen| Some((chosen.tls, config(chosen)?)));
        let Some((tls, config)) = chosen else {
            self.alert(conn, UNRECOGNIZED_NAME);
            return Err(refused("the handshake is rejected by the configuration"));
        };
        let side = new_side(config)?;
        self.state = State::Waits(Box::new(Records::new(side, tls.record, bytes)));
        Ok(())
    }

    /// Closes our half of the socket when the word that this is the end is out: the kernel may have had no room for it, and takes
    /// it with a read.
    fn shutdown_if_sent(&mut self, conn: Conn) {
        if self.shuts && !self.has_unsent() {
            self.shuts = false;
            conn.shutdown_write();
        }
    }

    /// The expensive part, if handshakes have not had their share of this turn.
    fn begin(&mut self, conn: Conn) -> io::Result<()> {
        let turn = rt::now();
        let spent = SPENT.get();
        let spent = if spent.0 == turn { spent.1 } else { 0 };
        if spent >= TURN_US {
            return Err(ErrorKind::WouldBlock.into());
        }
        let before = sys::clock::monotonic_us();
        self.state = match std::mem::replace(&mut self.state, State::Refused) {
            State::Waits(records) => State::Tls(records),
            other => other,
        };
        let begun = self.records()?.begin(conn);
        SPENT.set((turn, spent + sys::clock::monotonic_us().saturating_sub(before)));
        begun
    }
}

fn read_more(conn: Conn, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut part = [0; 4096];
    let count = conn.read(&mut part)?;
    if count == 0 {
        return Err(unfinished());
    }
    bytes.extend_from_slice(&part[..count]);
    Ok(())
}

/// The peer has gone in the middle of it.
pub(crate) fn unfinished() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "peer closed connection in SSL handshake")
}

fn new_side(config: Arc<ServerConfig>) -> io::Result<UnbufferedServerConnection> {
    UnbufferedServerConnection::new(config).map_err(io::Error::other)
}

fn refused(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::ConnectionRefused, why)
}

impl Layer for Session {
    fn establish(&mut self, conn: Conn) -> io::Result<()> {
        if let State::Hello(..) = self.state {
            self.read_hello(conn)?;
        }
        if let State::Waits(_) = self.state {
            self.begin(conn)?;
        }
        match &mut self.state {
            State::Tls(records) => {
                records.establish(conn)?;
                if self.is_proof {
                    records.close_notify(conn);
                    let why = "peer has seen that the name is ours, closing connection";
                    return Err(io::Error::new(ErrorKind::UnexpectedEof, why));
                }
                self.ask_issuers(conn)
            }
            State::Plain(_) => Ok(()),
            _ => Err(refused("this is no TLS")),
        }
    }

    fn read(&mut self, conn: Conn, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.is_established() {
            self.establish(conn)?;
        }
        match &mut self.state {
            State::Tls(records) => {
                let read = records.read(conn, buffer);
                self.shutdown_if_sent(conn);
                read
            }
            State::Plain(bytes) if bytes.is_empty() => conn.read(buffer),
            State::Plain(bytes) => {
                let count = bytes.len().min(buffer.len());
                buffer[..count].copy_from_slice(&bytes[..count]);
                bytes.drain(..count);
                Ok(count)
            }
            _ => Err(ErrorKind::NotConnected.into()),
        }
    }

    fn write(&mut self, conn: Conn, buffers: &[IoSlice<'_>], more: bool) -> io::Result<usize> {
        if !self.is_established() {
            self.establish(conn)?;
        }
        match &mut self.state {
            State::Tls(records) => records.write(conn, buffers, more),
            State::Plain(_) => conn.write(buffers, more),
            _ => Err(ErrorKind::NotConnected.into()),
        }
    }

    fn shutdown_write(&mut self, conn: Conn) {
        if let State::Tls(records) = &mut self.state {
            records.close_notify(conn);
        }
        self.shuts = true;
        self.shutdown_if_sent(conn);
    }

    fn close(&mut self, conn: Conn) {
        if let State::Tls(records) = &mut self.state {
            records.close_notify(conn);
            records.discard(conn);
        }
    }

    fn reset_on_close(&mut self, conn: Conn) {
        if let State::Tls(records) = &mut self.state {
            records.break_off();
        }
        conn.reset_on_close();
    }

    fn has_unread(&self) -> bool {
        match &self.state {
            State::Hello(..) | State::Refused => false,
            State::Waits(_) => true,
            State::Tls(records) => records.has_plain() && !self.is_asking(),
            State::Plain(bytes) => !bytes.is_empty(),
        }
    }

    fn has_unsent(&self) -> bool {
        match &self.state {
            State::Tls(records) => records.has_unsent(),
            _ => false,
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
