//! From the written block to what serves: inheritance, servers by address.

use std::rc::Rc;

use conf::Error;
use http::Installing;
use http::client::fetch;
use http::route::addresses::Addresses;
use http::route::listener;
use http::route::server_name;
use http::vars::handshake;
use http::vars::names::Names;
use http::vars::ssl;
use module::{Process, Setup};
use sys::socket::Address;

use crate::api::{Declarations, Entry, Hooks, Parts};
use crate::instance::StreamInstance;
use crate::listener::Listener;
use crate::pass::{self, Pass};
use crate::session::{Server, Session};
use crate::set;
use crate::text::Text;
use crate::written::{BlockConf, ServerBlock, Written};

/// Buffers are not larger than that.
const LARGEST: u64 = 16 << 20;

/// Makes the block serve.
pub fn assemble(
    written: Written,
    modules: &'static [Entry],
    setup: &mut Setup<'_>,
) -> Result<StreamInstance, Error> {
    let Written { mut main, servers, names } = written;
    main.core.open_logs(setup);
    declare(&main, &servers, &names, modules, setup)?;
    let mut processes = Vec::new();
    let mut tls = tls::Servers::new(fetch::ocsp);
    let mut addresses = Addresses::default();
    for block in servers {
        let ServerBlock { mut conf, span } = block;
        let fail = |what: &str| Error::at(what, span, setup.env.files);
        let listens = conf.core.listen.as_slice().to_vec();
        if listens.is_empty() {
            return Err(fail("no \"listen\" is defined for server"));
        }
        conf.core.open_logs(setup);
        conf.inherit(&main, modules);
        let placed = server_name::placed(conf.core.server_name.as_slice(), setup.env.files);
        let parts = parts(&conf, modules, &names, &mut processes, setup)?;
        let server = make(&conf, parts, &names, &mut tls, setup)?;
        let server = Rc::new(server.ok_or_else(|| {
            let hint = "\"proxy_pass\" passes what clients say on, \"return\" sends them a text";
            fail("no handler for server").with_hint(hint)
        })?);
        addresses.add(&server, &placed, listens, span, setup)?;
    }
    let keeps_offers = ssl::OFFERS.iter().any(|name| names.is_asked(name));
    let listeners = listen(addresses, keeps_offers, setup)?;
    processes.extend(tls.processes("stream", setup));
    Ok(StreamInstance { modules, listeners, processes })
}

/// Makes the variables of all blocks.
fn declare(
    main: &BlockConf,
    servers: &[ServerBlock],
    names: &Names<Session>,
    modules: &[Entry],
    setup: &Setup<'_>,
) -> Result<(), Error> {
    let declarations = Declarations::new(names, setup.env);
    for conf in std::iter::once(main).chain(servers.iter().map(|server| &server.conf)) {
        set::declare(conf.core.set.as_slice(), &declarations)?;
        let mut all = modules.iter().zip(&conf.modules);
        all.try_for_each(|(module, conf)| (module.declare)(&**conf, &declarations))?;
    }
    declarations.finish()
}

/// Asks every module what it wants to do in a server.
fn parts(
    conf: &BlockConf,
    modules: &[Entry],
    names: &Rc<Names<Session>>,
    processes: &mut Vec<Rc<dyn Process>>,
    setup: &mut Setup<'_>,
) -> Result<Parts, Error> {
    let installing = Installing::new(names, processes, setup);
    let listens = conf.core.listen.as_slice();
    let datagrams = listens.iter().any(|one| matches!(one.address, Address::Datagrams(_)));
    let mut hooks = Hooks { parts: Parts::default(), installing, datagrams };
    if let Some(text) = conf.core.r#return.get() {
        let text = hooks.template(text)?;
        hooks.content(Text(text));
    }
    if let Some(word) = conf.core.pass.get() {
        if hooks.datagrams {
            return Err(hooks.error(word, "\"pass\" is for connections, not for datagrams"));
        }
        let to = hooks.template(word)?;
        hooks.content(match to.as_literal() {
            None => Pass::Said(to),
            Some(_) => {
                let address = pass::address(&word.text).map_err(|why| hooks.error(word, why))?;
                Pass::To(address, word.text.to_string())
            }
        });
    }
    set::install(conf.core.set.as_slice(), names, &mut hooks)?;
    for (at, module) in modules.iter().enumerate() {
        (module.install)(&*conf.modules[at], &mut hooks)?;
    }
    let mut parts = hooks.parts;
    // Stable: within a phase the order is that of the list of modules.
    parts.handlers.sort_by_key(|(phase, _)| *phase);
    Ok(parts)
}

/// `None`: nothing says what its sessions are there for.
fn make(
    conf: &BlockConf,
    parts: Parts,
    names: &Names<Session>,
    tls: &mut tls::Servers,
    setup: &mut Setup<'_>,
) -> Result<Option<Server>, Error> {
    let core = &conf.core;
    let Parts { handlers, prereads, content, loggers, kept } = parts;
    let Some(content) = content else { return Ok(None) };
    let protocols = core.ssl_alpn.get().into_iter().flatten();
    let protocols: Vec<&[u8]> = protocols.map(String::as_bytes).collect();
    let compile = handshake::compile(names);
    let tls = tls.make(&conf.tls, &[&protocols], None, &compile, setup)?;
    Ok(Some(Server {
        tls,
        handlers: handlers.into(),
        prereads: prereads.into(),
        content,
        loggers: loggers.into(),
        kept: kept.into(),
        preread_buffer_size: core.preread_buffer_size().clamp(1, LARGEST) as usize,
        preread_timeout: core.preread_timeout(),
        proxy_protocol_timeout: core.proxy_protocol_timeout(),
        handshake_timeout: core.ssl_handshake_timeout(),
        tcp_nodelay: core.tcp_nodelay(),
        error_logs: core.error_logs.as_slice().to_vec(),
    }))
}

fn listen(
    addresses: Addresses<Server>,
    keeps_offers: bool,
    setup: &mut Setup<'_>,
) -> Result<Vec<Listener>, Error> {
    let mut listeners = Vec::new();
    for (own, covered) in addresses.group() {
        for one in std::iter::once(&own).chain(&covered) {
            one.check_certificates(setup.env.files)?;
        }
        let options = own.options.clone().unwrap_or_default();
        let scheme = match own.address {
            Address::Datagrams(_) => "udp",
            _ if own.hosts.ssl => "tls",
            _ => "tcp",
        };
        let asked = setup.listen(own.address.clone(), options, scheme);
        asked.map_err(|error| error.or_at(own.span(), setup.env.files))?;
        let listener = listener::Listener::new(own, covered);
        listeners.push(Listener::new(listener.keeping_offers(keeps_offers)));
    }
    Ok(listeners)
}
