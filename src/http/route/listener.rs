//! A listening address, the servers behind it, and the trace of its connections.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use rt::Conn;
use sys::log::{Level, Log};
use sys::socket::Address;

use crate::route::addresses::Listening;
use crate::route::hosts::Hosts;
use crate::trace::{Happening, Trace};

/// A listening address and the servers behind it.
pub struct Listener<S> {
    address: Address,
    /// The servers of the address itself.
    hosts: Hosts<S>,
    /// Those of addresses that this wildcard one covers.
    covered: Vec<(Address, Hosts<S>)>,
    trace: Option<Rc<Trace>>,
    ssl: bool,
    keeps_offers: bool,
}

impl<S> Listener<S> {
    /// Of an address, and of those that share its socket.
    pub fn new(own: Listening<S>, covered: Vec<Listening<S>>) -> Listener<S> {
        let ssl = own.hosts.ssl || covered.iter().any(|covered| covered.hosts.ssl);
        let covered = covered.into_iter().map(|covered| (covered.address, covered.hosts)).collect();
        let (address, hosts) = (own.address, own.hosts);
        Listener { address, hosts, covered, trace: None, ssl, keeps_offers: false }
    }

    /// The same, whose connections are traced.
    pub(crate) fn traced(self, trace: Option<Rc<Trace>>) -> Listener<S> {
        Listener { trace, ..self }
    }

    /// The same, where somebody asks what clients have offered.
    pub fn keeping_offers(self, keeps_offers: bool) -> Listener<S> {
        Listener { keeps_offers, ..self }
    }

    /// Whether somebody asks what clients have offered.
    pub fn are_offers_kept(&self) -> bool {
        self.keeps_offers
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The servers of the address itself.
    pub fn first_hosts(&self) -> &Hosts<S> {
        &self.hosts
    }

    /// The servers for a connection: an exact address goes before the wildcard. `None`: to which
    /// address it came is not known.
    pub fn hosts_for(&self, conn: Conn) -> Option<&Hosts<S>> {
        if self.covered.is_empty() {
            return Some(&self.hosts);
        }
        let local = sys::socket::local_address(conn.fd())?;
        let covered = self.covered.iter().find(|(address, _)| *address == local);
        Some(covered.map_or(&self.hosts, |(_, hosts)| hosts))
    }

    /// Whether a proxy's header comes before all that is said on a connection.
    pub fn is_behind_proxy(&self, conn: Conn) -> bool {
        self.says(conn, |hosts| hosts.proxy_protocol)
    }

    /// Whether the servers of a connection's address say so. To which it came is looked up only where some do.
    pub(crate) fn says(&self, conn: Conn, say: impl Fn(&Hosts<S>) -> bool) -> bool {
        let some = self.covered.iter().any(|(_, hosts)| say(hosts)) || say(&self.hosts);
        some && self.hosts_for(conn).is_some_and(say)
    }

    /// Whether connections to one of its addresses are encrypted.
    pub fn may_be_encrypted(&self) -> bool {
        self.ssl
    }

    /// Says in these logs why there was no handshake.
    pub fn log_failure(&self, logs: &[Arc<Log>], conn: Conn, error: &io::Error) {
        let (serial, peer, what) = (conn.serial(), conn.peer(), tls::failure(error));
        let line = format_args!(
            "*{serial} {what} while SSL handshaking, client: {peer}, server: {}",
            self.address
        );
        sys::log::write_to(logs, Level::Info, line);
    }

    pub(crate) fn trace(&self, conn: Conn, happening: Happening<'_>) {
        if let Some(trace) = &self.trace {
            trace.connection(conn, happening);
        }
    }

    pub(crate) fn trace_listener(&self, happening: Happening<'_>) {
        if let Some(trace) = &self.trace {
            trace.listener(happening);
        }
    }
}
