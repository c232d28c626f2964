//! What a worker has of the `rtmp` block.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use live::{Replies, Rpc};
use proto::rtmp::handshake;
use slab::Slab;
use sys::socket::Address;

use crate::client::Client;
use crate::play::protocol::{Hub, LiveStreams};
use crate::settings::app::{App, Server};

/// A listening address.
pub struct ListenAddress {
    /// Where.
    pub address: Address,
    /// Its clients come through a proxy that tells who they are.
    pub proxy_protocol: bool,
    /// They are encrypted.
    pub ssl: bool,
    /// The servers behind it, the default one first.
    pub servers: Vec<Rc<Server>>,
    /// One of them was written as the default one.
    pub has_default: bool,
}

/// What a worker has of it.
pub struct Running {
    /// Its part in the zone.
    pub hub: &'static Hub,
    /// Calls to all workers.
    pub rpc: OnceCell<&'static Rpc<LiveStreams>>,
    /// The servers.
    pub servers: &'static [Rc<Server>],
    /// The listening addresses.
    pub listens: &'static [ListenAddress],
    /// Its clients.
    pub clients: RefCell<Slab<Rc<Client>>>,
    /// Connections that it has accepted.
    pub accepted: Cell<u64>,
    /// Bytes sent to, and received from, clients that have gone.
    pub gone: (Cell<u64>, Cell<u64>),
    /// When it began, in the loop's milliseconds.
    pub since: u64,
}

thread_local! {
    static RUNNING: Cell<Option<&'static Running>> = const { Cell::new(None) };
}

/// This is what the worker has from now on.
pub fn set(running: &'static Running) {
    RUNNING.set(Some(running));
}

/// What this worker has of the `rtmp` block; `None`: there is none.
pub fn running() -> Option<&'static Running> {
    RUNNING.get()
}

impl Running {
    /// Calls all workers. `None`: they cannot be called.
    pub async fn call(&self, arguments: &[u8]) -> Option<Replies> {
        self.rpc.get()?.call(arguments).await
    }

    /// A client has gone: what it was sent, and what it has sent, is not forgotten.
    pub fn count_gone(&self, client: &Client) {
        self.gone.0.set(self.gone.0.get() + client.sent.get());
        self.gone.1.set(self.gone.1.get() + client.received.total());
    }

    /// Bytes for a handshake. They are no secret: they only have to differ.
    pub fn random(&self) -> [u8; handshake::SIZE] {
        let mut bytes = [0; handshake::SIZE];
        fastrand::fill(&mut bytes);
        bytes
    }

    /// A secret that all workers have, and nobody else.
    pub fn secret(&self) -> [u8; 16] {
        let zone = self.hub.attachment.zone();
        let mut secret = [0; 16];
        secret[..8].copy_from_slice(&zone.key(b"a login's secret").to_le_bytes());
        secret[8..].copy_from_slice(&zone.key(b"the other half").to_le_bytes());
        secret
    }

    /// How long the clients of an application may take nothing of what they are sent, in milliseconds.
    pub fn timeout(&self, app: &App) -> u64 {
        self.servers.get(app.server).map_or(60_000, |server| server.timeout)
    }

    /// An application by name; `port`: of a server there alone. Of several, that of the server whose name the host
    /// fits best, else the first.
    pub fn app(&self, name: &[u8], port: Option<u16>, host: &[u8]) -> Option<&'static App> {
        let servers = self.servers.iter();
        let servers = servers.filter(|server| port.is_none_or(|port| server.ports.contains(&port)));
        let mut best: Option<(u8, &'static App)> = None;
        for server in servers {
            let Some(app) = server.app(name) else { continue };
            let fit = server.fits(host);
            if best.is_none_or(|(known, _)| fit > known) {
                best = Some((fit, app));
            }
        }
        best.map(|(_, app)| app)
    }
}
