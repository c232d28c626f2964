//! A session: what is known of a client while it is connected.

use std::rc::Rc;

use proto::rtmp::chunk::{self, MessageLimits, Reader};
use rt::{Conn, Io};
use sys::prefetch::Touched;

use crate::client::{AdminCommand, Client, NetStream};
use crate::listener::Listener;
use crate::play::link::{self, Link, Outlet};
use crate::play::output::OutputFormat;
use crate::play::protocol::Hub;
use crate::running::Running;
use crate::session::flow::Flow;
use crate::settings::app::Server;

/// What a session waits for.
pub(super) enum SessionEvent {
    /// The client has sent something, or closed.
    Input,
    /// A deadline.
    Time,
    /// An operator wants something.
    Admin(AdminCommand),
    /// The connection is over.
    Over,
}

/// One client's session.
pub struct Session {
    pub(super) running: &'static Running,
    pub(super) hub: &'static Hub,
    pub(super) server: &'static Server,
    pub(super) listener: &'static Listener,
    pub(super) io: Io,
    pub(super) client: Rc<Client>,
    /// Its place among the worker's clients.
    pub(super) place: usize,
    pub(super) reader: Reader,
    /// What a publisher's last message has touched.
    pub(super) touched: Touched<6>,
    /// What of the stream it has touched.
    pub(super) touched_of_stream: Touched<6>,
    /// The beginning of a chunk's header.
    pub(super) rest: Vec<u8>,
    pub(super) flow: Flow,
    /// It is one of the clients of all workers.
    pub(super) counted: bool,
    /// What stands before its streams' names: the instance of the application.
    pub(super) instance: Vec<u8>,
    /// What its streams' names must begin with: the rest of the application's name.
    pub(super) rest_of_app: Vec<u8>,
    /// It was told that it may not publish, and has published nothing since.
    pub(super) refused: bool,
    /// Media that belong to no stream came, and that was reported.
    pub(super) dropped: bool,
    /// It has said `connect`, and was let in.
    pub(super) connected: bool,
    /// What its log line says it did.
    pub(super) deeds: crate::log::line::Deeds,
}

impl Session {
    pub(super) fn new(
        running: &'static Running,
        conn: Conn,
        listener: &'static Listener,
    ) -> Session {
        let server = listener.server(b"");
        let (hub, io) = (running.hub, Io::new(conn));
        let outlet =
            hub.add_outlet(Outlet::new(Link::new(io, None, OutputFormat::Rtmp, DEFAULT_CHUNK)));
        let client = Rc::new(Client::new(conn, outlet, server.number));
        let place = running.clients.borrow_mut().insert(client.clone());
        let limits = MessageLimits {
            message: server.max_message,
            streams: server.max_streams,
            memory: server.max_memory,
        };
        running.accepted.set(running.accepted.get() + 1);
        Session {
            running,
            hub,
            server,
            listener,
            io,
            client,
            place,
            reader: Reader::new(limits),
            touched: Touched::default(),
            touched_of_stream: Touched::default(),
            rest: Vec::new(),
            flow: Flow::new(server),
            counted: false,
            instance: Vec::new(),
            rest_of_app: Vec::new(),
            refused: false,
            dropped: false,
            connected: false,
            deeds: Default::default(),
        }
    }

    pub(super) fn set_timeout(&self) {
        self.io.set_timeout(self.flow.next_look(&self.client));
    }

    /// Sends a message that is about the connection.
    pub(super) fn control(&self, kind: u8, payload: &[u8]) {
        let mut out = Vec::with_capacity(32);
        chunk::write_message(&mut out, DEFAULT_CHUNK, 2, kind, 0, 0, payload);
        self.outlet(|outlet| link::send(outlet, &out));
    }

    /// Changes its connection's part in the hub.
    pub(super) fn outlet<T>(&self, change: impl FnOnce(&mut Outlet) -> T) -> Option<T> {
        self.hub.with_outlet(self.client.outlet.get(), change)
    }

    pub(super) fn is_full(&self) -> bool {
        self.outlet(|outlet| link::is_full(outlet)).unwrap_or(false)
    }

    /// The message stream of that number.
    pub(super) fn with_stream<T>(
        &self,
        number: u32,
        look: impl FnOnce(&mut NetStream) -> T,
    ) -> Option<T> {
        let mut streams = self.client.streams.borrow_mut();
        streams.iter_mut().find(|stream| stream.number == number).map(look)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end_streams(false);
        self.running.clients.borrow_mut().try_remove(self.place);
        if self.counted {
            self.hub.attachment.discount_client();
        }
        if let Some(outlet) = self.hub.remove_outlet(self.client.outlet.get()) {
            self.client.sent.set(outlet.link.sent.total());
        }
        self.running.count_gone(&self.client);
        crate::log::line::write(self.server, &self.client, &self.deeds);
    }
}

/// The size of chunks before anybody has said another.
pub const DEFAULT_CHUNK: usize = chunk::DEFAULT_CHUNK_SIZE;
