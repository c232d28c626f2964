//! `stream {}` as it was written.

use std::any::Any;
use std::rc::Rc;

use conf::Span;
use http::vars::names::Names;

use crate::api::Entry;
use crate::session::Session;
use crate::settings::Conf;

/// What stands in it.
pub struct Written {
    /// Of the block itself.
    pub main: BlockConf,
    /// Its servers.
    pub servers: Vec<ServerBlock>,
    /// The variables that may stand in words.
    pub names: Rc<Names<Session>>,
}

/// A `server {}` as it was written.
pub struct ServerBlock {
    /// What its directives set.
    pub conf: BlockConf,
    /// Where it stands.
    pub span: Span,
}

/// What the directives of a block set.
pub struct BlockConf {
    /// The block's own.
    pub core: Conf,
    /// What encrypts its connections.
    pub tls: tls::Conf,
    /// Those of the modules, in the order of their list.
    pub modules: Vec<Box<dyn Any>>,
}

impl BlockConf {
    /// Nothing is set.
    pub fn new(modules: &[Entry]) -> BlockConf {
        let modules = modules.iter().map(|module| (module.create)()).collect();
        BlockConf { core: Conf::default(), tls: tls::Conf::default(), modules }
    }

    /// Fills what is unset from the block around it.
    pub fn inherit(&mut self, outer: &BlockConf, modules: &[Entry]) {
        self.core.inherit_all(&outer.core);
        self.tls.inherit(&outer.tls);
        for (at, module) in modules.iter().enumerate() {
            (module.inherit)(&mut *self.modules[at], &*outer.modules[at]);
        }
    }
}
