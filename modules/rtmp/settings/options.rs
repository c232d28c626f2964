//! What directives set in a block: `rtmp`, `server` or `application`. What a block leaves unset it has
//! from the one around it.

use std::any::Any;

use conf::{Entry, erase};

use crate::settings::callbacks::Callbacks;
use crate::settings::connection::Connection;
use crate::settings::guards::Guards;
use crate::settings::logging::Logging;
use crate::settings::stream::Stream;

/// One block's options.
#[derive(Default)]
pub struct BlockOptions {
    /// Of connections.
    pub connection: Connection,
    /// Of streams.
    pub stream: Stream,
    /// Who may.
    pub guards: Guards,
    /// Who is asked and told.
    pub callbacks: Callbacks,
    /// The log.
    pub logging: Logging,
    /// What encrypts connections.
    pub tls: tls::Conf,
}

impl BlockOptions {
    /// The directives of each part.
    pub fn tables() -> [Vec<Entry>; 6] {
        [
            erase(Connection::DIRECTIVES).collect(),
            erase(Stream::DIRECTIVES).collect(),
            erase(Guards::DIRECTIVES).collect(),
            erase(Callbacks::DIRECTIVES).collect(),
            erase(Logging::DIRECTIVES).collect(),
            erase(tls::Conf::DIRECTIVES).collect(),
        ]
    }

    /// The parts, in the order of their tables.
    pub fn parts(&mut self) -> [&mut dyn Any; 6] {
        let BlockOptions { connection, stream, guards, callbacks, logging, tls } = self;
        [connection, stream, guards, callbacks, logging, tls]
    }

    /// Takes what is unset from the block around this one.
    pub fn inherit(&mut self, outer: &BlockOptions) {
        self.connection.inherit(&outer.connection);
        self.stream.inherit(&outer.stream);
        self.guards.inherit(&outer.guards);
        self.callbacks.inherit(&outer.callbacks);
        self.logging.inherit(&outer.logging);
        self.tls.inherit(&outer.tls);
    }
}
