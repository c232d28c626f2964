//! A session: an RTMP client's connection, from its handshake to its end.

use std::future::poll_fn;
use std::task::Poll;

use proto::rtmp::chunk;
use proto::rtmp::command::Command;
use proto::rtmp::message::{self, UserControl};
use rt::{Conn, Next, Service};

use crate::client::AdminCommand;
use crate::hooks::call;
use crate::listener::Listener;
use crate::play::link;
use crate::running::running;
use crate::session::error::SessionError;
use crate::session::media::media;
use crate::session::read_buffer::ReadBuffer;
use crate::session::state::{Session, SessionEvent};

/// Reads from one client in one turn.
const READS: usize = 4;

/// How long a client may take over what it is told last.
const LAST_WORDS_MS: u64 = 1000;
/// Kilobytes that are read from a client before it is closed.
const MOST_LAST: usize = 256;

/// Serves a connection to its end.
pub async fn serve(conn: Conn, listener: &'static Listener) -> Next {
    let Some(running) = running() else { return Next::Close };
    let mut session = Session::new(running, conn, listener);
    let outcome = session.run().await;
    let mut ends = false;
    if let Err(error) = outcome {
        error.log(&session.client, session.deeds.name());
        session.deeds.ended_by(&error);
        ends = error.ends_streams();
    }
    session.last_words(ends).await;
    Next::Close
}

impl Session {
    async fn run(&mut self) -> Result<(), SessionError> {
        self.io.set_timeout(self.server.handshake_timeout);
        if self.listener.proxy_protocol() {
            Box::pin(self.proxy_header()).await?;
        }
        if self.listener.is_encrypted() {
            let read = std::mem::take(&mut self.rest);
            self.client.conn.set_layer(Box::new(tls::Session::new(self.listener, read)));
            Box::pin(self.encryption()).await?;
        }
        Box::pin(self.handshake()).await?;
        loop {
            match self.wait().await {
                SessionEvent::Input => {
                    if !self.read().await? {
                        return Ok(());
                    }
                }
                SessionEvent::Time => self.time()?,
                SessionEvent::Admin(AdminCommand::Drop) => return Err(SessionError::Dropped),
                SessionEvent::Admin(AdminCommand::Refuse(why)) => {
                    return Err(SessionError::Hook(why));
                }
                SessionEvent::Admin(AdminCommand::Redirect(name, streams)) => {
                    self.redirect(&name, &streams)?
                }
                SessionEvent::Over => return Ok(()),
            }
        }
    }

    /// Waits for what comes first; meanwhile what waits to be sent is sent.
    pub(super) async fn wait(&self) -> SessionEvent {
        let (hub, io, client) = (self.hub, self.io, &self.client);
        poll_fn(|_| {
            self.touched.fetch();
            if !hub.attend(client.outlet.get()) || io.is_broken() {
                return Poll::Ready(SessionEvent::Over);
            }
            if let Some(command) = client.admin_command.borrow_mut().take() {
                return Poll::Ready(SessionEvent::Admin(command));
            }
            // Before what the client says: one that never pauses has deadlines, too.
            if io.timed_out() {
                return Poll::Ready(SessionEvent::Time);
            }
            // Who takes no answers is not asked what else it wants.
            match io.is_readable() && !self.is_full() {
                true => Poll::Ready(SessionEvent::Input),
                false => Poll::Pending,
            }
        })
        .await
    }

    /// Counts bytes of the client's, and acknowledges them when it wants that.
    pub(super) fn heard(&mut self, count: usize) -> Result<(), SessionError> {
        self.client.received.add(count as u64, rt::now());
        if let Some(total) = self.flow.heard(count) {
            self.control(message::ACKNOWLEDGEMENT, &total.to_be_bytes());
        }
        Ok(())
    }

    /// Reads what there is, within a turn's share. `false`: the client has closed.
    async fn read(&mut self) -> Result<bool, SessionError> {
        let mut buffer = ReadBuffer::take();
        self.reader.lend(std::mem::take(&mut buffer.message));
        // While the kernel copies.
        self.touched_of_stream.fetch();
        for _ in 0..READS {
            let begun = self.rest.len();
            buffer.bytes[..begun].copy_from_slice(&self.rest);
            let count = match self.io.read(&mut buffer.bytes[begun..]) {
                Ok(0) => return Ok(false),
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(_) => return Ok(false),
            };
            self.rest.clear();
            self.heard(count)?;
            let all = begun + count;
            let used = self.take_in(&buffer.bytes[..all]).await?;
            self.rest.extend_from_slice(&buffer.bytes[used..all]);
        }
        self.note_touched();
        buffer.message = self.reader.reclaim();
        buffer.give_back();
        if self.io.is_readable() {
            // It goes on without a pause: others first.
            rt::yield_now().await;
        }
        Ok(true)
    }

    /// Notes what the client's next message will touch.
    fn note_touched(&mut self) {
        let (touched, of_stream) = (&mut self.touched, &mut self.touched_of_stream);
        touched.clear();
        of_stream.clear();
        touched.add(self.reader.streams(), usize::MAX);
        self.client.note_touched(touched, of_stream);
        touched.add(&self.rest[..], usize::MAX);
        self.hub.with_outlet(self.client.outlet.get(), |outlet| touched.add(outlet, 64));
    }

    /// Takes messages from bytes. Gives how many bytes those were.
    pub(super) async fn take_in(&mut self, bytes: &[u8]) -> Result<usize, SessionError> {
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
                        // Rare: messages of media are not to pay for its state.
                        Box::pin(self.command(stream, &command)).await?;
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

    async fn command(&mut self, stream: u32, command: &Command<'_>) -> Result<(), SessionError> {
        match command.name {
            b"connect" => self.connect(command).await,
            _ if !self.connected => Err(SessionError::NotConnected),
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
            call::tell_disconnect(&self.server.hooks, &self.client);
        }
        self.end_streams(ends_streams);
        self.hub.with_outlet(self.client.outlet.get(), link::end);
        self.io.set_timeout(LAST_WORDS_MS);
        let (hub, io, outlet) = (self.hub, self.io, self.client.outlet.get());
        let mut buffer = vec![0; 1024];
        poll_fn(|_| {
            if hub.attend(outlet) && !io.timed_out() {
                return Poll::Pending;
            }
            if io.is_broken() || io.timed_out() {
                return Poll::Ready(());
            }
            // Closing with bytes of the client's unread would take away what it has not read yet.
            io.shutdown_write();
            for _ in 0..MOST_LAST {
                match io.read(&mut buffer) {
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
    fn time(&mut self) -> Result<(), SessionError> {
        if !self.connected {
            return Err(SessionError::TooSlow);
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
}

impl Service for Listener {
    fn ready(&'static self, conn: Conn) -> Next {
        Next::Task(Box::pin(serve(conn, self)))
    }
}
