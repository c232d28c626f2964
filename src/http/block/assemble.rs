//! From the written block to what serves: inheritance, hooks, servers by address.

use std::rc::Rc;

use conf::{Error, Word};
use mem::Str;
use module::{Process, Setup};

use crate::block::api::{Entry, Hooks, Level};
use crate::block::declarations::Declarations;
use crate::block::installing::Installing;
use crate::block::listen;
use crate::block::parts::Parts;
use crate::block::{BlockConf, Inner, LocationBlock, ServerBlock, Written};
use crate::client::fetch;
use crate::counts::{self, Counter};
use crate::handshake::PROTOCOLS;
use crate::request::flow::Phase;
use crate::request::{Content, Listener, Location, Names, Server};
use crate::route::addresses::Addresses;
use crate::route::listen::Listen;
use crate::route::location::{LimitExcept, Locations, MatchKind};
use crate::route::server_name;
use crate::vars::{handshake, ssl};

/// What serves, and what takes part in the life of the processes.
pub struct Assembled {
    /// The listening addresses with their servers.
    pub listeners: Vec<Listener>,
    /// The modules' parts.
    pub processes: Vec<Rc<dyn Process>>,
}

/// Makes the block serve.
pub fn assemble(
    written: Written,
    modules: &'static [Entry],
    setup: &mut Setup<'_>,
) -> Result<Assembled, Error> {
    let Written { mut main, servers, names } = written;
    main.core.open_logs(setup);
    if let Some(trace) = main.core.event_trace.get_mut() {
        trace.open(setup);
    }
    let declarations = Declarations::new(&*names, setup.env);
    declare(&main, modules, &declarations)?;
    for server in &servers {
        declare(&server.conf, modules, &declarations)?;
        declare_in(&server.inner, modules, &declarations)?;
    }
    declarations.finish()?;
    let mut builder = Builder {
        modules,
        names: &names,
        setup,
        processes: Vec::new(),
        tls: tls::Servers::new(fetch::ocsp),
        counts: false,
        automatic: None,
        server_names: Vec::new(),
    };
    let mut addresses = Addresses::default();
    for block in servers {
        let mut listens = block.conf.core.listen.as_slice().to_vec();
        if listens.is_empty() {
            listens.push(Listen::at(listen::default_address(), block.span));
        }
        let names = block.conf.core.server_name.as_slice();
        let server_names = server_name::placed(names, builder.setup.env.files);
        let span = block.span;
        let server = Rc::new(builder.server(block, &main)?);
        addresses.add(&server, &server_names, listens, span, builder.setup)?;
    }
    let trace = main.core.event_trace.get().and_then(|conf| conf.trace());
    let keeps_offers = ssl::OFFERS.iter().any(|name| names.is_asked(name));
    let mut listeners = Vec::new();
    for (own, covered) in addresses.group() {
        for one in std::iter::once(&own).chain(&covered) {
            one.check_certificates(builder.setup.env.files)?;
        }
        let scheme = if own.hosts.ssl { "https" } else { "http" };
        let options = own.options.clone().unwrap_or_default();
        let asked = builder.setup.listen(own.address.clone(), options, scheme);
        asked.map_err(|error| error.or_at(own.span(), builder.setup.env.files))?;
        let listener = Listener::new(own, covered).traced(trace.clone());
        listeners.push(listener.keeping_offers(keeps_offers));
    }
    let mut processes = builder.processes;
    processes.extend(builder.tls.processes("http", builder.setup));
    if builder.counts || counts::VARIABLES.iter().any(|name| names.is_asked(name)) {
        processes.push(Rc::new(Counter::new(builder.setup)));
    }
    Ok(Assembled { listeners, processes })
}

/// Makes the variables of a block.
fn declare(
    conf: &BlockConf,
    modules: &[Entry],
    declarations: &Declarations<'_, '_>,
) -> Result<(), Error> {
    let mut all = modules.iter().zip(&conf.modules);
    all.try_for_each(|(module, conf)| (module.declare)(&**conf, declarations))
}

/// The same of the blocks in a block.
fn declare_in(
    inner: &Inner,
    modules: &[Entry],
    declarations: &Declarations<'_, '_>,
) -> Result<(), Error> {
    let limited = inner.limit_except.iter().map(|(_, location)| &**location);
    let mut all = inner.branches.iter().chain(&inner.locations).chain(limited);
    all.try_for_each(|location| {
        declare(&location.conf, modules, declarations)?;
        declare_in(&location.inner, modules, declarations)
    })
}

struct Builder<'b, 's> {
    modules: &'static [Entry],
    names: &'b Rc<Names>,
    setup: &'b mut Setup<'s>,
    processes: Vec<Rc<dyn Process>>,
    tls: tls::Servers,
    /// Somebody wants to know what all workers count.
    counts: bool,
    /// Of the server that was looked at last.
    automatic: Option<tls::fresh::Automatic>,
    /// Of the server that is being made, as they are written.
    server_names: Vec<Word>,
}

