//! The `rtmp {}` block: from directives to servers and applications.

use std::any::Any;
use std::collections::HashSet;
use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Env, Error, Node, Setting, Span, Table, contexts, erase};
use module::{Instance, Module, Setup};
use sys::socket::{Address, Options as SocketOptions};

use crate::events::channel::Events;
use crate::instance::{self, Plan, RtmpInstance};
use crate::log::format::{self, Format};
use crate::running::ListenAddress;
use crate::settings::app::{App, Made, SEPARATOR, Server};
use crate::settings::options::BlockOptions;
use crate::zone;

/// The core module that owns `rtmp {}`.
pub struct Rtmp;

/// The block as it was written.
#[derive(Default)]
pub struct RtmpConf {
    block: Option<Written>,
}

#[derive(Default)]
struct Written {
    options: BlockOptions,
    zone: Option<(u64, Span)>,
    servers: Vec<ServerBlock>,
}

struct ServerBlock {
    options: BlockOptions,
    listens: Vec<Listen>,
    names: Vec<String>,
    apps: Vec<(String, BlockOptions)>,
}

/// One `listen`.
#[derive(Clone)]
struct Listen {
    address: Address,
    options: SocketOptions,
    proxy_protocol: bool,
    ssl: bool,
    default_server: bool,
    span: Span,
}

/// RTMP's port.
const PORT: u16 = 1935;

static DIRECTIVES: &[Directive<RtmpConf>] = &[Directive::new(
    "rtmp",
    Contexts::MAIN,
    Arity::Exactly(0),
    set_rtmp,
    "",
    "everything that speaks RTMP",
)
.with_block()];

/// The blocks in it, and what only one of them has: the reader sees to these itself.
static BLOCKS: &[Directive<()>] = &[
    Directive::new("server", Contexts::RTMP, Arity::Exactly(0), |_, _| Ok(()), "", "a server")
        .with_block(),
    Directive::new(
        "application",
        Contexts::RTMP_SERVER,
        Arity::Exactly(1),
        |_, _| Ok(()),
        "",
        "an application: NAME, the first part of a stream's address",
    )
    .with_block(),
    Directive::new(
        "listen",
        Contexts::RTMP_SERVER,
        Arity::AtLeast(1),
        |_, _| Ok(()),
        "1935",
        "ADDRESS[:PORT] or PORT [default_server] [bind] [backlog=N] [reuseport] [ipv6only=on|off] [so_keepalive=…] [proxy_protocol] [ssl]",
    ),
    Directive::new(
        "server_name",
        Contexts::RTMP_SERVER,
        Arity::AtLeast(1),
        |_, _| Ok(()),
        "",
        "hosts for which this server is, among those that share a listen: NAME, *.NAME or NAME.*",
    ),
    Directive::new(
        "rtmp_zone",
        contexts!(RTMP),
        Arity::Exactly(1),
        |_, _| Ok(()),
        "256m",
        "shared memory for the streams of all workers; it is taken as it is needed",
    ),
];

/// The owner of these; behind it come the parts of a block's options.
const BLOCK: usize = 0;

fn set_rtmp(conf: &mut RtmpConf, setting: &Setting<'_>) -> Result<(), Error> {
    if conf.block.is_some() {
        return Err(setting.duplicate());
    }
    conf.block = Some(Reader::new(setting.env())?.rtmp(setting)?);
    Ok(())
}

impl Module for Rtmp {
    fn name(&self) -> &'static str {
        "rtmp"
    }

    fn directives(&self) -> Vec<conf::Entry> {
        erase(DIRECTIVES).collect()
    }

    fn create(&self) -> Box<dyn Any> {
        Box::new(RtmpConf::default())
    }

    fn init(&self, conf: Box<dyn Any>, setup: &mut Setup<'_>) -> Result<Box<dyn Instance>, Error> {
        let wrong = |_| Error::new("the rtmp block was given the configuration of another module");
        let conf = conf.downcast::<RtmpConf>().map_err(wrong)?;
        let plan = match conf.block {
            Some(written) if !written.servers.is_empty() => Some(assemble(written, setup)?),
            _ => None,
        };
        Ok(Box::new(RtmpInstance::new(plan)))
    }

    fn parts(&self) -> Vec<(&'static str, Vec<conf::Entry>)> {
        let options = BlockOptions::tables().into_iter().flatten();
        let all = erase(DIRECTIVES).chain(erase(BLOCKS)).chain(options);
        vec![("rtmp", all.collect())]
    }

    fn variables(&self) -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
        vec![("rtmp, in its log_format", format::HELP.to_vec())]
    }
}

struct Reader<'a> {
    table: Table,
    env: &'a Env<'a>,
}

