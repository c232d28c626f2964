//! A listening address as the event loop sees it.

use std::rc::Rc;

use rt::Conn;
use tls::{Choice, Chosen};

use crate::running::ListenAddress;
use crate::settings::app::Server;

/// A listening address, and the servers behind it.
pub struct Listener {
    /// The default one first.
    servers: &'static [Rc<Server>],
    proxy_protocol: bool,
    ssl: bool,
}

impl Listener {
    /// Of a listening address.
    pub fn new(address: &'static ListenAddress) -> Listener {
        let ListenAddress { servers, proxy_protocol, ssl, .. } = address;
        Listener { servers, proxy_protocol: *proxy_protocol, ssl: *ssl }
    }

    /// Whether its clients are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.ssl
    }

    /// The server for clients that ask for this host; the default one if no server has that name, or it is empty.
    pub fn server(&self, host: &[u8]) -> &'static Server {
        best(self.servers, host).1
    }

    /// Whether its clients come through a proxy that tells who they are.
    pub fn proxy_protocol(&self) -> bool {
        self.proxy_protocol
    }
}

impl Choice for Listener {
    fn choose(&'static self, _: Conn, name: Option<&str>) -> Option<Chosen> {
        let server = self.server(name.unwrap_or_default().as_bytes());
        Some(Chosen { tls: server.tls.as_ref()?, protocols: 0, server })
    }
}

/// Which of these servers, the default one first, is asked for by this host, and how well its name fits.
pub fn best<'a>(servers: &'a [Rc<Server>], host: &[u8]) -> (u8, &'a Server) {
    let mut best = (0, &servers[0]);
    for server in servers {
        let fit = server.fits(host);
        if fit > best.0 {
            best = (fit, server);
        }
    }
    (best.0, best.1)
}
