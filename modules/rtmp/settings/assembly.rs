//! From what was written to servers, applications and listening addresses.

use std::collections::HashSet;
use std::rc::Rc;

use conf::{Error, Span};
use module::{Process, Setup};
use sys::socket::Address;

use crate::events::channel::Events;
use crate::follow::Followers;
use crate::instance::{self, Plan};
use crate::log::format::{self, Format};
use crate::module::{Application, Entry};
use crate::running::ListenAddress;
use crate::settings::app::{App, Made, SEPARATOR, Server};
use crate::settings::options::BlockOptions;
use crate::settings::written::{Listen, ServerBlock, Written};
use crate::zone;

/// Puts servers and applications together.
pub fn assemble(written: Written, setup: &mut Setup<'_>) -> Result<Plan, Error> {
    let Written { options: main, zone, servers, modules } = written;
    let (size, span) = zone.unwrap_or((256 << 20, Span::default()));
    let zone = usize::try_from(size).ok().and_then(zone::zone);
    let zone = zone.ok_or_else(|| {
        Error::at("the rtmp_zone is too small, or too large", span, setup.env.files)
    })?;
    let zone = Rc::new(zone);
    zone.install(setup)?;
    let mut assembly = Assembly::new(modules);
    for mut block in servers {
        block.options.inherit(&main, modules);
        assembly.add_server(block, main.logging.log_format.as_slice(), setup)?;
    }
    assembly.check_certificates(setup)?;
    let mut others = assembly.tls.processes("rtmp", setup);
    others.append(&mut assembly.processes);
    Ok(instance::plan(zone, assembly.listens, assembly.servers, others))
}

/// What the blocks come to, one server after the other.
struct Assembly {
    modules: &'static [Entry],
    /// What the modules have in the processes' life.
    processes: Vec<Rc<dyn Process>>,
    /// Names of applications that there are.
    names: HashSet<String>,
    listens: Vec<ListenAddress>,
    servers: Vec<Rc<Server>>,
    tls: tls::Servers,
}

impl Assembly {
    fn new(modules: &'static [Entry]) -> Assembly {
        Assembly {
            modules,
            processes: Vec::new(),
            names: HashSet::new(),
            listens: Vec::new(),
            servers: Vec::new(),
            tls: tls::Servers::new(http::client::fetch::ocsp),
        }
    }

    /// Every server whose clients are encrypted has a certificate.
    fn check_certificates(&self, setup: &Setup<'_>) -> Result<(), Error> {
        let encrypted = self.listens.iter().filter(|listen| listen.ssl);
        let has_certificate =
            |server: &Server| server.tls.as_ref().is_some_and(|tls| !tls.is_behind_another());
        match encrypted.flat_map(|listen| &listen.servers).find(|server| !has_certificate(server)) {
            None => Ok(()),
            Some(server) => {
                let message =
                    "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive";
                Err(Error::at(message, server.span, setup.env.files))
            }
        }
    }

    fn add_server(
        &mut self,
        block: ServerBlock,
        formats: &[Format],
        setup: &mut Setup<'_>,
    ) -> Result<(), Error> {
        let ServerBlock { mut options, listens, names, apps } = block;
        options.callbacks.open(setup.env)?;
        let number = self.servers.len();
        let logs = format::logs(&options.logging.access_log, formats, setup)?;
        let ports = listens.iter().filter_map(|listen| match &listen.address {
            Address::Inet(address) => Some(address.port()),
            Address::Unix(_) | Address::Datagrams(_) => None,
        });
        let ports = ports.collect();
        let mut all = Vec::new();
        for (name, span, mut own) in apps {
            own.inherit(&options, self.modules);
            own.callbacks.open(setup.env)?;
            if !own.callbacks.hooks().hooks.is_empty() {
                setup.connects("hooks");
            }
            let prefix = self.prefix(&name, names.first(), &listens[0].address);
            let followers = self.install(&name, &prefix, &own, setup);
            let made = Made {
                logs: format::logs(&own.logging.access_log, formats, setup)?,
                events: own.callbacks.rtmp_events.get().and_then(|word| Events::parse(&word.text)),
                followers: followers.map_err(|error| error.or_at(span, setup.env.files))?,
            };
            all.push(Rc::new(App::new(&name, prefix, number, &own, made)));
        }
        let tls = self.tls.make(&options.tls, &[&[]], None, &tls::name_alone, setup)?;
        let mut server = Server::new(number, ports, names, &options, logs, all);
        (server.tls, server.span) = (tls, listens[0].span);
        let server = Rc::new(server);
        for mut listen in listens {
            if options.connection.so_keepalive() && listen.options.so_keepalive.is_none() {
                let on = sys::socket::Keepalive { on: true, ..Default::default() };
                listen.options.so_keepalive = Some(on);
            }
            self.add_listen(listen, &server, setup)?;
        }
        self.servers.push(server);
        Ok(())
    }

    /// What the modules do with the streams of an application.
    fn install(
        &mut self,
        name: &str,
        prefix: &str,
        options: &BlockOptions,
        setup: &mut Setup<'_>,
    ) -> Result<Vec<Rc<dyn Followers>>, Error> {
        let publish_grace = options.stream.publish_grace();
        let (followers, processes) = (Vec::new(), Vec::new());
        let callbacks = &options.callbacks;
        let mut app =
            Application { name, prefix, setup, publish_grace, callbacks, followers, processes };
        if options.stream.live() {
            for (module, conf) in self.modules.iter().zip(&options.modules) {
                (module.install)(&**conf, &mut app)?;
            }
        }
        self.processes.append(&mut app.processes);
        Ok(app.followers)
    }

    /// What the names of an application's streams begin with. Applications of the same name in two servers have streams
    /// of their own. The first keeps its streams when another comes.
    fn prefix(&mut self, name: &str, host: Option<&String>, address: &Address) -> String {
        if self.names.insert(name.to_owned()) {
            return format!("{name}{SEPARATOR}");
        }
        // Servers that share an address differ in their names.
        let host = host.map_or(String::new(), |name| format!("{name}@"));
        format!("{host}{address}{SEPARATOR}{name}{SEPARATOR}")
    }

    fn add_listen(
        &mut self,
        listen: Listen,
        server: &Rc<Server>,
        setup: &mut Setup<'_>,
    ) -> Result<(), Error> {
        let known = self.listens.iter_mut().find(|known| known.address == listen.address);
        let Some(known) = known else {
            let scheme = if listen.ssl { "rtmps" } else { "rtmp" };
            let asked = setup.listen(listen.address.clone(), listen.options, scheme);
            asked.map_err(|error| error.or_at(listen.span, setup.env.files))?;
            self.listens.push(ListenAddress {
                address: listen.address,
                proxy_protocol: listen.proxy_protocol,
                ssl: listen.ssl,
                servers: vec![server.clone()],
                has_default: listen.default_server,
            });
            return Ok(());
        };
        let place = |error: Error| error.or_at(listen.span, setup.env.files);
        if server.names.is_empty() && known.servers.iter().any(|one| one.names.is_empty()) {
            let hint = "servers that share it need a server_name";
            let message = format!("duplicate listen {}", listen.address);
            return Err(place(Error::new(message).with_hint(hint)));
        }
        if listen.default_server && std::mem::replace(&mut known.has_default, true) {
            let message = format!("a duplicate default server for {}", listen.address);
            return Err(place(Error::new(message)));
        }
        known.proxy_protocol |= listen.proxy_protocol;
        known.ssl |= listen.ssl;
        match listen.default_server {
            true => known.servers.insert(0, server.clone()),
            false => known.servers.push(server.clone()),
        }
        Ok(())
    }
}
