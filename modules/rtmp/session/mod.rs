//! A session: an RTMP client's connection, from its handshake to its end.

mod connect;
mod control;
mod flow;
mod greeting;
mod media;
mod play;
mod publish;
mod reply;
mod room;

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use proto::rtmp::chunk::Reader;
use proto::rtmp::chunk::{self, Limits};
use proto::rtmp::command::Command;
use proto::rtmp::message::{self, UserControl};
use rt::{Conn, Next};

use crate::client::{AdminCommand, Client, NetStream};
use crate::fault::Fault;
use crate::instance::{Running, running};
use crate::notify;
use crate::outlet::{self, Link, Outlet};
use crate::port::Port;
use crate::protocol::Hub;
use crate::settings::Server;
use crate::wire::Wire;
use flow::Flow;
use media::media;
use room::Room;

pub use publish::permitted;

/// Reads from one client in one turn.
const READS: usize = 4;

/// How long a client may take over what it is told last.
const LAST_WORDS_MS: u64 = 1000;
/// Kilobytes that are read from a client before it is closed.
const MOST_LAST: usize = 256;

/// What a session waits for.
enum Event {
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
    running: &'static Running,
    hub: &'static Hub,
    server: &'static Server,
    port: &'static Port,
    conn: Conn,
    client: Rc<Client>,
    /// Its place among the worker's clients.
    place: u32,
    reader: Reader,
    /// The beginning of a chunk's header.
    rest: Vec<u8>,
    flow: Flow,
    /// It is one of the clients of all workers.
    counted: bool,
    /// What stands before its streams' names: the instance of the application.
    instance: Vec<u8>,
    /// What its streams' names must begin with: the rest of the application's name.
    rest_of_app: Vec<u8>,
    /// It was told that it may not publish, and has published nothing since.
    refused: bool,
    /// A message of media was nobody's, and that was told.
    dropped: bool,
    /// It has said `connect`, and was let in.
    connected: bool,
    /// What its log line says it did.
    deeds: crate::access_log::Deeds,
}

/// Serves a connection to its end.
pub async fn serve(conn: Conn, port: &'static Port) -> Next {
    let Some(running) = running() else { return Next::Close };
    let mut session = Box::new(Session::new(running, conn, port));
    let outcome = session.run().await;
    let mut ends = false;
    if let Err(fault) = outcome {
        fault.log(&session.client, session.deeds.name());
        session.deeds.ended_by(&fault);
        ends = fault.ends_streams();
    }
    session.last_words(ends).await;
    Next::Close
}

