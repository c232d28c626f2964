//! Streams and clients of all workers, as one picture.

use std::collections::BTreeMap;

use proto::query;

use crate::running::Running;

/// What `rtmp_stat` shows, as nginx-rtmp divides it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Sums over all.
    pub global: bool,
    /// The streams.
    pub live: bool,
    /// Their clients: not everybody is to see who they are.
    pub clients: bool,
}

/// One line of a worker's.
pub struct Fields(BTreeMap<Vec<u8>, Vec<u8>>);

/// Everything.
#[derive(Default)]
pub struct Picture {
    /// What of it is shown.
    pub parts: Parts,
    /// Sums over all workers: `accepted`, `bytes_in`, …
    pub totals: BTreeMap<&'static str, u64>,
    /// By server.
    pub servers: Vec<Server>,
}

/// A server.
#[derive(Default)]
pub struct Server {
    /// Its TCP ports.
    pub ports: Vec<u16>,
    /// Its names.
    pub names: Vec<String>,
    /// The streams, by application.
    pub apps: BTreeMap<Vec<u8>, Streams>,
}

/// The streams of an application, by name.
pub type Streams = BTreeMap<Vec<u8>, ShownStream>;

/// A stream.
#[derive(Default)]
pub struct ShownStream {
    /// Its clients, the publisher first.
    pub clients: Vec<Fields>,
    /// Its viewers without a connection, by number: one may have asked several workers.
    pub viewers: BTreeMap<u64, Fields>,
}

/// What is summed up over workers.
pub const TOTALS: &[&str] = &["accepted", "bw_in", "bytes_in", "bw_out", "bytes_out"];

impl Fields {
    /// A value; empty: there is none.
    pub fn get(&self, name: &str) -> &[u8] {
        self.0.get(name.as_bytes()).map_or(&[], Vec::as_slice)
    }

    /// A value as a number; 0: it is none.
    pub fn number(&self, name: &str) -> u64 {
        std::str::from_utf8(self.get(name)).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// Whether there is such a value.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name.as_bytes())
    }

    pub(super) fn parse(line: &[u8]) -> Fields {
        let pairs = query::arguments(line)
            .filter_map(|argument| Some((argument.name.to_vec(), query::decode(argument.value?))));
        Fields(pairs.collect())
    }
}

impl ShownStream {
    /// Who publishes it.
    pub fn publisher(&self) -> Option<&Fields> {
        self.clients.iter().find(|client| client.has("publishing"))
    }

    /// How far a player is behind its publisher, in milliseconds of the stream's clock.
    pub fn behind(&self, client: &Fields) -> Option<u64> {
        let publisher = self.publisher()?;
        let known = client.has("position") && !client.has("publishing");
        let behind = publisher.number("timestamp") as u32;
        let behind = behind.wrapping_sub(client.number("position") as u32) as i32;
        known.then(|| behind.max(0) as u64)
    }

    /// A sum over its clients.
    pub fn sum(&self, name: &str) -> u64 {
        self.clients.iter().map(|client| client.number(name)).sum()
    }
}

impl Picture {
    /// Of what the workers have replied.
    pub fn of(running: &Running, replies: &[Vec<u8>]) -> Picture {
        let mut picture = Picture::default();
        for server in running.servers {
            let apps = server.apps.iter().filter(|app| app.live);
            let apps = apps.map(|app| (app.name.clone().into_bytes(), Streams::new()));
            picture.servers.push(Server {
                ports: server.ports.clone(),
                names: server.names.clone(),
                apps: apps.collect(),
            });
        }
        let lines = replies.iter().flat_map(|answer| answer.split(|&byte| byte == b'\n'));
        for line in lines.filter(|line| !line.is_empty()) {
            picture.add(Fields::parse(line));
        }
        picture
    }

    fn add(&mut self, fields: Fields) {
        if fields.get("what") == b"worker" {
            for name in TOTALS {
                *self.totals.entry(name).or_default() += fields.number(name);
            }
            let uptime = self.totals.entry("uptime").or_default();
            *uptime = (*uptime).max(fields.number("uptime"));
            return;
        }
        // A worker of an older configuration may have had other servers.
        let server = (fields.number("server") as usize).min(self.servers.len().saturating_sub(1));
        let Some(server) = self.servers.get_mut(server) else { return };
        let streams = server.apps.entry(fields.get("app").to_vec()).or_default();
        let stream = streams.entry(fields.get("name").to_vec()).or_default();
        if fields.get("what") == b"viewer" {
            stream.viewers.insert(fields.number("id"), fields);
            return;
        }
        match fields.has("publishing") {
            true => stream.clients.insert(0, fields),
            false => stream.clients.push(fields),
        }
    }
}
