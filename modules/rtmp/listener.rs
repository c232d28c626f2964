//! A listening address as the event loop sees it.

use std::rc::Rc;

use crate::settings::app::Server;

/// A listening address, and the servers behind it.
pub struct Listener {
    /// The default one first.
    servers: &'static [Rc<Server>],
    proxy_protocol: bool,
}

impl Listener {
    /// With these servers, the default one first.
    pub fn new(servers: &'static [Rc<Server>], proxy_protocol: bool) -> Listener {
        Listener { servers, proxy_protocol }
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
