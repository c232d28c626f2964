//! How a connection begins: a proxy's header, and the handshake.

use proto::proxy_protocol::{self, Parsed};
use proto::rtmp::handshake::Handshake;
use sys::socket::Peer;

use super::room::Room;
use super::{Event, Session};
use crate::fault::Fault;
use crate::outlet;

impl Session {
    pub(super) async fn proxy_header(&mut self, room: &mut Room) -> Result<(), Fault> {
        loop {
            let have = self.rest.len();
            let count = self.receive(&mut room.0[..proxy_protocol::MOST - have]).await?;
            self.rest.extend_from_slice(&room.0[..count]);
            match proxy_protocol::parse(&self.rest) {
                Parsed::Header(len, header) => {
                    if let Some(addresses) = header.addresses {
                        self.client.peer.set(Peer::Inet(addresses.source));
                    }
                    self.rest.drain(..len);
                    return Ok(());
                }
                Parsed::Incomplete if self.rest.len() < proxy_protocol::MOST => {}
                _ => return Err(Fault::NoProxyHeader),
            }
        }
    }

    pub(super) async fn handshake(&mut self, room: &mut Room) -> Result<(), Fault> {
        let mut handshake = Box::new(Handshake::new(self.running.random()));
        let mut input = std::mem::take(&mut self.rest);
        loop {
            let mut out = Vec::new();
            let fed = handshake.feed(&input, &mut out);
            if !out.is_empty() {
                self.outlet(|outlet| outlet::send(outlet, &out));
            }
            let (used, done) = fed.map_err(|_| Fault::NotRtmp)?;
            input.drain(..used);
            if done {
                // What has come already is read before anything is waited for.
                self.rest = input;
                return self.take_in_rest().await;
            }
            let count = self.receive(&mut room.0).await?;
            input.extend_from_slice(&room.0[..count]);
        }
    }

    /// Reads at least a byte, within the time for the handshake.
    async fn receive(&mut self, room: &mut [u8]) -> Result<usize, Fault> {
        loop {
            match self.wait().await {
                Event::Over => return Err(Fault::Left),
                Event::Time => return Err(Fault::TooSlow),
                Event::Admin(_) => return Err(Fault::Dropped),
                Event::Input => match self.conn.read(room) {
                    Ok(0) => return Err(Fault::Left),
                    Ok(count) => {
                        self.heard(count)?;
                        return Ok(count);
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(_) => return Err(Fault::Left),
                },
            }
        }
    }

    async fn take_in_rest(&mut self) -> Result<(), Fault> {
        let rest = std::mem::take(&mut self.rest);
        let used = self.take_in(&rest).await?;
        self.rest = rest[used..].to_vec();
        Ok(())
    }
}
