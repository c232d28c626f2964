//! The `rtmp {}` block: from directives to servers and applications.

use std::any::Any;

use conf::{Arity, Contexts, Directive, Env, Error, Node, Setting, Span, Table, contexts, erase};
use module::{Instance, Module, Setup};
use sys::socket::{Address, Options as SocketOptions};

use crate::instance::RtmpInstance;
use crate::log::format;
use crate::module::Entry;
use crate::settings::assembly::assemble;
use crate::settings::options::BlockOptions;
use crate::settings::written::{Listen, ServerBlock, Written};

/// The core module that owns `rtmp {}`.
pub struct Rtmp {
    modules: &'static [Entry],
}

impl Rtmp {
    /// With these modules.
    pub const fn new(modules: &'static [Entry]) -> Rtmp {
        Rtmp { modules }
    }
}

/// The block as it was written.
pub struct RtmpConf {
    modules: &'static [Entry],
    block: Option<Written>,
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
    conf.block = Some(Reader::new(setting.env(), conf.modules)?.rtmp(setting)?);
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
        Box::new(RtmpConf { modules: self.modules, block: None })
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
        let options = BlockOptions::tables(&[]).into_iter().flatten();
        let all = erase(DIRECTIVES).chain(erase(BLOCKS)).chain(options);
        let modules = self.modules.iter().map(|module| (module.name, (module.directives)()));
        std::iter::once(("rtmp", all.collect())).chain(modules).collect()
    }

    fn variables(&self) -> Vec<(&'static str, Vec<(&'static str, &'static str)>)> {
        vec![("rtmp, in its log_format", format::HELP.to_vec())]
    }
}

struct Reader<'a> {
    modules: &'static [Entry],
    table: Table,
    env: &'a Env<'a>,
}

/// What stands in a block beside options.
type Inner<'f> = &'f mut dyn FnMut(&Setting<'_>) -> Result<(), Error>;

impl<'a> Reader<'a> {
    fn new(env: &'a Env<'a>, modules: &'static [Entry]) -> Result<Reader<'a>, Error> {
        let mut table = Table::new();
        table.add(BLOCK, erase(BLOCKS))?;
        for (part, entries) in BlockOptions::tables(modules).into_iter().enumerate() {
            table.add(BLOCK + 1 + part, entries)?;
        }
        Ok(Reader { modules, table, env })
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
                Some(found) => found.entry.set(options.part(found.owner - BLOCK - 1), &setting),
                None => Ok(()),
            });
            self.env.settle(set)?;
        }
        Ok(())
    }

    fn rtmp(&self, setting: &Setting<'_>) -> Result<Written, Error> {
        let mut options = BlockOptions::new(self.modules);
        let (mut zone, mut servers) = (None, Vec::new());
        self.block(setting.block(), Contexts::RTMP, &mut options, &mut |inner| {
            match inner.name() {
                "server" => servers.push(self.server(inner)?),
                _ if zone.is_some() => return Err(inner.duplicate()),
                _ => zone = Some((inner.size(0)?, inner.args()[0].span)),
            }
            Ok(())
        })?;
        for (module, conf) in self.modules.iter().zip(&mut options.modules) {
            (module.complete)(&mut **conf)?;
        }
        Ok(Written { options, zone, servers, modules: self.modules })
    }

    fn server(&self, setting: &Setting<'_>) -> Result<ServerBlock, Error> {
        let mut options = BlockOptions::new(self.modules);
        let mut listens: Vec<Listen> = Vec::new();
        let mut apps: Vec<(String, Span, BlockOptions)> = Vec::new();
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
            if apps.iter().any(|(known, ..)| *known == name) {
                return Err(inner.error_at(0, format!("duplicate application \"{name}\"")));
            }
            let mut options = BlockOptions::new(self.modules);
            self.block(inner.block(), Contexts::APPLICATION, &mut options, &mut |_| Ok(()))?;
            apps.push((name, inner.args()[0].span, options));
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
