//! An operator's commands: clients are dropped, or go on under another name.

use crate::client::{AdminCommand, Client, StreamState};
use crate::name;
use crate::running::Running;
use proto::query;

/// Which clients a command is for.
struct Target {
    publishers: bool,
    players: bool,
    server: Option<usize>,
    app: Option<Vec<u8>>,
    name: Option<Vec<u8>>,
    address: Option<Vec<u8>>,
    id: Option<u64>,
}

/// What an operator's command has concerned.
#[derive(Debug, Default)]
pub struct Concerned {
    /// How many clients.
    pub clients: usize,
    /// Which viewers without a connection.
    pub viewers: Vec<u64>,
}

/// Does what an operator wants, as far as it concerns this worker's clients.
pub fn run(running: &Running, words: &[u8]) -> Concerned {
    let get = |name: &str| query::get(words, name.as_bytes()).filter(|value| !value.is_empty());
    let number = |name| get(name).and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok());
    let (publishers, players) = match get("who").as_deref() {
        Some(b"publisher") => (true, false),
        Some(b"subscriber") => (false, true),
        Some(b"client") => (true, true),
        _ => return Concerned::default(),
    };
    let name = match (get("call").as_deref(), get("newname")) {
        (Some(b"drop"), _) => None,
        (Some(b"redirect"), Some(name)) if name::is_valid(&name) => match name::join(&[&name]) {
            name if name.is_empty() => return Concerned::default(),
            name => Some(name),
        },
        _ => return Concerned::default(),
    };
    let target = Target {
        publishers,
        players,
        server: number("srv").map(|number: u64| number as usize),
        app: get("app"),
        name: get("name"),
        address: get("addr"),
        id: number("clientid"),
    };
    let clients = running.clients.borrow();
    let mut count = 0;
    for (_, client) in clients.iter() {
        let meant = target.streams(client);
        if meant.is_empty() {
            continue;
        }
        count += 1;
        *client.admin_command.borrow_mut() = Some(match &name {
            None => AdminCommand::Drop,
            Some(name) => AdminCommand::Redirect(name.clone(), meant),
        });
        client.conn.wake();
    }
    let mut viewers = Vec::new();
    if name.is_none() {
        crate::viewers::each(|id, client, stream| {
            if target.is_viewer(id, client, stream) {
                viewers.push(id);
            }
        });
        crate::viewers::send_away(running, &viewers);
    }
    Concerned { clients: count, viewers }
}

impl Target {
    /// Whether this is about a client, which has this number.
    fn is_meant(&self, number: u64, client: &Client) -> bool {
        let Some(app) = client.app.get() else { return false };
        let address = client.address();
        self.server.is_none_or(|server| client.server.get() == server)
            && self.app.as_ref().is_none_or(|name| app.name.as_bytes() == &name[..])
            && self.id.is_none_or(|id| number == id)
            && self.address.as_ref().is_none_or(|wanted| address.as_bytes() == &wanted[..])
    }

    /// Whether this is about a viewer without a connection.
    fn is_viewer(&self, number: u64, client: &Client, stream: &[u8]) -> bool {
        let named = self.name.as_ref().is_none_or(|wanted| wanted == stream);
        self.players && named && self.is_meant(number, client)
    }

    /// Which of a client's message streams are meant.
    fn streams(&self, client: &Client) -> Vec<u32> {
        let here = self.is_meant(client.id, client);
        let streams = client.streams.borrow();
        let meant = streams.iter().filter(|stream| {
            let kind = match stream.state {
                StreamState::Publishing { .. } => self.publishers,
                StreamState::Playing { .. } => self.players,
                StreamState::Idle => false,
            };
            let name = stream.asked().map(|(what, _)| &what.name);
            here && kind && self.name.as_ref().is_none_or(|wanted| name == Some(wanted))
        });
        meant.map(|stream| stream.number).collect()
    }
}
