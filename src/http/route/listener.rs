//! A listening address, the servers behind it, and the trace of its connections.

use std::rc::Rc;

use rt::Conn;
use sys::socket::Address;

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
    pub(crate) fn new(
        address: Address,
        hosts: Hosts<S>,
        covered: Vec<(Address, Hosts<S>)>,
        trace: Option<Rc<Trace>>,
    ) -> Listener<S> {
        let ssl = hosts.ssl || covered.iter().any(|(_, hosts)| hosts.ssl);
        Listener { address, hosts, covered, trace, ssl, keeps_offers: false }
    }

    /// The same, where somebody asks what clients have offered.
    pub(crate) fn keeping_offers(self, keeps_offers: bool) -> Listener<S> {
        Listener { keeps_offers, ..self }
    }

    /// Whether somebody asks what clients have offered.
    pub(crate) fn are_offers_kept(&self) -> bool {
        self.keeps_offers
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) fn first_hosts(&self) -> &Hosts<S> {
        &self.hosts
    }

    /// The servers for a connection: an exact address goes before the wildcard. `None`: to which
    /// address it came is not known.
    pub(crate) fn hosts_for(&self, conn: Conn) -> Option<&Hosts<S>> {
        if self.covered.is_empty() {
            return Some(&self.hosts);
        }
        let local = sys::socket::local_address(conn.fd())?;
        let covered = self.covered.iter().find(|(address, _)| *address == local);
        Some(covered.map_or(&self.hosts, |(_, hosts)| hosts))
    }

    /// Whether a proxy's header comes before the first request of a connection.
    pub(crate) fn is_behind_proxy(&self, conn: Conn) -> bool {
        self.says(conn, |hosts| hosts.proxy_protocol)
    }

    /// Whether the servers of a connection's address say so. To which it came is looked up only where some do.
    pub(crate) fn says(&self, conn: Conn, say: impl Fn(&Hosts<S>) -> bool) -> bool {
        let some = self.covered.iter().any(|(_, hosts)| say(hosts)) || say(&self.hosts);
        some && self.hosts_for(conn).is_some_and(say)
    }

    /// Whether connections to one of its addresses are encrypted.
    pub(crate) fn may_be_encrypted(&self) -> bool {
        self.ssl
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
