//! A connection to one of a group's peers on which nothing is asked: one peer after another is tried until one is there.

use std::cell::RefCell;
use std::fmt::Arguments;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::rc::Rc;

use http::{Cause, Error, ErrorPhase, LogLevel};

use sys::socket::Address;

use crate::balance::{Asker, Chooser, Claim, Verdict};
use crate::encryption::Encryption;
use crate::exchange::is_own;
use crate::follow;
use crate::group::Group;
use crate::link::Link;
use crate::pool::{Connection, Identity};
use crate::tries::{Tries, Try};

/// How peers are connected to. Times are milliseconds.
#[derive(Clone, Debug)]
pub struct Connecting {
    /// Until a connection is there.
    pub timeout: u64,
    /// Another peer is tried.
    pub next: bool,
    /// So many at most; 0: all.
    pub next_tries: usize,
    /// None later than that; 0: at any time.
    pub next_timeout: u64,
    /// They carry datagrams.
    pub datagrams: bool,
    /// `SO_KEEPALIVE` of connections.
    pub keepalive: bool,
    /// The address that they come from, if it is another one than the system's choice.
    pub from: Option<SocketAddr>,
    /// What is sent before all else, also before an encryption begins.
    pub preface: Vec<u8>,
    /// How they are encrypted, if they are.
    pub encryption: Option<Encryption>,
}

/// Connects. What each try comes to is noted in `tries`; `log` is told in nginx's words what fails, as long as the newest try is
/// that one. The error is the status for the client.
pub async fn connect(
    group: &Rc<Group>,
    asker: Asker,
    how: &Connecting,
    tries: &RefCell<Tries>,
    log: &dyn Fn(LogLevel, Arguments<'_>),
) -> Result<(Link, Rc<Try>), u16> {
    follow::ready(group).await;
    let mut chooser = Chooser::new(group, asker);
    let most = if how.next_tries == 0 { usize::MAX } else { how.next_tries };
    let (mut left, begun) = (chooser.tries().min(most), rt::now());
    loop {
        let Some(claim) = chooser.next() else {
            tries.borrow_mut().add(group.name.clone()).end();
            log(LogLevel::Error, format_args!("no live upstreams while connecting to upstream"));
            return Err(502);
        };
        let record = tries.borrow_mut().add(claim.peer().name.clone());
        match open(&claim, how).await {
            Ok((identity, connection)) => {
                record.connect.set(Some(record.elapsed()));
                record.sent.set(how.preface.len() as u64);
                claim.succeeded();
                return Ok((Link { connection, identity, claim, group: group.clone() }, record));
            }
            Err(error) => {
                record.end();
                if is_own(&error) {
                    log(LogLevel::Alert, format_args!("{}", told(&error)));
                    return Err(500);
                }
                log(LogLevel::Error, format_args!("{}", told(&error)));
                if claim.failed() == Verdict::IsOut {
                    log(LogLevel::Warn, format_args!("upstream server temporarily disabled"));
                }
            }
        }
        left = left.saturating_sub(1);
        let is_late = how.next_timeout > 0 && rt::now().saturating_sub(begun) >= how.next_timeout;
        if left == 0 || !how.next || is_late {
            return Err(502);
        }
    }
}

async fn open(claim: &Claim, how: &Connecting) -> Result<(Identity, Connection), Error> {
    let address = match claim.peer().address.clone() {
        Address::Inet(address) if how.datagrams => Address::Datagrams(address),
        address => address,
    };
    let identity = Identity { address, encryption: how.encryption.clone() };
    let connection = Connection::open_from(&identity, how.timeout, how.from, &how.preface).await?;
    if how.keepalive {
        // One that has ended already says so soon enough.
        let _ = sys::socket::set_keepalive(connection.socket.fd(), true);
    }
    Ok((identity, connection))
}

/// In nginx's words.
fn told(error: &Error) -> String {
    let at = match error.phase {
        ErrorPhase::Tls => "SSL handshaking to upstream",
        ErrorPhase::Send => "sending PROXY protocol header to upstream",
        _ => "connecting to upstream",
    };
    let what = match (&error.cause, error.phase) {
        (Cause::TimedOut, _) => "upstream timed out (110: Connection timed out)".to_owned(),
        (Cause::Io(error), ErrorPhase::Tls) if error.kind() == ErrorKind::TimedOut => {
            "upstream timed out (110: Connection timed out)".to_owned()
        }
        (Cause::Io(error), ErrorPhase::Tls) => tls::outgoing::failure(error),
        (Cause::Io(error), ErrorPhase::Send) => format!("send() failed {}", sys::log::errno(error)),
        (Cause::Io(error), _) => format!("connect() failed {}", sys::log::errno(error)),
        (cause, _) => cause.to_string(),
    };
    format!("{what} while {at}")
}
