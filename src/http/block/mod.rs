//! The `http {}` block: from directives to servers and locations that serve.

pub mod api;
mod assemble;
pub mod directives;
mod instance;
pub mod keyed;
pub mod listen;
mod resolve;
pub mod settings;
pub mod types;

use std::any::Any;
use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Env, Error, Node, Setting, Span, Table, contexts, erase};
use mem::Str;
use module::{Instance, Module, Setup};

use crate::block::api::Entry;
use crate::block::assemble::Assembled;
use crate::block::directives::CoreConf;
use crate::block::instance::HttpInstance;
use crate::request::Names;
use crate::route::location::MatchKind;
use crate::route::regex::Regex;
use crate::route::server_name;
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
    pub locations: Vec<LocationBlock>,
    pub span: Span,
}

/// A `location {}` as it was written.
pub(crate) struct LocationBlock {
    pub kind: MatchKind,
    pub pattern: Str,
    pub conf: BlockConf,
    pub locations: Vec<LocationBlock>,
    pub span: Span,
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
        parts.extend(self.modules.iter().map(|module| (module.name, (module.directives)())));
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

/// Reads the block: finds each directive's row and sets it in its block's conf.
struct Reader<'a> {
    modules: &'static [Entry],
    table: Table,
    env: &'a Env<'a>,
    names: Names,
}

/// Owners of rows in the table: the blocks, the core, its encryption, then the modules.
const BLOCK: usize = 0;
const CORE: usize = 1;
const TLS: usize = 2;
const FIRST_MODULE: usize = 3;

