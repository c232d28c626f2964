//! The `http {}` block: from directives to servers and locations that serve.

pub mod api;
mod assemble;
pub mod declarations;
pub mod directives;
pub mod installing;
mod instance;
pub mod keyed;
pub mod listen;
mod parts;
mod reader;
mod resolve;
pub mod settings;
pub mod types;

use std::any::Any;
use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, Span, contexts, erase};
use mem::Str;
use module::{Instance, Module, Setup};
use proto::http1::Method;

use crate::block::api::Entry;
use crate::block::assemble::Assembled;
use crate::block::directives::CoreConf;
use crate::block::instance::HttpInstance;
use crate::block::reader::Reader;
use crate::request::Names;
use crate::route::location::MatchKind;
use crate::vars::connection::Variables;
use crate::vars::variables;

/// The core module that owns `http {}`.
pub struct Http {
    modules: &'static [Entry],
}

impl Http {
    /// With these HTTP modules; handlers of one phase run in the order of the list.
    pub const fn new(modules: &'static [Entry]) -> Http {
        Http { modules }
    }
}

/// What a block's directives have set, of the core and of each module.
pub(crate) struct BlockConf {
    pub core: CoreConf,
    pub tls: tls::Conf,
    pub modules: Vec<Box<dyn Any>>,
}

impl BlockConf {
    fn new(modules: &[Entry]) -> BlockConf {
        let modules = modules.iter().map(|module| (module.create)()).collect();
        BlockConf { core: CoreConf::default(), tls: tls::Conf::default(), modules }
    }

    /// Fills what is unset from the enclosing block.
    pub fn inherit(&mut self, outer: &BlockConf, modules: &[Entry]) {
        self.core.inherit_all(&outer.core);
        self.tls.inherit(&outer.tls);
        for (at, module) in modules.iter().enumerate() {
            (module.inherit)(&mut *self.modules[at], &*outer.modules[at]);
        }
    }
}

/// A `server {}` as it was written.
pub(crate) struct ServerBlock {
    pub conf: BlockConf,
    pub inner: Inner,
    pub span: Span,
}

/// A `location {}`, an `if {}` or a `limit_except {}` as it was written.
pub(crate) struct LocationBlock {
    pub kind: MatchKind,
    pub pattern: Str,
    pub conf: BlockConf,
    pub inner: Inner,
    pub span: Span,
}

/// The blocks that stand in a block.
#[derive(Default)]
pub(crate) struct Inner {
    pub servers: Vec<ServerBlock>,
    pub locations: Vec<LocationBlock>,
    /// What modules' conditions lead to.
    pub branches: Vec<LocationBlock>,
    pub limit_except: Option<(Vec<Method>, Box<LocationBlock>)>,
}

/// The block as it was written.
pub(crate) struct HttpConf {
    modules: &'static [Entry],
    block: Option<Written>,
}

/// What stands in the block.
pub(crate) struct Written {
    pub main: BlockConf,
    pub servers: Vec<ServerBlock>,
    pub names: Rc<Names>,
}

static DIRECTIVES: &[Directive<HttpConf>] = &[Directive::new(
    "http",
    Contexts::MAIN,
    Arity::Exactly(0),
    set_http,
    "",
    "everything that speaks HTTP",
)
.with_block()];

fn set_http(conf: &mut HttpConf, setting: &Setting<'_>) -> Result<(), Error> {
    if conf.block.is_some() {
        return Err(setting.duplicate());
    }
    conf.block = Some(Reader::new(conf.modules, setting.env())?.http(setting)?);
    Ok(())
}

/// The blocks inside `http {}`: they have no setter, the reader goes into them.
static BLOCKS: &[Directive<()>] = &[
    Directive::new(
        "server",
        Contexts::HTTP,
        Arity::Exactly(0),
        |_, _| Ok(()),
        "",
        "a server: addresses, names and locations",
    )
    .with_block(),
    Directive::new(
        "location",
        contexts!(SERVER | LOCATION),
        Arity::Between(1, 2),
        |_, _| Ok(()),
        "",
        "settings for some URIs: [=|~|~*|^~] pattern, or @name",
    )
    .with_block(),
    Directive::new(
        "limit_except",
        Contexts::LOCATION,
        Arity::AtLeast(1),
        |_, _| Ok(()),
        "",
        "settings for requests of all methods but these; HEAD goes with GET",
    )
    .with_block(),
];

impl Module for Http {
    fn name(&self) -> &'static str {
        "http"
    }

    fn directives(&self) -> Vec<conf::Entry> {
        erase(DIRECTIVES).collect()
    }

    fn create(&self) -> Box<dyn Any> {
        Box::new(HttpConf { modules: self.modules, block: None })
    }

    fn init(&self, conf: Box<dyn Any>, setup: &mut Setup<'_>) -> Result<Box<dyn Instance>, Error> {
        let wrong = |_| Error::new("the http block was given the configuration of another module");
        let conf = conf.downcast::<HttpConf>().map_err(wrong)?;
        let Assembled { listeners, processes } = match conf.block {
            Some(written) => assemble::assemble(written, self.modules, setup)?,
            None => Assembled { listeners: Vec::new(), processes: Vec::new() },
        };
        Ok(Box::new(HttpInstance { modules: self.modules, listeners, processes }))
    }

    fn parts(&self) -> Vec<(&'static str, Vec<conf::Entry>)> {
        let core = erase(DIRECTIVES).chain(erase(BLOCKS)).chain(erase(CoreConf::DIRECTIVES));
        let mut parts = vec![("http", core.collect())];
        parts.push(("tls", erase(tls::Conf::DIRECTIVES).collect()));
        parts.extend(self.modules.iter().map(|module| {
            let rows = (module.directives)().into_iter();
            (module.name, rows.chain((module.inner_directives)()).collect())
        }));
        parts
    }

    fn variables(&self) -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
        let rows =
            |all: &[crate::request::Variable]| all.iter().map(|v| (v.name, v.help)).collect();
        let mut core: Vec<_> = rows(variables::VARIABLES);
        core.extend::<Vec<_>>(rows(Variables::CONNECTION));
        core.sort_unstable();
        let mut parts = vec![("http", core)];
        parts.push(("tls", rows(Variables::SSL)));
        parts.extend(self.modules.iter().map(|module| (module.name, rows(module.variables))));
        parts.retain(|(_, rows): &(_, Vec<_>)| !rows.is_empty());
        parts
    }
}