/// What stands in a block beside options.
type Inner<'f> = &'f mut dyn FnMut(&Setting<'_>) -> Result<(), Error>;

impl<'a> Reader<'a> {
    fn new(env: &'a Env<'a>) -> Result<Reader<'a>, Error> {
        let mut table = Table::new();
        table.add(BLOCK, erase(BLOCKS))?;
        for (part, entries) in BlockOptions::tables().into_iter().enumerate() {
            table.add(BLOCK + 1 + part, entries)?;
        }
        Ok(Reader { table, env })
    }

    fn block(
        &self,
        nodes: &[Node],
        context: Contexts,
        options: &mut BlockOptions,
        inner: Inner<'_>,
    ) -> Result<(), Error> {
        for node in nodes {
            let setting = Setting::new(node, context, self.env);
            let set = self.table.find(&setting).and_then(|found| match found {
                Some(found) if found.owner == BLOCK => inner(&setting),
                Some(found) => found.entry.set(options.parts()[found.owner - BLOCK - 1], &setting),
                None => Ok(()),
            });
            self.env.settle(set)?;
        }
        Ok(())
    }

    fn rtmp(&self, setting: &Setting<'_>) -> Result<Written, Error> {
        let mut options = BlockOptions::default();
        let (mut zone, mut servers) = (None, Vec::new());
        self.block(setting.block(), Contexts::RTMP, &mut options, &mut |inner| {
            match inner.name() {
                "server" => servers.push(self.server(inner)?),
                _ if zone.is_some() => return Err(inner.duplicate()),
                _ => zone = Some((inner.size(0)?, inner.args()[0].span)),
            }
            Ok(())
        })?;
        Ok(Written { options, zone, servers })
    }

    fn server(&self, setting: &Setting<'_>) -> Result<ServerBlock, Error> {
        let mut options = BlockOptions::default();
        let (mut listens, mut apps) = (Vec::<Listen>::new(), Vec::<(String, BlockOptions)>::new());
        let mut names = Vec::new();
        self.block(setting.block(), Contexts::RTMP_SERVER, &mut options, &mut |inner| {
            if inner.name() == "listen" {
                let listen = listen(inner)?;
                if listens.iter().any(|known| known.address == listen.address) {
                    return Err(inner.error_at(0, format!("duplicate listen {}", listen.address)));
                }
                listens.push(listen);
                return Ok(());
            }
            if inner.name() == "server_name" {
                names.extend(inner.args().iter().map(|word| word.text.to_ascii_lowercase()));
                return Ok(());
            }
            let name = inner.arg(0).to_owned();
            if apps.iter().any(|(known, _)| *known == name) {
                return Err(inner.error_at(0, format!("duplicate application \"{name}\"")));
            }
            let mut options = BlockOptions::default();
            self.block(inner.block(), Contexts::APPLICATION, &mut options, &mut |_| Ok(()))?;
            apps.push((name, options));
            Ok(())
        })?;
        if listens.is_empty() {
            let any = std::net::SocketAddr::from(([0, 0, 0, 0], PORT));
            listens.push(Listen {
                address: Address::Inet(any),
                options: SocketOptions::default(),
                proxy_protocol: false,
                ssl: false,
                default_server: false,
                span: setting.node().name.span,
            });
        }
        Ok(ServerBlock { options, listens, names, apps })
    }
}

fn listen(setting: &Setting<'_>) -> Result<Listen, Error> {
    let address = module::listen::address(setting.arg(0), PORT);
    let address = address.map_err(|message| setting.error_at(0, message))?;
    let span = setting.args()[0].span;
    let options = SocketOptions::default();
    let (proxy_protocol, ssl, default_server) = (false, false, false);
    let mut listen = Listen { address, options, proxy_protocol, ssl, default_server, span };
    for (at, word) in setting.args().iter().enumerate().skip(1) {
        match word.text.as_str() {
            "proxy_protocol" => listen.proxy_protocol = true,
            "ssl" => listen.ssl = true,
            "default_server" | "default" => listen.default_server = true,
            text => module::listen::option(&listen.address, &mut listen.options, text)
                .map_err(|message| setting.error_at(at, message))?,
        }
    }
    Ok(listen)
}

fn assemble(written: Written, setup: &mut Setup<'_>) -> Result<Plan, Error> {
    let Written { options: main, zone, servers } = written;
    let (size, span) = zone.unwrap_or((256 << 20, Span::default()));
    let zone = usize::try_from(size).ok().and_then(zone::zone);
    let zone = zone.ok_or_else(|| {
        Error::at("the rtmp_zone is too small, or too large", span, setup.env.files)
    })?;
    let zone = Rc::new(zone);
    zone.install(setup)?;
    let mut assembly = Assembly::new();
    for mut block in servers {
        block.options.inherit(&main);
        assembly.add_server(block, main.logging.log_format.as_slice(), setup)?;
    }
    assembly.check_certificates(setup)?;
    let tls = assembly.tls.processes("rtmp", setup);
    Ok(instance::plan(zone, assembly.listens, assembly.servers, tls))
}

/// What the blocks come to, one server after the other.
struct Assembly {
    /// Names of applications that there are.
    names: HashSet<String>,
    listens: Vec<ListenAddress>,
    servers: Vec<Rc<Server>>,
    tls: tls::Servers,
}

impl Assembly {
    fn new() -> Assembly {
        Assembly {
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
            Address::Unix(_) => None,
        });
        let ports = ports.collect();
        let mut all = Vec::new();
        for (name, mut own) in apps {
            own.inherit(&options);
            own.callbacks.open(setup.env)?;
            if !own.callbacks.hooks().hooks.is_empty() {
                setup.connects("hooks");
            }
            let made = Made {
                logs: format::logs(&own.logging.access_log, formats, setup)?,
                events: own.callbacks.rtmp_events.get().and_then(|word| Events::parse(&word.text)),
            };
            let prefix = self.prefix(&name, names.first(), &listens[0].address);
            all.push(Rc::new(App::new(&name, prefix, number, &own, made)));
        }
        let tls = self.tls.make(&options.tls, &[&[]], None, setup)?;
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
