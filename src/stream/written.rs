//! `stream {}` as it was written.

use conf::Span;
use http::vars::names::Names;

use crate::session::Session;
use crate::settings::Conf;

/// What stands in it.
pub struct Written {
    /// Of the block itself.
    pub main: BlockConf,
    /// Its servers.
    pub servers: Vec<ServerBlock>,
    /// The variables that may stand in words.
    pub names: Names<Session>,
}

/// A `server {}` as it was written.
pub struct ServerBlock {
    /// What its directives set.
    pub conf: BlockConf,
    /// Where it stands.
    pub span: Span,
}

/// What the directives of a block set.
#[derive(Default)]
pub struct BlockConf {
    /// The block's own.
    pub core: Conf,
    /// What encrypts its connections.
    pub tls: tls::Conf,
}