impl<'a> Reader<'a> {
    fn new(modules: &'static [Entry], env: &'a Env<'a>) -> Result<Reader<'a>, Error> {
        let mut table = Table::new();
        table.add(BLOCK, erase(BLOCKS))?;
        table.add(CORE, erase(CoreConf::DIRECTIVES))?;
        table.add(TLS, erase(tls::Conf::DIRECTIVES))?;
        let mut names = Names::default();
        names.add(variables::VARIABLES);
        names.add(Variables::CONNECTION);
        names.add(Variables::SSL);
        for (at, module) in modules.iter().enumerate() {
            table.add(FIRST_MODULE + at, (module.directives)())?;
            names.add(module.variables);
        }
        Ok(Reader { modules, table, env, names })
    }

    fn http(self, setting: &Setting<'_>) -> Result<Written, Error> {
        let mut main = BlockConf::new(self.modules);
        let mut servers = Vec::new();
        self.block(setting.block(), Contexts::HTTP, &mut main, &mut |reader, inner| {
            servers.push(reader.server(inner)?);
            Ok(())
        })?;
        Ok(Written { main, servers, names: Rc::new(self.names) })
    }

    /// Sets every directive of a block; `inner` is given those that are blocks themselves.
    fn block(
        &self,
        nodes: &[Node],
        context: Contexts,
        conf: &mut BlockConf,
        inner: &mut dyn FnMut(&Self, &Setting<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for node in nodes {
            let setting = Setting::new(node, context, self.env);
            let set = self.table.find(&setting).and_then(|found| match found {
                None => Ok(()),
                Some(found) => match found.owner {
                    BLOCK => inner(self, &setting),
                    CORE => found.entry.set(&mut conf.core, &setting),
                    TLS => found.entry.set(&mut conf.tls, &setting),
                    owner => found.entry.set(&mut *conf.modules[owner - FIRST_MODULE], &setting),
                },
            });
            self.env.settle(set)?;
        }
        Ok(())
    }

    fn server(&self, setting: &Setting<'_>) -> Result<ServerBlock, Error> {
        let mut conf = BlockConf::new(self.modules);
        let mut locations = Vec::new();
        self.block(setting.block(), Contexts::SERVER, &mut conf, &mut |reader, inner| {
            locations.push(reader.location(inner, None)?);
            Ok(())
        })?;
        let names = conf.core.server_name.as_slice();
        server_name::capture(names, &self.names, self.env.files)?;
        Ok(ServerBlock { conf, locations, span: setting.node().name.span })
    }

    fn location(
        &self,
        setting: &Setting<'_>,
        outer: Option<(&MatchKind, &Str)>,
    ) -> Result<LocationBlock, Error> {
        let (kind, pattern) = location_kind(setting)?;
        if let Some(outer) = outer {
            check_nesting(setting, &kind, &pattern, outer)?;
        }
        if let MatchKind::Regex(regex) = &kind {
            let captured = self.names.capture(regex);
            captured.map_err(|message| setting.error_at(setting.args().len() - 1, message))?;
        }
        if let MatchKind::Named = kind
            && let Some(alias) = setting.block().iter().find(|node| node.name.text == "alias")
        {
            let alias = Setting::new(alias, Contexts::LOCATION, self.env);
            let message = "the \"alias\" directive cannot be used inside the named location";
            self.env.settle(Err(alias.error(message)))?;
        }
        let mut conf = BlockConf::new(self.modules);
        let mut locations = Vec::new();
        self.block(setting.block(), Contexts::LOCATION, &mut conf, &mut |reader, inner| {
            locations.push(reader.location(inner, Some((&kind, &pattern)))?);
            Ok(())
        })?;
        Ok(LocationBlock { kind, pattern, conf, locations, span: setting.node().name.span })
    }
}

/// The kind and pattern; the modifier may stand alone or at the head of the pattern.
fn location_kind(setting: &Setting<'_>) -> Result<(MatchKind, Str), Error> {
    let (modifier, pattern, at) = match setting.args().len() {
        2 => (setting.arg(0), setting.arg(1), 1),
        _ => {
            let text = setting.arg(0);
            let joined = ["=", "^~", "~*", "~"].into_iter().find(|m| text.starts_with(m));
            let modifier = joined.unwrap_or(if text.starts_with('@') { "@" } else { "" });
            let length = if modifier == "@" { 0 } else { modifier.len() };
            (modifier, &text[length..], 0)
        }
    };
    let regex = |caseless| {
        let place = setting.env().files.place(setting.node().name.span);
        let compiled = Regex::new(pattern, caseless, &place);
        compiled
            .map(|regex| MatchKind::Regex(Box::new(regex)))
            .map_err(|message| setting.error_at(at, message))
    };
    let kind = match modifier {
        "" if setting.args().len() == 1 => MatchKind::Prefix,
        "@" => MatchKind::Named,
        "=" => MatchKind::Exact,
        "^~" => MatchKind::PrefixFinal,
        "~" => regex(false)?,
        "~*" => regex(true)?,
        other => {
            return Err(setting.error_at(0, format!("invalid location modifier \"{other}\"")));
        }
    };
    Ok((kind, Str::copy(&conf::text::bytes(pattern))))
}

fn check_nesting(
    setting: &Setting<'_>,
    kind: &MatchKind,
    pattern: &Str,
    (outer_kind, outer): (&MatchKind, &Str),
) -> Result<(), Error> {
    let fail = |message: String| Err(setting.error_at(setting.args().len() - 1, message));
    match (outer_kind, kind) {
        (MatchKind::Exact, _) => {
            fail(format!("location \"{pattern}\" cannot be inside the exact location \"{outer}\""))
        }
        (MatchKind::Named, _) => {
            fail(format!("location \"{pattern}\" cannot be inside the named location \"{outer}\""))
        }
        (_, MatchKind::Named) => {
            fail(format!("named location \"{pattern}\" can be on the server level only"))
        }
        (_, MatchKind::Regex(_)) => Ok(()),
        // As nginx, which compares with an expression's text, too.
        _ if pattern.starts_with(&outer[..]) => Ok(()),
        _ => fail(format!("location \"{pattern}\" is outside location \"{outer}\"")),
    }
}
