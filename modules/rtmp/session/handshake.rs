//! How a connection begins: a proxy's header, and the handshake.

use proto::proxy_protocol::{self, Parsed};
use proto::rtmp::handshake::Handshake;
use sys::socket::Peer;

use crate::play::link;
use crate::session::error::SessionError;
use crate::session::read_buffer::ReadBuffer;
use crate::session::state::{Session, SessionEvent};

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
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(SessionError::Left),
            }
        }
    }

    async fn take_in_rest(&mut self) -> Result<(), SessionError> {
        let rest = std::mem::take(&mut self.rest);
        let used = self.take_in(&rest).await?;
        self.rest = rest[used..].to_vec();
        Ok(())
    }
}
