//! From the written block to what serves: inheritance, hooks, servers by address.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use conf::{Error, Span};
use mem::Str;
use module::{Process, Setup};
use sys::socket::{Address, Options};

use crate::block::api::{Declarations, Entry, Hooks, Level};
use crate::block::listen::{self, Listen};
use crate::block::{BlockConf, LocationBlock, ServerBlock, Written};
use crate::client::fetch;
use crate::request::flow::Phase;
use crate::request::{Content, Listener, Location, Names, Server};
use crate::route::hosts::{Hosts, Name};
use crate::route::location::{Locations, MatchKind};
use crate::vars::ssl;

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
    let declarations = Declarations { names: &names, env: setup.env, later: RefCell::default() };
    declare(&main, modules, &declarations)?;
    for server in &servers {
        declare(&server.conf, modules, &declarations)?;
        declare_in(&server.locations, modules, &declarations)?;
    }
    let later = declarations.later.take();
    later.into_iter().try_for_each(|later| later(&declarations))?;
    let mut builder = Builder {
        modules,
        names: &names,
        setup,
        processes: Vec::new(),
        tls: tls::Servers::default(),
        automatic: None,
    };
    let mut addresses = Addresses::default();
    for block in servers {
        let listens = block.conf.core.listen.as_slice().to_vec();
        let server_names = names_of(&block, builder.setup.env.files);
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
        builder.setup.listen(own.address.clone(), own.options.unwrap_or_default(), scheme)?;
        let covered = covered.into_iter().map(|covered| (covered.address, covered.hosts)).collect();
        let listener = Listener::new(own.address, own.hosts, covered, trace.clone());
        listeners.push(listener.keeping_offers(keeps_offers));
    }
    let mut processes = builder.processes;
    processes.extend(builder.tls.processes("http", fetch::ocsp, builder.setup));
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

/// The same of locations, and of those in them.
fn declare_in(
    locations: &[LocationBlock],
    modules: &[Entry],
    declarations: &Declarations<'_, '_>,
) -> Result<(), Error> {
    locations.iter().try_for_each(|location| {
        declare(&location.conf, modules, declarations)?;
        declare_in(&location.locations, modules, declarations)
    })
}

/// The server's names, each with its place.
fn names_of(block: &ServerBlock, files: &conf::Files) -> Vec<(Name, String)> {
    let names = block.conf.core.server_name.as_slice();
    match names.is_empty() {
        true => vec![(Name::Exact(String::new()), String::new())],
        false => names.iter().map(|(name, word)| (name.clone(), files.place(word.span))).collect(),
    }
}

struct Builder<'b, 's> {
    modules: &'static [Entry],
    names: &'b Names,
    setup: &'b mut Setup<'s>,
    processes: Vec<Rc<dyn Process>>,
    tls: tls::Servers,
    /// Of the server that was looked at last.
    automatic: Option<tls::fresh::Automatic>,
}

impl Builder<'_, '_> {
    fn server(&mut self, block: ServerBlock, main: &BlockConf) -> Result<Server, Error> {
        let ServerBlock { mut conf, locations, .. } = block;
        conf.core.open_logs(self.setup);
        conf.inherit(main, self.modules);
        let name = conf.core.server_name.as_slice().first();
        let name = name.map_or(Str::EMPTY, |(name, word)| match name {
            Name::Regex(_) => Str::copy(&conf::text::bytes(&word.text)),
            // Names have no case, and are shown in small letters.
            _ => Str::copy(&conf::text::bytes(&word.text).to_ascii_lowercase()),
        });
        let (named, plain): (Vec<_>, Vec<_>) =
            locations.into_iter().partition(|location| matches!(location.kind, MatchKind::Named));
        let mut all_named = Vec::new();
        for block in named {
            all_named.push(self.location(block, &conf)?);
        }
        let nested = self.locations(plain, &conf)?;
        let mut location = self.hooked(&conf, MatchKind::Server, Str::EMPTY, Level::Server)?;
        location.nested = nested;
        let content = &mut location.content;
        let (rewrite, handlers) = Vec::from(std::mem::take(&mut content.handlers))
            .into_iter()
            .partition::<Vec<_>, _>(|(phase, _)| *phase == Phase::ServerRewrite);
        content.handlers = handlers.into();
        content.rewrite = rewrite.into_iter().map(|(_, handler)| handler).collect();
        let automatic = self.automatic.take();
        let tls = self.tls.make(&conf.tls, &crate::handshake::PROTOCOLS, automatic, self.setup)?;
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
        let LocationBlock { kind, pattern, mut conf, locations, .. } = block;
        conf.core.set_alias(&kind, &pattern);
        conf.core.open_logs(self.setup);
        conf.inherit(outer, self.modules);
        let nested = self.locations(locations, &conf)?;
        let mut location = self.hooked(&conf, kind, pattern, Level::Location)?;
        location.nested = nested;
        Ok(location)
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
            server_names: conf
                .core
                .server_name
                .as_slice()
                .iter()
                .map(|(_, word)| word.clone())
                .collect(),
            handlers: Vec::new(),
            filters: Vec::new(),
            body_filters: Vec::new(),
            trailers: Vec::new(),
            loggers: Vec::new(),
            processes: &mut self.processes,
            limits_bodies: false,
            automatic: None,
            names: self.names,
            setup: self.setup,
        };
        for (at, module) in self.modules.iter().enumerate() {
            (module.install)(&*conf.modules[at], &mut hooks)?;
        }
        let Hooks {
            mut handlers,
            mut filters,
            mut body_filters,
            trailers,
            loggers,
            limits_bodies,
            automatic,
            ..
        } = hooks;
        if level == Level::Server {
            self.automatic = automatic;
        }
        if limits_bodies {
            settings.client_max_body_size = 0;
        }
        // Stable: within a phase the order is that of the list of modules.
        handlers.sort_by_key(|(phase, _)| *phase);
        filters.sort_by_key(|(order, _)| *order);
        body_filters.sort_by_key(|(order, _)| *order);
        let filters = filters.into_iter().map(|(_, filter)| filter).collect();
        let body_filters = body_filters.into_iter().map(|(_, filter)| filter).collect();
        let content = Content {
            settings,
            words,
            rewrite: Box::default(),
            handlers: handlers.into(),
            filters,
            body_filters,
            trailers: trailers.into(),
            loggers: loggers.into(),
        };
        Ok(Location { kind, pattern, content, nested: Locations::default() })
    }
}

