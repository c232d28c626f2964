//! A listening address as the event loop sees it.

use std::cell::RefCell;
use std::rc::Rc;

use rt::{Conn, Next, Service};
use sys::socket::Address;

use crate::Happening;
use crate::exchange::{Exchange, Step};
use crate::hosts::Hosts;
use crate::proxy_header;
use crate::takeover::Session;
use crate::task;
use crate::trace::Trace;

/// A listening address and the servers behind it.
pub struct Port {
    address: Address,
    /// The servers of the address itself.
    hosts: Hosts,
    /// Those of addresses that this wildcard one covers.
    covered: Vec<(Address, Hosts)>,
    trace: Option<Rc<Trace>>,
}

impl Port {
    pub(crate) fn new(
        address: Address,
        hosts: Hosts,
        covered: Vec<(Address, Hosts)>,
        trace: Option<Rc<Trace>>,
    ) -> Port {
        Port { address, hosts, covered, trace }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) fn first_hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// The servers for a connection: an exact address goes before the wildcard. `None`: to which
    /// address it came is not known.
    pub(crate) fn hosts_for(&self, conn: Conn) -> Option<&Hosts> {
        if self.covered.is_empty() {
            return Some(&self.hosts);
        }
        let local = sys::socket::local_address(conn.fd())?;
        let covered = self.covered.iter().find(|(address, _)| *address == local);
        Some(covered.map_or(&self.hosts, |(_, hosts)| hosts))
    }

    /// Whether a proxy's header comes before the first request of a connection.
    fn is_behind_proxy(&self, conn: Conn) -> bool {
        let some = self.covered.iter().any(|(_, hosts)| hosts.proxy_protocol);
        match some || self.hosts.proxy_protocol {
            true => self.hosts_for(conn).is_some_and(|hosts| hosts.proxy_protocol),
            false => false,
        }
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

thread_local! {
    /// Exchanges that are not in use: the ready path allocates nothing.
    #[expect(clippy::vec_box, reason = "the box moves between this list, the stack and a task")]
    static FREE: RefCell<Vec<Box<Exchange>>> = const { RefCell::new(Vec::new()) };
}

/// So many are kept; a burst's surplus is freed.
const MOST_FREE: usize = 64;

fn take(conn: Conn, port: &'static Port) -> Box<Exchange> {
    match FREE.with_borrow_mut(Vec::pop) {
        Some(mut exchange) => {
            exchange.reuse(conn, port);
            exchange
        }
        None => Box::new(Exchange::new(conn, port)),
    }
}

/// Keeps an exchange for the next connection.
pub(crate) fn give_back(mut exchange: Box<Exchange>) {
    FREE.with_borrow_mut(|free| {
        if free.len() < MOST_FREE {
            exchange.release();
            free.push(exchange);
        }
    });
}

impl Service for Port {
    fn open(&'static self, conn: Conn) -> Next {
        self.trace(conn, Happening::ClientConnect);
        self.trace(conn, Happening::Connecting);
        let settings = &self.hosts.default_server().location().settings;
        conn.set_timeout(settings.client_header_timeout);
        if !settings.tcp_nodelay && matches!(self.address, Address::Inet(_)) {
            // The listener's default, inherited by the connection, is on.
            let _ = sys::socket::set_nodelay(conn.fd(), false);
        }
        self.trace(conn, Happening::Connect);
        if self.is_behind_proxy(conn) {
            match proxy_header::take(conn) {
                proxy_header::Step::Done => {}
                proxy_header::Step::Wait => {
                    return Next::Task(Box::pin(async move {
                        match proxy_header::wait(conn).await {
                            true => Next::Idle,
                            false => Next::Close,
                        }
                    }));
                }
                proxy_header::Step::Close => return Next::Close,
            }
        }
        self.ready(conn)
    }

    fn ready(&'static self, conn: Conn) -> Next {
        let mut exchange = take(conn, self);
        match exchange.advance() {
            Step::Idle => {
                give_back(exchange);
                Next::Idle
            }
            Step::Close => {
                self.trace(conn, Happening::Disconnecting);
                give_back(exchange);
                Next::Close
            }
            Step::Takeover(takeover) => Next::Task(takeover.start(Session::new(exchange))),
            step => Next::Task(Box::pin(task::drive(exchange, step))),
        }
    }

    fn expire(&'static self, conn: Conn) {
        self.trace(conn, Happening::Disconnecting);
    }

    fn grace(&'static self, conn: Conn) -> u64 {
        match conn.requests() {
            // Just accepted: its first request is on the way.
            0 => self.hosts.default_server().location().settings.client_header_timeout.min(5000),
            _ => self.hosts.default_server().location().settings.keepalive_min_timeout,
        }
    }

    fn close(&'static self, conn: Conn) {
        self.trace(conn, Happening::Disconnect);
        proxy_header::forget(conn);
    }
}
