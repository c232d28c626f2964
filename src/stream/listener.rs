//! A listening address as the event loop and handshakes see it.

use std::ops::Deref;

use http::route::listener;
use http::route::regex::Captures;
use http::vars::handshake::Early;
use rt::Conn;
use tls::{Asked, Choice, Chosen};

use crate::session::{Server, Session};

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

impl Early for Session {
    fn early(asked: &Asked<'_>) -> Option<Session> {
        let listener: &'static Listener = asked.listener.downcast_ref()?;
        let mut session = Session::new(asked.conn, listener)?;
        session.is_early(asked.name);
        Some(session)
    }
}
