//! The `rtmp {}` block as it was written.

use conf::Span;
use sys::socket::{Address, Options as SocketOptions};

use crate::module::Entry;
use crate::settings::options::BlockOptions;

/// What is in the block.
pub struct Written {
    /// Its own options.
    pub options: BlockOptions,
    /// `rtmp_zone`
    pub zone: Option<(u64, Span)>,
    /// Its servers.
    pub servers: Vec<ServerBlock>,
    /// The modules whose options are in all of them.
    pub modules: &'static [Entry],
}

/// What is in a `server {}`.
pub struct ServerBlock {
    /// Its own options.
    pub options: BlockOptions,
    /// Where it listens.
    pub listens: Vec<Listen>,
    /// `server_name`
    pub names: Vec<String>,
    /// Its applications, and where their names are written.
    pub apps: Vec<(String, Span, BlockOptions)>,
}

/// One `listen`.
#[derive(Clone)]
pub struct Listen {
    /// Where.
    pub address: Address,
    /// How the socket is made.
    pub options: SocketOptions,
    /// `proxy_protocol`
    pub proxy_protocol: bool,
    /// `ssl`
    pub ssl: bool,
    /// `default_server`
    pub default_server: bool,
    /// Where it is written.
    pub span: Span,
}
