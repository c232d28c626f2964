//! A listening address as the event loop and handshakes see it.

use std::ops::Deref;

use http::route::listener;
use http::route::regex::Captures;
use rt::Conn;
use tls::{Choice, Chosen};

use crate::session::Server;

/// A listening address, and the servers behind it.
pub struct Listener(listener::Listener<Server>);

impl Listener {
    /// Of this one, which is not ours to give a service.
    pub fn new(listener: listener::Listener<Server>) -> Listener {
        Listener(listener)
    }
}

impl Deref for Listener {
    type Target = listener::Listener<Server>;

    fn deref(&self) -> &listener::Listener<Server> {
        &self.0
    }
}

impl Choice for Listener {
    fn choose(&'static self, conn: Conn, name: Option<&str>) -> Option<Chosen> {
        let hosts = self.hosts_for(conn)?;
        let (server, tls) = hosts.choose(name, &mut Captures::default())?;
        Some(Chosen { tls, protocols: 0, server })
    }

    fn keeps_offers(&self) -> bool {
        self.are_offers_kept()
    }
}
