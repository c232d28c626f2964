//! What the connection of players, or of a publisher, has beside what waits to be sent.

use http::Session;
use proto::rtmp::{chunk, message};
use rt::Io;

use crate::play::chunk_streams::ChunkStreams;
use crate::play::output::{self, OutputFormat};
use crate::rate::Rate;

/// One connection's part in the hub.
pub type Outlet = live::Outlet<Link>;

const _: () = assert!(size_of::<Outlet>() <= 136, "there are as many as there are players");

/// What it has.
pub struct Link {
    io: Io,
    /// Of one that uses HTTP: its log line to come.
    pub session: Option<Session>,
    /// How it is written to.
    pub chunk_streams: ChunkStreams,
    /// Bytes sent.
    pub sent: Rate,
}

impl Link {
    /// Of a connection that was sent nothing.
    pub fn new(io: Io, session: Option<Session>, format: OutputFormat, chunk_size: usize) -> Link {
        Link {
            io,
            session,
            chunk_streams: ChunkStreams::new(format, chunk_size),
            sent: Rate::default(),
        }
    }
}

impl live::Link for Link {
    fn io(&self) -> Io {
        self.io
    }

    fn wrote(&mut self, sent: usize, _: bool) {
        self.sent.add(sent as u64, rt::now());
        if let Some(session) = &mut self.session {
            session.count_sent(sent);
        }
    }

    /// Its task sees to the time that this may take.
    fn blocked(&self) {
        self.io.wake();
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        output::end(out, self.chunk_streams.format.framing());
    }
}

/// Sends bytes, behind what waits.
pub fn send(outlet: &mut Outlet, bytes: &[u8]) {
    outlet.unsent.extend_from_slice(bytes);
    outlet.flush();
}

/// Sends a message, behind what waits.
pub fn send_message(outlet: &mut Outlet, csid: u32, kind: u8, stream: u32, payload: &[u8]) {
    let size = outlet.link.chunk_streams.chunk_size();
    chunk::write_message(&mut outlet.unsent, size, csid, kind, stream, 0, payload);
    outlet.flush();
}

/// Tells the client the size of chunks to come.
pub fn set_chunk_size(outlet: &mut Outlet, size: usize) {
    let payload = (size as u32).to_be_bytes();
    send_message(outlet, 2, message::SET_CHUNK_SIZE, 0, &payload);
    outlet.link.chunk_streams.set_chunk_size(size);
}

/// Whether so much waits that the client is not to ask for more.
pub fn is_full(outlet: &Outlet) -> bool {
    outlet.unsent.len() > MOST_UNSENT
}

/// Ends it when what waits is sent.
pub fn end(outlet: &mut Outlet) {
    outlet.end();
    outlet.flush();
}

/// The same, where these bytes have already said that it is the end.
pub fn end_with(outlet: &mut Outlet, said: &[u8]) {
    if !outlet.is_closing() {
        outlet.unsent.extend_from_slice(said);
        outlet.close();
        outlet.flush();
    }
}

/// A frame of the longest kind, and answers behind it.
const MOST_UNSENT: usize = 64 << 10;