impl Builder<'_, '_> {
    fn server(&mut self, block: ServerBlock, main: &BlockConf) -> Result<Server, Error> {
        let ServerBlock { mut conf, inner, .. } = block;
        conf.core.open_logs(self.setup);
        conf.inherit(main, self.modules);
        let names = conf.core.server_name.as_slice();
        let name = server_name::first(names);
        self.server_names = names.iter().map(|(_, word)| word.clone()).collect();
        let (named, plain): (Vec<_>, Vec<_>) =
            inner.locations.into_iter().partition(|block| matches!(block.kind, MatchKind::Named));
        let mut all_named = Vec::new();
        for block in named {
            all_named.push(self.location(block, &conf)?);
        }
        let nested = self.locations(plain, &conf)?;
        let mut location = self.hooked(&conf, MatchKind::Server, Str::EMPTY, Level::Server)?;
        location.nested = nested;
        location.branches = self.branches(inner.branches, &conf)?;
        let content = &mut location.content;
        let (rewrite, handlers) = Vec::from(std::mem::take(&mut content.handlers))
            .into_iter()
            .partition::<Vec<_>, _>(|(phase, _)| *phase == Phase::ServerRewrite);
        content.handlers = handlers.into();
        content.rewrite = rewrite.into_iter().map(|(_, handler)| handler).collect();
        let automatic = self.automatic.take();
        let (compile, protocols) = (handshake::compile(self.names), &PROTOCOLS);
        let tls = self.tls.make(&conf.tls, protocols, automatic, &compile, self.setup)?;
        Ok(Server { name, tls, location, named: all_named })
    }

    fn locations(
        &mut self,
        blocks: Vec<LocationBlock>,
        outer: &BlockConf,
    ) -> Result<Locations<Content>, Error> {
        let mut locations = Locations::default();
        for block in blocks {
            let span = block.span;
            if let Err(pattern) = locations.add(self.location(block, outer)?) {
                let message = format!("duplicate location \"{pattern}\"");
                return Err(Error::at(message, span, self.setup.env.files));
            }
        }
        Ok(locations)
    }

    fn location(&mut self, block: LocationBlock, outer: &BlockConf) -> Result<Location, Error> {
        let LocationBlock { kind, pattern, mut conf, inner, .. } = block;
        conf.core.set_alias(&kind, &pattern);
        conf.core.open_logs(self.setup);
        conf.inherit(outer, self.modules);
        let nested = self.locations(inner.locations, &conf)?;
        let mut location = self.hooked(&conf, kind, pattern, Level::Location)?;
        location.nested = nested;
        location.branches = self.branches(inner.branches, &conf)?;
        if let Some((allowed, block)) = inner.limit_except {
            let limited = Box::new(self.branch(*block, &conf, |module| module.keeps_limited)?);
            location.limit_except = Some(LimitExcept { allowed, location: limited });
        }
        Ok(location)
    }

    fn branches(
        &mut self,
        blocks: Vec<LocationBlock>,
        outer: &BlockConf,
    ) -> Result<Vec<Location>, Error> {
        blocks.into_iter().map(|block| self.branch(block, outer, |_| true)).collect()
    }

    /// What makes the answer in a location makes it in its branches, too.
    fn branch(
        &mut self,
        mut block: LocationBlock,
        outer: &BlockConf,
        keeps: impl Fn(&Entry) -> bool,
    ) -> Result<Location, Error> {
        for (at, module) in self.modules.iter().enumerate().filter(|(_, module)| keeps(module)) {
            (module.keep_content)(&mut *block.conf.modules[at], &*outer.modules[at]);
        }
        self.location(block, outer)
    }

    /// Asks every module what it wants to do here.
    fn hooked(
        &mut self,
        conf: &BlockConf,
        kind: MatchKind,
        pattern: Str,
        level: Level,
    ) -> Result<Location, Error> {
        let mut settings = conf.core.settings(self.setup.env)?;
        let words = conf.core.words(self.names, self.setup.env)?;
        let mut hooks = Hooks {
            settings: &settings,
            level,
            kind: &kind,
            pattern: &pattern,
            server_names: self.server_names.clone(),
            parts: Parts::default(),
            limits_bodies: false,
            counts_connections: false,
            automatic: None,
            installing: Installing::new(self.names, &mut self.processes, self.setup),
        };
        for (at, module) in self.modules.iter().enumerate() {
            (module.install)(&*conf.modules[at], &mut hooks)?;
        }
        let Hooks { parts, limits_bodies, counts_connections, automatic, .. } = hooks;
        self.counts |= counts_connections;
        if level == Level::Server {
            self.automatic = automatic;
        }
        if limits_bodies {
            settings.client_max_body_size = 0;
        }
        Ok(Location::new(kind, pattern, parts.content(settings, words)))
    }
}