impl Session {
    fn new(running: &'static Running, conn: Conn, port: &'static Port) -> Session {
        let server = port.server(b"");
        let hub = running.hub;
        let outlet = hub.add_outlet(Outlet::new(Link::new(conn, None, Wire::Rtmp, DEFAULT_CHUNK)));
        let client = Rc::new(Client::new(conn, outlet, server.number));
        let place = running.clients.borrow_mut().add(client.clone());
        let limits = Limits {
            message: server.max_message,
            streams: server.max_streams,
            memory: server.max_memory,
        };
        running.accepted.set(running.accepted.get() + 1);
        Session {
            running,
            hub,
            server,
            port,
            conn,
            client,
            place,
            reader: Reader::new(limits),
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

    async fn run(&mut self) -> Result<(), Fault> {
        self.conn.set_timeout(self.server.handshake_timeout);
        let mut room = Room::take();
        if self.port.proxy_protocol() {
            self.proxy_header(&mut room).await?;
        }
        self.handshake(&mut room).await?;
        room.give_back();
        loop {
            match self.wait().await {
                Event::Input => {
                    if !self.read().await? {
                        return Ok(());
                    }
                }
                Event::Time => self.time()?,
                Event::Admin(AdminCommand::Drop) => return Err(Fault::Dropped),
                Event::Admin(AdminCommand::Refuse(why)) => return Err(Fault::Hook(why)),
                Event::Admin(AdminCommand::Redirect(name, streams)) => {
                    self.redirect(&name, &streams)?
                }
                Event::Over => return Ok(()),
            }
        }
    }

    /// Waits for what comes first; meanwhile what waits to be sent is sent.
    async fn wait(&self) -> Event {
        let (hub, conn, client) = (self.hub, self.conn, &self.client);
        poll_fn(|_| {
            if !hub.attend(client.outlet.get()) || conn.is_broken() {
                return Poll::Ready(Event::Over);
            }
            if let Some(order) = client.admin_command.borrow_mut().take() {
                return Poll::Ready(Event::Admin(order));
            }
            // Before what the client says: one that never pauses has deadlines, too.
            if conn.timed_out() {
                return Poll::Ready(Event::Time);
            }
            // Who takes no answers is not asked what else it wants.
            match conn.is_readable() && !self.is_full() {
                true => Poll::Ready(Event::Input),
                false => Poll::Pending,
            }
        })
        .await
    }

    /// Counts bytes of the client's, and acknowledges them when it wants that.
    fn heard(&mut self, count: usize) -> Result<(), Fault> {
        self.client.received.add(count as u64, rt::now());
        if let Some(total) = self.flow.heard(count) {
            self.control(message::ACKNOWLEDGEMENT, &total.to_be_bytes());
        }
        Ok(())
    }

    /// Reads what there is, within a turn's share. `false`: the client has closed.
    async fn read(&mut self) -> Result<bool, Fault> {
        let mut room = Room::take();
        for _ in 0..READS {
            let begun = self.rest.len();
            room.0[..begun].copy_from_slice(&self.rest);
            let count = match self.conn.read(&mut room.0[begun..]) {
                Ok(0) => return Ok(false),
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(_) => return Ok(false),
            };
            self.rest.clear();
            self.heard(count)?;
            let all = begun + count;
            let used = self.take_in(&room.0[..all]).await?;
            self.rest.extend_from_slice(&room.0[used..all]);
        }
        room.give_back();
        if self.conn.is_readable() {
            // It goes on without a pause: others first.
            self.conn.wake();
            yield_now().await;
        }
        Ok(true)
    }

    /// Takes messages from bytes. Gives how many bytes those were.
    async fn take_in(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut used = 0;
        loop {
            let (count, message) = self.reader.read(&bytes[used..])?;
            used += count;
            let Some(chunk::Message { kind, stream, timestamp, payload, .. }) = message else {
                return Ok(used);
            };
            match kind {
                message::AUDIO | message::VIDEO | message::DATA | message::DATA_AMF3 => {
                    let taken = media(&self.client, stream, kind, timestamp, payload);
                    self.go_on_without(stream, kind, taken)?;
                }
                message::AGGREGATE => {
                    let mut taken = Ok(());
                    for part in message::aggregate(payload, timestamp) {
                        let (kind, time) = (part.kind, part.timestamp);
                        taken = taken.and(media(&self.client, stream, kind, time, part.payload));
                    }
                    self.go_on_without(stream, kind, taken)?;
                }
                message::COMMAND | message::COMMAND_AMF3 => {
                    // One that cannot be understood cannot be answered either.
                    let payload = payload.to_vec();
                    if let Ok(command) = Command::parse(kind, &payload) {
                        self.command(stream, &command).await?;
                    }
                }
                _ => {
                    let answer = self.flow.control(kind, payload)?;
                    if let Some((kind, payload)) = answer {
                        self.control(kind, &payload);
                    }
                }
            }
        }
    }

    async fn command(&mut self, stream: u32, command: &Command<'_>) -> Result<(), Fault> {
        match command.name {
            b"connect" => self.connect(command).await,
            _ if !self.connected => Err(Fault::NotConnected),
            b"createStream" => self.create_stream(command),
            b"releaseStream" | b"FCPublish" | b"FCUnpublish" | b"FCSubscribe"
            | b"FCUnsubscribe" | b"getStreamLength" | b"_checkbw" | b"checkBandwidth" => {
                self.courtesy(command).await
            }
            b"publish" => self.publish(stream, command).await,
            b"play" => self.play(stream, command).await,
            b"play2" => self.play2(stream, command).await,
            b"closeStream" => self.close_stream(stream).await,
            b"deleteStream" => self.delete_stream(command).await,
            b"pause" | b"pauseRaw" | b"pauseraw" => self.pause(stream, command),
            b"seek" => self.seek(stream, command),
            b"receiveAudio" => self.receive_kind(stream, command, true),
            b"receiveVideo" => self.receive_kind(stream, command, false),
            // An answer to one of ours.
            b"_result" | b"_error" | b"onStatus" => Ok(()),
            _ => {
                self.unknown(command);
                Ok(())
            }
        }
    }

    /// What a client was told last goes out before the connection is closed.
    async fn last_words(&mut self, ends_streams: bool) {
        if self.connected {
            notify::tell_disconnect(&self.server.hooks, &self.client);
        }
        self.end_streams(ends_streams);
        self.hub.with_outlet(self.client.outlet.get(), outlet::end);
        self.conn.set_timeout(LAST_WORDS_MS);
        let (hub, conn, outlet) = (self.hub, self.conn, self.client.outlet.get());
        let mut room = vec![0; 1024];
        poll_fn(|_| {
            if hub.attend(outlet) && !conn.timed_out() {
                return Poll::Pending;
            }
            if conn.is_broken() || conn.timed_out() {
                return Poll::Ready(());
            }
            // Closing with bytes of the client's unread would take away what it has not read yet.
            conn.shutdown_write();
            for _ in 0..MOST_LAST {
                match conn.read(&mut room) {
                    Ok(0) => return Poll::Ready(()),
                    Ok(_) => {}
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                        return Poll::Pending;
                    }
                    Err(_) => return Poll::Ready(()),
                }
            }
            // It goes on and on.
            Poll::Ready(())
        })
        .await;
    }

    /// A deadline has passed: which, and what follows?
    fn time(&mut self) -> Result<(), Fault> {
        if !self.connected {
            return Err(Fault::TooSlow);
        }
        let blocked = self.outlet(|outlet| outlet.blocked_since()).flatten();
        if self.flow.is_due(rt::now(), blocked, &self.client)? {
            let time = rt::now() as u32;
            let mut ping = Vec::new();
            UserControl::Ping(time).write(&mut ping);
            self.control(message::USER_CONTROL, &ping);
        }
        self.set_timeout();
        Ok(())
    }

    fn set_timeout(&self) {
        self.conn.set_timeout(self.flow.next_look(&self.client));
    }

    /// Sends a message that is about the connection.
    fn control(&self, kind: u8, payload: &[u8]) {
        let mut out = Vec::with_capacity(32);
        chunk::write_message(&mut out, DEFAULT_CHUNK, 2, kind, 0, 0, payload);
        self.outlet(|outlet| outlet::send(outlet, &out));
    }

    /// Changes its connection's part in the hub.
    fn outlet<T>(&self, change: impl FnOnce(&mut Outlet) -> T) -> Option<T> {
        self.hub.with_outlet(self.client.outlet.get(), change)
    }

    fn is_full(&self) -> bool {
        self.outlet(|outlet| outlet::is_full(outlet)).unwrap_or(false)
    }

    /// The message stream of that number.
    fn with_stream<T>(&self, number: u32, look: impl FnOnce(&mut NetStream) -> T) -> Option<T> {
        let mut streams = self.client.streams.borrow_mut();
        streams.iter_mut().find(|stream| stream.number == number).map(look)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end_streams(false);
        self.running.clients.borrow_mut().take(self.place);
        if self.counted {
            self.hub.attachment.discount_client();
        }
        if let Some(outlet) = self.hub.remove_outlet(self.client.outlet.get()) {
            self.client.sent.set(outlet.link.sent.total());
        }
        self.running.count_gone(&self.client);
        crate::access_log::write(self.server, &self.client, &self.deeds);
    }
}

/// The size of chunks before anybody has said another.
pub const DEFAULT_CHUNK: usize = chunk::DEFAULT_CHUNK_SIZE;

/// Lets the others run.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|_| match std::mem::replace(&mut yielded, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}
