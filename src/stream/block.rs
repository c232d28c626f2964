//! The `stream {}` block: from directives to servers.

use std::any::Any;
use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Env, Error, Node, Setting, Table, erase};
use http::route::server_name;
use http::vars::connection::Variables;
use http::vars::names::{Names, Variable};
use module::{Instance, Module, Setup};

use crate::api::Entry;
use crate::assemble;
use crate::instance::StreamInstance;
use crate::session::Session;
use crate::settings::Conf;
use crate::variables;
use crate::written::{BlockConf, ServerBlock, Written};

/// The core module that owns `stream {}`.
pub struct Stream {
    modules: &'static [Entry],
}

impl Stream {
    /// With these modules; handlers of one phase run in the order of the list.
    pub const fn new(modules: &'static [Entry]) -> Stream {
        Stream { modules }
    }
}

/// The block as it was written.
pub struct StreamConf {
    modules: &'static [Entry],
    block: Option<Written>,
}

static DIRECTIVES: &[Directive<StreamConf>] = &[Directive::new(
    "stream",
    Contexts::MAIN,
    Arity::Exactly(0),
    set_stream,
    "",
    "connections on which no protocol of ours is spoken, encrypted or not",
)
.with_block()];

/// The block in it: the reader sees to it itself.
static BLOCKS: &[Directive<()>] = &[Directive::new(
    "server",
    Contexts::STREAM,
    Arity::Exactly(0),
    |_, _| Ok(()),
    "",
    "a server: addresses, names, and what clients get there",
)
.with_block()];

fn set_stream(conf: &mut StreamConf, setting: &Setting<'_>) -> Result<(), Error> {
    if conf.block.is_some() {
        return Err(setting.duplicate());
    }
    conf.block = Some(Reader::new(conf.modules, setting.env())?.stream(setting)?);
    Ok(())
}

impl Module for Stream {
    fn name(&self) -> &'static str {
        "stream"
    }

    fn directives(&self) -> Vec<conf::Entry> {
        erase(DIRECTIVES).collect()
    }

    fn create(&self) -> Box<dyn Any> {
        Box::new(StreamConf { modules: self.modules, block: None })
    }

    fn init(&self, conf: Box<dyn Any>, setup: &mut Setup<'_>) -> Result<Box<dyn Instance>, Error> {
        let wrong =
            |_| Error::new("the stream block was given the configuration of another module");
        let conf = conf.downcast::<StreamConf>().map_err(wrong)?;
        Ok(Box::new(match conf.block {
            Some(written) => assemble::assemble(written, self.modules, setup)?,
            None => StreamInstance::default(),
        }))
    }

    fn parts(&self) -> Vec<(&'static str, Vec<conf::Entry>)> {
        let own = erase(DIRECTIVES).chain(erase(BLOCKS)).chain(erase(Conf::DIRECTIVES));
        let mut parts = vec![("stream", own.collect())];
        let modules = self.modules.iter().filter(|module| !module.is_of_http);
        parts.extend(modules.map(|module| (module.name, (module.directives)())));
        parts
    }

    fn variables(&self) -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
        let rows =
            |all: &[Variable<Session>]| all.iter().map(|v| (v.name, v.help)).collect::<Vec<_>>();
        let mut own = rows(variables::VARIABLES);
        own.extend(rows(Variables::CONNECTION));
        own.sort_unstable();
        let mut parts = vec![("stream, which has those of tls, too", own)];
        parts.extend(self.modules.iter().map(|module| (module.name, rows(module.variables))));
        parts.retain(|(_, rows)| !rows.is_empty());
        parts
    }
}

/// Owners of rows in the table.
const BLOCK: usize = 0;
const CORE: usize = 1;
const TLS: usize = 2;
const FIRST_MODULE: usize = 3;

struct Reader<'a> {
    modules: &'static [Entry],
    table: Table,
    env: &'a Env<'a>,
    names: Names<Session>,
}

impl<'a> Reader<'a> {
    fn new(modules: &'static [Entry], env: &'a Env<'a>) -> Result<Reader<'a>, Error> {
        let mut table = Table::new();
        table.add(BLOCK, erase(BLOCKS))?;
        table.add(CORE, erase(Conf::DIRECTIVES))?;
        table.add(TLS, erase(tls::Conf::DIRECTIVES))?;
        let mut names = Names::default();
        for all in [variables::VARIABLES, Variables::CONNECTION, Variables::SSL] {
            names.add(all);
        }
        for (at, module) in modules.iter().enumerate() {
            table.add(FIRST_MODULE + at, (module.directives)())?;
            names.add(module.variables);
        }
        Ok(Reader { modules, table, env, names })
    }

    fn stream(self, setting: &Setting<'_>) -> Result<Written, Error> {
        let mut servers = Vec::new();
        let mut server = |inner: &Setting<'_>| {
            servers.push(self.server(inner)?);
            Ok(())
        };
        let main = self.block(setting.block(), Contexts::STREAM, &mut server)?;
        Ok(Written { main, servers, names: Rc::new(self.names) })
    }

    fn server(&self, setting: &Setting<'_>) -> Result<ServerBlock, Error> {
        let conf = self.block(setting.block(), Contexts::STREAM_SERVER, &mut |_| Ok(()))?;
        server_name::capture(conf.core.server_name.as_slice(), &self.names, self.env.files)?;
        Ok(ServerBlock { conf, span: setting.node().name.span })
    }

    /// Sets every directive of a block; `server` is given those that are blocks themselves.
    fn block(
        &self,
        nodes: &[Node],
        context: Contexts,
        server: &mut dyn FnMut(&Setting<'_>) -> Result<(), Error>,
    ) -> Result<BlockConf, Error> {
        let mut conf = BlockConf::new(self.modules);
        for node in nodes {
            let setting = Setting::new(node, context, self.env);
            let set = self.table.find(&setting).and_then(|found| match found {
                None => Ok(()),
                Some(found) if found.owner == BLOCK => server(&setting),
                Some(found) if found.owner == TLS => found.entry.set(&mut conf.tls, &setting),
                Some(found) if found.owner == CORE => found.entry.set(&mut conf.core, &setting),
                Some(found) => {
                    found.entry.set(&mut *conf.modules[found.owner - FIRST_MODULE], &setting)
                }
            });
            self.env.settle(set)?;
        }
        Ok(conf)
    }
}
