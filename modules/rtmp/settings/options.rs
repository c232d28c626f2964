//! What directives set in a block: `rtmp`, `server` or `application`. What a block leaves unset it has
//! from the one around it.

use std::any::Any;

use conf::{Entry, erase};

use crate::module::Entry as Module;
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
    /// The modules', in the order of their list.
    pub modules: Vec<Box<dyn Any>>,
}

impl BlockOptions {
    /// Nothing is set.
    pub fn new(modules: &[Module]) -> BlockOptions {
        let modules = modules.iter().map(|module| (module.create)()).collect();
        BlockOptions { modules, ..BlockOptions::default() }
    }

    /// The directives of each part.
    pub fn tables(modules: &[Module]) -> Vec<Vec<Entry>> {
        let own = [
            erase(Connection::DIRECTIVES).collect(),
            erase(Stream::DIRECTIVES).collect(),
            erase(Guards::DIRECTIVES).collect(),
            erase(Callbacks::DIRECTIVES).collect(),
            erase(Logging::DIRECTIVES).collect(),
            erase(tls::Conf::DIRECTIVES).collect(),
        ];
        own.into_iter().chain(modules.iter().map(|module| (module.directives)())).collect()
    }

    /// A part, by the place of its table.
    pub fn part(&mut self, place: usize) -> &mut dyn Any {
        let BlockOptions { connection, stream, guards, callbacks, logging, tls, modules } = self;
        let own: [&mut dyn Any; 6] = [connection, stream, guards, callbacks, logging, tls];
        match place.checked_sub(own.len()) {
            None => own.into_iter().nth(place).expect("it is one of them"),
            Some(module) => &mut *modules[module],
        }
    }

    /// Takes what is unset from the block around this one.
    pub fn inherit(&mut self, outer: &BlockOptions, modules: &[Module]) {
        self.connection.inherit(&outer.connection);
        self.stream.inherit(&outer.stream);
        self.guards.inherit(&outer.guards);
        self.callbacks.inherit(&outer.callbacks);
        self.logging.inherit(&outer.logging);
        self.tls.inherit(&outer.tls);
        let confs = self.modules.iter_mut().zip(&outer.modules);
        for (module, (own, outer)) in modules.iter().zip(confs) {
            (module.inherit)(&mut **own, &**outer);
        }
    }
}
