//! What the options of a server and of an application come to. They live as long as their worker.

use std::rc::Rc;

use crate::access::key::{Key, Signature};
use crate::access::login::Login;
use crate::access::rules::Rule;
use crate::events::channel::Events;
use crate::follow::Followers;
use crate::hooks::hook::Hooks;
use crate::log::format::Log;
use crate::publish::meta::Meta;
use crate::settings::connection::LARGEST;
use crate::settings::options::BlockOptions;

/// Stands between an application and a stream in the name of a channel: no name of a stream has it.
pub const SEPARATOR: char = '\u{1f}';

/// An `application {}`.
pub struct App {
    /// Its name.
    pub name: String,
    /// What its streams' names begin with in the log.
    pub prefix: String,
    /// The server that it is in, counted from 0.
    pub server: usize,
    /// `live`
    pub live: bool,
    /// `chunk_size`
    pub chunk_size: usize,
    /// `gop_cache`
    pub gop_cache: bool,
    /// `live_window`, milliseconds.
    pub live_window: u64,
    /// `max_behind`, bytes.
    pub max_behind: u64,
    /// `merge_write`, milliseconds.
    pub merge_write: u64,
    /// `delay`, milliseconds.
    pub delay: u64,
    /// `wait_key`
    pub wait_key: bool,
    /// `wait_video`
    pub wait_video: bool,
    /// `interleave`
    pub interleave: bool,
    /// `meta`
    pub meta: Meta,
    /// `idle_streams`
    pub idle_streams: bool,
    /// `publish_notify`
    pub publish_notify: bool,
    /// `play_restart`
    pub play_restart: bool,
    /// `drop_idle_publisher`, milliseconds; 0: never.
    pub drop_idle_publisher: u64,
    /// `publish_grace`, milliseconds.
    pub publish_grace: u64,
    /// `publish_takeover`
    pub publish_takeover: bool,
    /// `allow`, `deny`
    pub rules: Vec<Rule>,
    /// `stream_key`
    pub keys: Vec<Key>,
    /// `signed_url`
    pub signatures: Vec<Signature>,
    /// `login`
    pub logins: Vec<Login>,
    /// `max_connections`; 0: no limit.
    pub max_connections: u64,
    /// `on_publish` and the others.
    pub hooks: Hooks,
    /// `rtmp_events`
    pub events: Option<Events>,
    /// `access_log`
    pub logs: Vec<Log>,
    /// What the modules do with its streams.
    pub followers: Vec<Rc<dyn Followers>>,
}

/// A `server {}`.
pub struct Server {
    /// Its place among the servers.
    pub number: usize,
    /// Where it is written.
    pub span: conf::Span,
    /// Its part in handshakes, if it has one.
    pub tls: Option<tls::Server>,
    /// Its TCP ports.
    pub ports: Vec<u16>,
    /// `timeout`, milliseconds.
    pub timeout: u64,
    /// `handshake_timeout`, milliseconds.
    pub handshake_timeout: u64,
    /// `ping`, milliseconds; 0: never.
    pub ping: u64,
    /// `ping_timeout`, milliseconds.
    pub ping_timeout: u64,
    /// `busy`
    pub busy: bool,
    /// `max_streams`
    pub max_streams: usize,
    /// `max_message`, bytes.
    pub max_message: usize,
    /// `max_memory`, bytes.
    pub max_memory: usize,
    /// `ack_window`, bytes.
    pub ack_window: u32,
    /// `chunk_size`, bytes.
    pub chunk_size: usize,
    /// `max_args`, bytes.
    pub max_args: usize,
    /// `server_name`, in lower case.
    pub names: Vec<String>,
    /// `max_connections`; 0: no limit.
    pub max_connections: u64,
    /// `on_connect`, `on_disconnect`
    pub hooks: Hooks,
    /// `access_log`, for clients that never reached an application.
    pub logs: Vec<Log>,
    /// Its applications.
    pub apps: Vec<Rc<App>>,
}

