//! How a connection begins: a proxy's header, and the handshake.

use std::io;

use proto::proxy_protocol::{self, Parsed};
use proto::rtmp::handshake::Handshake;
use sys::socket::Peer;

use crate::play::link;
use crate::session::error::SessionError;
use crate::session::read_buffer::ReadBuffer;
use crate::session::state::{Session, SessionEvent};
use crate::settings::app::Server;

impl Session {
    pub(super) async fn proxy_header(&mut self) -> Result<(), SessionError> {
        loop {
            let mut input = std::mem::take(&mut self.rest);
            let most = proxy_protocol::MOST - input.len();
            let received = self.receive(&mut input, most).await;
            self.rest = input;
            received?;
            match proxy_protocol::parse(&self.rest) {
                Parsed::Header(len, header) => {
                    if let Some(addresses) = header.addresses {
                        self.client.peer.set(Peer::Inet(addresses.source));
                    }
                    self.rest.drain(..len);
                    return Ok(());
                }
                Parsed::Incomplete if self.rest.len() < proxy_protocol::MOST => {}
                _ => return Err(SessionError::NoProxyHeader),
            }
        }
    }

    pub(super) async fn handshake(&mut self) -> Result<(), SessionError> {
        let mut handshake = Box::new(Handshake::new(self.running.random()));
        let mut input = std::mem::take(&mut self.rest);
        loop {
            let mut out = Vec::new();
            let fed = handshake.feed(&input, &mut out);
            if !out.is_empty() {
                self.outlet(|outlet| link::send(outlet, &out));
            }
            let (used, done) = fed.map_err(|_| SessionError::NotRtmp)?;
            input.drain(..used);
            if done {
                // What has come already is read before anything is waited for.
                self.rest = input;
                return self.take_in_rest().await;
            }
            self.receive(&mut input, usize::MAX).await?;
        }
    }

    /// Reads at least a byte, and at most so many, within the time for the handshake. The buffer is there for others while
    /// the client is waited for: many may come at once.
    async fn receive(&mut self, input: &mut Vec<u8>, most: usize) -> Result<(), SessionError> {
        loop {
            match self.wait().await {
                SessionEvent::Over => return Err(SessionError::Left),
                SessionEvent::Time => return Err(SessionError::TooSlow),
                SessionEvent::Admin(_) => return Err(SessionError::Dropped),
                SessionEvent::Input => {}
            }
            let mut buffer = ReadBuffer::take();
            let most = most.min(buffer.bytes.len());
            let read = self.io.read(&mut buffer.bytes[..most]);
            if let Ok(count) = read {
                input.extend_from_slice(&buffer.bytes[..count]);
            }
            buffer.give_back();
            match read {
                Ok(0) => return Err(SessionError::Left),
                Ok(count) => return self.heard(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(SessionError::Left),
            }
        }
    }

    /// The handshake of the encryption, within the same time.
    pub(super) async fn encryption(&self) -> Result<(), SessionError> {
        self.io.established().await.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => SessionError::TooSlow,
            _ => SessionError::Tls(tls::failure(&error)),
        })
    }

    /// What the handshake says against the server that the client asks for; by the same rules as in HTTP.
    pub(super) fn check_certificate(&self) -> Result<(), SessionError> {
        let check = |session: &tls::Session| {
            let asked = self.server.tls.as_ref();
            if !session.asks_clients() && !asked.is_some_and(tls::Server::asks_clients) {
                return Ok(());
            }
            let chosen = session.server().and_then(|server| server.downcast_ref::<Server>());
            let is_other = !chosen.is_some_and(|chosen| std::ptr::eq(chosen, self.server));
            if is_other && session.server_name().is_some() {
                return Err("the client asks for another server than in its handshake");
            }
            session.refusal(asked).map_or(Ok(()), |(_, why)| Err(why))
        };
        let checked = self.io.with_layer(check).unwrap_or(Ok(()));
        checked.map_err(|why| SessionError::Tls(why.to_owned()))
    }

    async fn take_in_rest(&mut self) -> Result<(), SessionError> {
        let rest = std::mem::take(&mut self.rest);
        let used = self.take_in(&rest).await?;
        self.rest = rest[used..].to_vec();
        Ok(())
    }
}
