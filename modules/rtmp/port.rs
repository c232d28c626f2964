//! A listening address as the event loop sees it.

use std::rc::Rc;

use rt::{Conn, Next, Service};

use crate::session;
use crate::settings::Server;

/// A listening address, and the server behind it.
pub struct Port {
    server: &'static Rc<Server>,
    proxy_protocol: bool,
}

impl Port {
    /// With that server.
    pub fn new(server: &'static Rc<Server>, proxy_protocol: bool) -> Port {
        Port { server, proxy_protocol }
    }

    /// The server.
    pub fn server(&self) -> &'static Server {
        self.server
    }

    /// Whether its clients come through a proxy that tells who they are.
    pub fn proxy_protocol(&self) -> bool {
        self.proxy_protocol
    }
}

impl Service for Port {
    fn ready(&'static self, conn: Conn) -> Next {
        Next::Task(Box::pin(session::serve(conn, self)))
    }
}
