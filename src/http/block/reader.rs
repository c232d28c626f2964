//! Reads the block: finds each directive's row and sets it in its block's conf.

use std::rc::Rc;

use conf::{Contexts, Env, Error, Node, Setting, Table, erase};
use mem::Str;
use proto::http1::Method;

use crate::block::api::Entry;
use crate::block::directives::CoreConf;
use crate::block::{BLOCKS, BlockConf, Inner, LocationBlock, ServerBlock, Written};
use crate::request::Names;
use crate::route::location::MatchKind;
use crate::route::regex::Regex;
use crate::route::server_name;
use crate::vars::connection::Variables;
use crate::vars::variables;

/// Reads the block.
pub(crate) struct Reader<'a> {
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

/// The location around a block.
type Outer<'o> = Option<(&'o MatchKind, &'o Str)>;

impl<'a> Reader<'a> {
    /// With the rows and variables of these modules.
    pub fn new(modules: &'static [Entry], env: &'a Env<'a>) -> Result<Reader<'a>, Error> {
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

    /// Reads all of it.
    pub fn http(self, setting: &Setting<'_>) -> Result<Written, Error> {
        let (main, inner) = self.block(setting.block(), Contexts::HTTP, None)?;
        Ok(Written { main, servers: inner.servers, names: Rc::new(self.names) })
    }

    /// Sets every directive of a block.
    fn block(
        &self,
        nodes: &[Node],
        context: Contexts,
        outer: Outer<'_>,
    ) -> Result<(BlockConf, Inner), Error> {
        let mut conf = BlockConf::new(self.modules);
        let mut inner = Inner::default();
        for node in nodes {
            let setting = Setting::new(node, context, self.env);
            let set = self.table.find(&setting).and_then(|found| match found {
                None => Ok(()),
                Some(found) => match found.owner {
                    BLOCK => self.inner(&setting, outer, &mut inner),
                    CORE => found.entry.set(&mut conf.core, &setting),
                    TLS => found.entry.set(&mut conf.tls, &setting),
                    owner => {
                        let number = owner - FIRST_MODULE;
                        found.entry.set(&mut *conf.modules[number], &setting)?;
                        match self.modules[number].branches_by {
                            Some(name) if name == setting.name() => {
                                self.branch(&setting, outer, number, &mut conf, &mut inner)
                            }
                            _ => Ok(()),
                        }
                    }
                },
            });
            self.env.settle(set)?;
        }
        Ok((conf, inner))
    }

    /// Reads a block in a block.
    fn inner(
        &self,
        setting: &Setting<'_>,
        outer: Outer<'_>,
        inner: &mut Inner,
    ) -> Result<(), Error> {
        match setting.name() {
            "server" => inner.servers.push(self.server(setting)?),
            "limit_except" => {
                if inner.limit_except.is_some() {
                    return Err(setting.duplicate());
                }
                let allowed = methods(setting)?;
                let location = self.anonymous(setting, Contexts::LIMIT_EXCEPT, outer)?;
                inner.limit_except = Some((allowed, Box::new(location)));
            }
            _ => inner.locations.push(self.location(setting, outer)?),
        }
        Ok(())
    }

    /// Reads the block of a module's condition.
    fn branch(
        &self,
        setting: &Setting<'_>,
        outer: Outer<'_>,
        module: usize,
        conf: &mut BlockConf,
        inner: &mut Inner,
    ) -> Result<(), Error> {
        let context = match setting.context().meets(Contexts::SERVER) {
            true => Contexts::SIF,
            false => Contexts::LIF,
        };
        let mut branch = self.anonymous(setting, context, outer)?;
        let theirs = &mut *branch.conf.modules[module];
        (self.modules[module].branch)(&mut *conf.modules[module], theirs);
        inner.branches.push(branch);
        Ok(())
    }

    fn server(&self, setting: &Setting<'_>) -> Result<ServerBlock, Error> {
        let (conf, inner) = self.block(setting.block(), Contexts::SERVER, None)?;
        let names = conf.core.server_name.as_slice();
        server_name::capture(names, &self.names, self.env.files)?;
        Ok(ServerBlock { conf, inner, span: setting.node().name.span })
    }

    fn location(&self, setting: &Setting<'_>, outer: Outer<'_>) -> Result<LocationBlock, Error> {
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
        let outer = Some((&kind, &pattern));
        let (conf, inner) = self.block(setting.block(), Contexts::LOCATION, outer)?;
        Ok(LocationBlock { kind, pattern, conf, inner, span: setting.node().name.span })
    }

    /// What is done in a location, or a server, under a condition.
    fn anonymous(
        &self,
        setting: &Setting<'_>,
        context: Contexts,
        outer: Outer<'_>,
    ) -> Result<LocationBlock, Error> {
        let (conf, inner) = self.block(setting.block(), context, None)?;
        let pattern = outer.map(|(_, pattern)| pattern.clone()).unwrap_or_default();
        let span = setting.node().name.span;
        Ok(LocationBlock { kind: MatchKind::Branch, pattern, conf, inner, span })
    }
}

/// The methods that `limit_except` leaves alone.
fn methods(setting: &Setting<'_>) -> Result<Vec<Method>, Error> {
    let mut methods = Vec::new();
    for (at, word) in setting.args().iter().enumerate() {
        let method = Method::of(word.text.to_ascii_uppercase().as_bytes());
        match method {
            Method::Other | Method::Connect | Method::Trace => {
                return Err(setting.error_at(at, format!("invalid method \"{word}\"")));
            }
            Method::Get => methods.extend([Method::Get, Method::Head]),
            method => methods.push(method),
        }
    }
    Ok(methods)
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