/// An address while servers are added to it.
struct Listening {
    address: Address,
    options: Option<Options>,
    bind: bool,
    has_default: bool,
    hosts: Hosts<Server>,
    /// Where each of the servers that want encryption, or share an address with one that does, is written.
    spans: Vec<Span>,
}

/// In the order in which they are written, and where each stands: a range of listeners has thousands.
#[derive(Default)]
struct Addresses {
    all: Vec<Listening>,
    places: HashMap<Address, usize>,
}

impl Addresses {
    fn add(
        &mut self,
        server: &Rc<Server>,
        names: &[(Name, String)],
        mut listens: Vec<Listen>,
        span: conf::Span,
        setup: &mut Setup<'_>,
    ) -> Result<(), Error> {
        if listens.is_empty() {
            let address = listen::default_address();
            listens.push(Listen::at(address, span));
        }
        listens.retain(|listen| !listen.quic);
        let mut own = HashSet::new();
        for listen in &listens {
            let fail = |what: &str| {
                let message = format!("{what} {}", listen.address);
                Error::at(message, listen.span, setup.env.files)
            };
            if !own.insert(&listen.address) {
                return Err(fail("a duplicate listen"));
            }
            let listening = self.at(&listen.address);
            if listen.options.is_some() {
                if listening.options.is_some() {
                    return Err(fail("duplicate listen options for"));
                }
                listening.options.clone_from(&listen.options);
            }
            listening.bind |= listen.bind;
            listening.hosts.proxy_protocol |= listen.proxy_protocol;
            listening.hosts.ssl |= listen.ssl;
            listening.spans.push(listen.span);
            listening.hosts.http2 |= listen.http2;
            let added = listening.hosts.add(server.clone(), names);
            let conflicts = added.map_err(|e| Error::at(e, span, setup.env.files))?;
            for name in conflicts {
                let message =
                    format!("conflicting server name \"{name}\" on {}, ignored", listen.address);
                let warning = Error::at(message, span, setup.env.files);
                setup.env.warnings.borrow_mut().push(warning);
            }
            if let Some(name) = listening.hosts.indistinct() {
                let message =
                    format!("invalid server name or wildcard \"{name}\" on {}", listen.address);
                return Err(Error::at(message, span, setup.env.files));
            }
            if listen.default_server {
                if listening.has_default {
                    return Err(fail("a duplicate default server for"));
                }
                listening.has_default = true;
                listening.hosts.make_default();
            }
        }
        Ok(())
    }

    fn at(&mut self, address: &Address) -> &mut Listening {
        let known = self.places.get(address).copied();
        let at = known.unwrap_or_else(|| {
            self.places.insert(address.clone(), self.all.len());
            self.all.push(Listening {
                address: address.clone(),
                options: None,
                bind: false,
                has_default: false,
                hosts: Hosts::default(),
                spans: Vec::new(),
            });
            self.all.len() - 1
        });
        &mut self.all[at]
    }

    /// Sockets, each with the addresses that share it: a wildcard address takes the connections of
    /// the others on its port, unless they want a socket of their own.
    fn group(self) -> Vec<(Listening, Vec<Listening>)> {
        let (own, rest): (Vec<_>, Vec<_>) =
            self.all.into_iter().partition(|one| one.bind || one.is_any());
        let mut groups: Vec<_> = own.into_iter().map(|one| (one, Vec::new())).collect();
        let wildcards = groups.iter().enumerate().filter(|(_, (one, _))| one.is_any());
        let wildcards: HashMap<_, _> =
            wildcards.filter_map(|(at, (one, _))| Some((one.port()?, at))).collect();
        for one in rest {
            match one.port().and_then(|port| wildcards.get(&port)) {
                Some(&at) => groups[at].1.push(one),
                None => groups.push((one, Vec::new())),
            }
        }
        groups
    }
}

impl Listening {
    fn is_any(&self) -> bool {
        matches!(self.address, Address::Inet(address) if address.ip().is_unspecified())
    }

    /// Whether every handshake finds a certificate, as nginx asks for it: that of the default server is everybody's, unless
    /// that one refuses handshakes.
    fn check_certificates(&self, files: &conf::Files) -> Result<(), Error> {
        if !self.hosts.ssl {
            return Ok(());
        }
        let default = self.hosts.default_server().tls.as_ref();
        if default.is_some_and(|tls| !tls.rejects()) {
            return Ok(());
        }
        let servers = self.hosts.servers().zip(&self.spans);
        let lacks = |server: &Server| match default {
            None => std::ptr::eq(server, self.hosts.default_server()),
            Some(_) => server.tls.is_none(),
        };
        match servers.into_iter().find(|(server, _)| lacks(server)) {
            Some((_, span)) => {
                let message =
                    "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive";
                Err(Error::at(message, *span, files))
            }
            None => Ok(()),
        }
    }

    /// What a wildcard address takes all of: a port of one family.
    fn port(&self) -> Option<(bool, u16)> {
        match self.address {
            Address::Inet(address) => Some((address.is_ipv4(), address.port())),
            Address::Unix(_) => None,
        }
    }
}
