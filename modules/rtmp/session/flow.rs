//! What keeps a connection going: acknowledgements, signs of life, deadlines.

use proto::rtmp::message::{self, UserControl};

use crate::client::{Client, StreamState};
use crate::session::error::SessionError;
use crate::settings::app::Server;

/// The state of a connection's flow.
pub struct Flow {
    server: &'static Server,
    /// Bytes that the client has sent, as it counts them: modulo 2^32.
    heard: u32,
    acknowledged: u32,
    /// After so many bytes the client wants to be told that they have come; 0: it does not.
    window: u32,
    /// When the client was heard last, in the loop's milliseconds.
    heard_at: u64,
    /// When it was asked for a sign of life.
    asked_at: Option<u64>,
}

impl Flow {
    /// Of a connection that begins.
    pub fn new(server: &'static Server) -> Flow {
        Flow { server, heard: 0, acknowledged: 0, window: 0, heard_at: rt::now(), asked_at: None }
    }

    /// The client has said which server it has come for.
    pub fn set_server(&mut self, server: &'static Server) {
        self.server = server;
    }

    /// The client has sent bytes. Gives the count to acknowledge, if it is due.
    pub fn heard(&mut self, count: usize) -> Option<u32> {
        self.heard_at = rt::now();
        self.asked_at = None;
        self.heard = self.heard.wrapping_add(count as u32);
        self.due()
    }

    /// The count to acknowledge, if it is due.
    fn due(&mut self) -> Option<u32> {
        // Half a window before a strict client would stop and wait.
        let due = self.window > 0 && self.heard.wrapping_sub(self.acknowledged) >= self.window / 2;
        if !due {
            return None;
        }
        self.acknowledged = self.heard;
        Some(self.heard)
    }

    /// Obeys a message about the connection. Gives the kind and payload of the answer.
    pub fn control(
        &mut self,
        kind: u8,
        payload: &[u8],
    ) -> Result<Option<(u8, Vec<u8>)>, SessionError> {
        let number = || message::number(payload);
        Ok(match kind {
            message::WINDOW_ACK_SIZE => {
                self.window = number().unwrap_or(self.window);
                // What came with it counts, too, and may be all that comes without an answer.
                self.due().map(|total| (message::ACKNOWLEDGEMENT, total.to_be_bytes().to_vec()))
            }
            message::PEER_BANDWIDTH => {
                let window = self.server.ack_window.to_be_bytes().to_vec();
                number().map(|_| (message::WINDOW_ACK_SIZE, window))
            }
            message::USER_CONTROL => match UserControl::parse(payload) {
                Some(UserControl::Ping(time)) => {
                    let mut pong = Vec::new();
                    UserControl::Pong(time).write(&mut pong);
                    Some((message::USER_CONTROL, pong))
                }
                _ => None,
            },
            // Acknowledgements, shared objects, what nobody knows.
            _ => None,
        })
    }

    /// A deadline has passed. `true`: the client is to be asked for a sign of life.
    pub fn is_due(
        &mut self,
        now: u64,
        blocked: Option<u64>,
        client: &Client,
    ) -> Result<bool, SessionError> {
        if blocked.is_some_and(|since| now >= since + self.server.timeout) {
            return Err(SessionError::TooSlow);
        }
        if idle_publisher(client, now) == Some(0) {
            return Err(SessionError::IdlePublisher);
        }
        if let Some(asked) = self.asked_at {
            let over = now >= asked + self.server.ping_timeout;
            return if over { Err(SessionError::Silent) } else { Ok(false) };
        }
        if self.server.ping == 0 || now < self.heard_at + self.server.ping {
            return Ok(false);
        }
        if self.server.busy {
            return Err(SessionError::Silent);
        }
        self.asked_at = Some(now);
        Ok(true)
    }

    /// In how many milliseconds to look again.
    pub fn next_look(&self, client: &Client) -> u64 {
        let now = rt::now();
        let mut next = self.server.timeout;
        if self.server.ping > 0 {
            next = next.min(match self.asked_at {
                Some(asked) => (asked + self.server.ping_timeout).saturating_sub(now),
                None => (self.heard_at + self.server.ping).saturating_sub(now),
            });
        }
        if let Some(left) = idle_publisher(client, now) {
            next = next.min(left);
        }
        next.max(1)
    }
}

/// In how many milliseconds one of the client's streams has been idle for too long.
fn idle_publisher(client: &Client, now: u64) -> Option<u64> {
    let streams = client.streams.borrow();
    let left = streams.iter().filter_map(|stream| match &stream.state {
        StreamState::Publishing { publisher, .. } if publisher.app.drop_idle_publisher > 0 => {
            Some((publisher.frame_at + publisher.app.drop_idle_publisher).saturating_sub(now))
        }
        _ => None,
    });
    left.min()
}