impl App {
    /// With these options, which have all that surrounding blocks set.
    pub fn new(
        name: &str,
        prefix: String,
        server: usize,
        options: &BlockOptions,
        made: Made,
    ) -> App {
        App {
            name: name.to_owned(),
            prefix,
            server,
            live: options.stream.live(),
            chunk_size: options.connection.chunk_size() as usize,
            gop_cache: options.stream.gop_cache(),
            live_window: options.stream.live_window(),
            max_behind: options.stream.max_behind(),
            merge_write: options.stream.merge_write(),
            delay: options.stream.delay(),
            wait_key: options.stream.wait_key(),
            wait_video: options.stream.wait_video(),
            interleave: options.stream.interleave(),
            meta: options.stream.meta(),
            idle_streams: options.stream.idle_streams(),
            publish_notify: options.stream.publish_notify(),
            play_restart: options.stream.play_restart(),
            drop_idle_publisher: options.stream.drop_idle_publisher(),
            publish_grace: options.stream.publish_grace(),
            publish_takeover: options.stream.publish_takeover(),
            rules: options.guards.rules.as_slice().to_vec(),
            keys: options.guards.keys.as_slice().to_vec(),
            signatures: options.guards.signatures.as_slice().to_vec(),
            logins: options.guards.logins.as_slice().to_vec(),
            max_connections: options.connection.max_connections.or_default(0),
            hooks: options.callbacks.hooks(),
            events: made.events,
            logs: made.logs,
            followers: made.followers,
        }
    }

    /// The name in the log of one of its streams.
    pub fn channel(&self, stream: &[u8]) -> Vec<u8> {
        [self.prefix.as_bytes(), stream].concat()
    }
}

/// What of an application is made with the server's help.
#[derive(Default)]
pub struct Made {
    /// Its logs.
    pub logs: Vec<Log>,
    /// Its events' channel.
    pub events: Option<Events>,
    /// What the modules do with its streams.
    pub followers: Vec<Rc<dyn Followers>>,
}

impl Server {
    /// With these options, which have what `rtmp {}` set.
    pub fn new(
        number: usize,
        ports: Vec<u16>,
        names: Vec<String>,
        options: &BlockOptions,
        logs: Vec<Log>,
        apps: Vec<Rc<App>>,
    ) -> Server {
        Server {
            number,
            span: conf::Span::default(),
            tls: None,
            ports,
            timeout: options.connection.timeout().max(1),
            handshake_timeout: options.connection.handshake_timeout().max(1),
            ping: options.connection.ping(),
            ping_timeout: options.connection.ping_timeout().max(1),
            busy: options.connection.busy(),
            max_streams: options.connection.max_streams() as usize,
            max_message: options.connection.max_message.or_default(LARGEST) as usize,
            max_memory: options.connection.max_memory() as usize,
            ack_window: options.connection.ack_window() as u32,
            chunk_size: options.connection.chunk_size() as usize,
            max_args: options.connection.max_args() as usize,
            names,
            max_connections: options.connection.max_connections.or_default(0),
            hooks: options.callbacks.hooks(),
            logs,
            apps,
        }
    }

    /// How well a host's name fits: 0 not at all, 3 as one of the server's names; between them are `*.NAME` and
    /// `NAME.*`, as with nginx.
    pub fn fits(&self, host: &[u8]) -> u8 {
        let host = host.to_ascii_lowercase();
        let host = host.strip_suffix(b".").unwrap_or(&host);
        let fit = |name: &String| match name.as_bytes() {
            name if name == host => 3,
            [b'*', rest @ ..] if host.len() > rest.len() && host.ends_with(rest) => 2,
            [rest @ .., b'*'] if host.len() > rest.len() && host.starts_with(rest) => 1,
            [b'.', rest @ ..] if host == rest => 3,
            rest @ [b'.', ..] if host.len() > rest.len() && host.ends_with(rest) => 2,
            _ => 0,
        };
        self.names.iter().map(fit).max().unwrap_or(0)
    }

    /// The application of that name.
    pub fn app(&self, name: &[u8]) -> Option<&Rc<App>> {
        self.apps.iter().find(|app| app.name.as_bytes() == name)
    }
}
