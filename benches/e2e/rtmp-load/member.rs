//! A client and what it is there for.

use std::io;

use mio::Registry;
use mio::event::Event;

use crate::check::Check;
use crate::client::Client;
use crate::options::Options;
use crate::pace::Pace;
use crate::session::Wish;
use crate::tally::{Tally, now};

/// What a client does.
pub enum Role {
    Publisher(Pace),
    Player(Box<Check>),
    /// Asks for a stream and does not read it.
    Stalled,
}

impl Role {
    /// A publisher whose frames are numbered from `first`, and which does not send yet.
    pub fn publisher(first: u64) -> Role {
        Role::Publisher(Pace::new(first))
    }
}

/// A client.
pub struct Member {
    pub client: Client,
    pub role: Role,
}

impl Member {
    /// Connects.
    pub fn open(
        options: &Options,
        role: Role,
        number: usize,
        registry: &Registry,
        token: usize,
    ) -> io::Result<Member> {
        let wish = match role {
            Role::Publisher(_) => Wish::Publish,
            _ => Wish::Play,
        };
        let client = Client::open(options, wish, number, registry, token)?;
        if matches!(role, Role::Stalled) {
            client.narrow()?;
        }
        Ok(Member { client, role })
    }

    /// Whether the server has said that it does what is wanted.
    pub fn running(&self) -> bool {
        match self.role {
            Role::Stalled => self.client.asked > 0,
            _ => self.client.running().is_some(),
        }
    }

    /// Whether it does it: players have seen a key frame.
    pub fn served(&self) -> bool {
        match &self.role {
            Role::Player(check) => check.first > 0,
            _ => self.running(),
        }
    }

    /// Serves its socket.
    pub fn serve(
        &mut self,
        event: &Event,
        buffer: &mut [u8],
        tally: &mut Tally,
    ) -> Result<(), String> {
        let ended = event.is_read_closed();
        if event.is_writable() {
            self.client.flush()?;
        }
        match &mut self.role {
            Role::Stalled if self.client.asked > 0 && !ended => Ok(()),
            _ if !event.is_readable() && !ended => Ok(()),
            Role::Player(check) => {
                let now = now();
                self.client.read(buffer, ended, &mut |message| check.take(message, now, tally))
            }
            _ => self.client.read(buffer, ended, &mut |_| {}),
        }
    }
}
