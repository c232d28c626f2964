//! The groups of a configuration, by name: `upstream` blocks, and addresses that directives name without one.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts, erase, settings};
use http::vars::scope::Scope;
use http::vars::template::Template;
use http::{Hooks, Installing, Module, Request, Variable};
use mem::Str;
use resolver::{Failure, Settings};
use sys::socket::Address;
use tls::{Context, Entropy, Wanted};

use crate::address::{self, Target};
use crate::block::{Block, Inner};
use crate::client::unless_gone;
use crate::follow::Following;
use crate::group::Group;
use crate::method::Method;
use crate::peers::Memory;
use crate::pool::Keepalive;
use crate::resolvers::{Resolvers, Resolving};
use crate::server::Server;
use crate::source::Source;
use crate::tries;

/// A group, and what its choices depend on.
pub struct Upstream<R: 'static = Request> {
    /// It.
    pub group: Rc<Group>,
    /// The key of `hash`.
    pub key: Option<Rc<Template<R>>>,
}

// Derived, it would ask for an `R` that can be cloned.
impl<R> Clone for Upstream<R> {
    fn clone(&self) -> Upstream<R> {
        Upstream { group: self.group.clone(), key: self.key.clone() }
    }
}

/// Why a host of a request's own leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// There is no resolver where the request is.
    NoResolver,
    /// It has no address, or nobody could tell.
    Unknown(Failure),
    /// The client has gone meanwhile.
    Gone,
}

/// All of a configuration's that requests go to, or sessions of streams: each have their own, though they be called the same.
pub struct Upstreams<R: 'static = Request> {
    memory: Rc<Memory>,
    following: Rc<Following>,
    named: RefCell<HashMap<String, Upstream<R>>>,
    /// By address and port.
    others: RefCell<HashMap<String, Upstream<R>>>,
    /// By what directives say of them.
    contexts: RefCell<HashMap<String, Rc<Context>>>,
    /// What encryption needs in each worker.
    entropy: OnceCell<Rc<Entropy>>,
}

// Derived, it would ask for an `R` that has a default.
impl<R> Default for Upstreams<R> {
    fn default() -> Upstreams<R> {
        Upstreams {
            memory: Rc::default(),
            following: Rc::default(),
            named: RefCell::default(),
            others: RefCell::default(),
            contexts: RefCell::default(),
            entropy: OnceCell::default(),
        }
    }
}

impl<R: Scope> Upstreams<R> {
    /// The one of this name.
    pub fn named(&self, name: &str) -> Option<Upstream<R>> {
        self.named.borrow().get(name).cloned()
    }

    /// The one that a target is: an `upstream` block of this name, or its address. `default_port`: of what has none. The error is
    /// in nginx's words.
    pub fn of(&self, target: &Target, default_port: Option<u16>) -> Result<Upstream<R>, String> {
        if let Target::Inet { host, port } = target
            && let Some(named) = self.named(&host.to_ascii_lowercase())
        {
            return match port {
                Some(port) => Err(format!("upstream \"{host}\" may not have port {port}")),
                None => Ok(named),
            };
        }
        let port = match target {
            Target::Unix(_) => 0,
            Target::Inet { host, port } => {
                let no_port = || format!("no port in upstream \"{host}\"");
                port.or(default_port).ok_or_else(no_port)?
            }
        };
        let name = match target {
            Target::Unix(path) => format!("unix:{}", path.display()),
            Target::Inet { host, .. } if host.contains(':') => format!("[{host}]:{port}"),
            Target::Inet { host, .. } => format!("{host}:{port}"),
        };
        if let Some(known) = self.others.borrow().get(&name) {
            return Ok(known.clone());
        }
        let addresses = address::addresses(target, port)?;
        let server = Server::of(name.clone(), addresses);
        let (method, keepalive) = (Method::RoundRobin, Keepalive::default());
        let label = Str::from(name.clone());
        let group = Group::new(label, &[server], Vec::new(), method, keepalive, &self.memory);
        let upstream = Upstream { group, key: None };
        self.others.borrow_mut().insert(name, upstream.clone());
        Ok(upstream)
    }

    /// Asks for what the groups need, for what is called so: memory of this name.
    pub fn install_as(&self, name: &str, what: &'static str, hooks: &mut Installing<'_, '_, R>) {
        if self.memory.install(name, hooks.setup()) {
            hooks.process(self.memory.clone());
        }
        let resolvers = hooks.setup().shared::<Resolvers>();
        if resolvers.install(hooks.setup()) {
            hooks.process(resolvers);
        }
        if !self.following.is_empty() {
            hooks.process(self.following.clone());
        }
        hooks.setup().connects(what);
    }

    /// The context of what directives say: made once, for all places that say the same. `place`: what wants it.
    pub(crate) fn context(
        &self,
        wanted: &Wanted<'_>,
        place: &Word,
        hooks: &mut Installing<'_, '_, R>,
    ) -> Result<Rc<Context>, Error> {
        let key = wanted.key();
        if let Some(known) = self.contexts.borrow().get(&key) {
            return Ok(known.clone());
        }
        let context = Rc::new(Context::new(wanted, place, hooks.setup().env)?);
        hooks.process(self.entropy.get_or_init(|| Rc::new(Entropy)).clone());
        self.contexts.borrow_mut().insert(key, context.clone());
        Ok(context)
    }

    /// The group of a block, unless it is there already; `around` says how its names are found where it does not say so itself.
    pub fn add(
        &self,
        block: &Block,
        around: &Resolution,
        hooks: &mut Installing<'_, '_, R>,
    ) -> Result<(), Error> {
        if self.named(&block.name).is_some() {
            return Ok(());
        }
        let key = match block.conf.hash.get() {
            Some((word, _)) => Some(Rc::new(hooks.template(word)?)),
            None => None,
        };
        let servers = block.conf.server.as_slice();
        let label = Str::from(block.name.clone());
        let keepalive = block.conf.keepalive();
        let sources = self.sources(block, around, hooks)?;
        let method = block.conf.method();
        let group = Group::new(label, servers, sources, method, keepalive, &self.memory);
        self.following.add(&group);
        self.named.borrow_mut().insert(block.name.clone(), Upstream { group, key });
        Ok(())
    }

    fn sources(
        &self,
        block: &Block,
        around: &Resolution,
        hooks: &mut Installing<'_, '_, R>,
    ) -> Result<Vec<Source>, Error> {
        let resolvers = hooks.setup().shared::<Resolvers>();
        let settings = block.conf.resolver.get().or(around.resolver.as_ref());
        let timeout = block.conf.resolver_timeout.get().copied().unwrap_or(around.timeout);
        let mut sources = Vec::new();
        for (at, server) in block.conf.server.as_slice().iter().enumerate() {
            let Some(sought) = &server.sought else { continue };
            let settings = settings.ok_or_else(|| {
                let name = &block.name;
                let why = "no resolver defined to resolve names at run time in upstream";
                hooks.error(&sought.word, format!("{why} \"{name}\""))
            })?;
            sources.extend(Source::of(at, server, resolvers.with(settings, timeout)));
        }
        Ok(sources)
    }
}

impl Upstreams {
    /// The one for this request alone: the addresses of a host, each of which is tried, another one first each time.
    pub async fn of_request(
        request: &Request,
        settings: &crate::settings::Settings,
        host: &str,
        port: u16,
    ) -> Result<Upstream, Lost> {
        let resolving = request.kept::<Resolving>().ok_or(Lost::NoResolver)?;
        let find = of_host(resolving, host, port);
        let found = unless_gone(request, settings.ignore_client_abort, find).await;
        found.ok_or(Lost::Gone)?.map_err(Lost::Unknown)
    }

    /// Asks for what the groups need. To be called by whoever uses one.
    pub fn install(&self, hooks: &mut Hooks<'_, '_>) {
        self.install_as("upstreams", "requests to upstreams", hooks);
    }
}

/// A group of its own for one client: the addresses of a host, each of which is tried, another one first each time.
pub async fn of_host<R: Scope>(
    resolving: &Resolving,
    host: &str,
    port: u16,
) -> Result<Upstream<R>, Failure> {
    let found = resolving.addresses(host).await?;
    let address = |&ip| Address::Inet((ip, port).into());
    let mut addresses: Vec<Address> = found.all.iter().map(address).collect();
    let first = sys::random::number() as usize % addresses.len().max(1);
    addresses.rotate_left(first);
    let server = Server::of(host.to_owned(), addresses);
    Ok(Upstream { group: Group::of_request(Str::copy(host.as_bytes()), server), key: None })
}

/// The module: its directive, and the variables that tell of peers.
pub struct UpstreamModule;

const BLOCKS: Contexts = contexts!(HTTP | SERVER | LOCATION);

settings! {
    /// What the directives set.
    #[derive(Default)]
    pub struct Conf {
        block upstream: () = (
            Contexts::HTTP, Arity::Exactly(1), set_upstream, "",
            "a group of servers that requests are spread over, by its name"
        );
        option resolver: Settings = (
            BLOCKS, Arity::AtLeast(1), Settings::read, "",
            "DNS servers for names that variables bring to proxy_pass, and for \"resolve\": ADDRESS[:PORT] …, valid=TIME: answers hold so long, ipv4=off, ipv6=off"
        );
        time resolver_timeout = (BLOCKS, "30s", "how long a request waits for a name to be found; 502 then");
    }
    with {
        blocks: Vec<Rc<Block>>,
        /// What the block says that all of them stand in.
        outermost: Option<Resolution>,
    }
}

/// What a block says of names.
#[derive(Clone)]
pub struct Resolution {
    /// Who is asked for them.
    pub resolver: Option<Settings>,
    /// Milliseconds that it may take.
    pub timeout: u64,
}

impl Conf {
    fn resolution(&self) -> Resolution {
        Resolution { resolver: self.resolver.get().cloned(), timeout: self.resolver_timeout() }
    }
}

fn set_upstream(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let block = Block::read(setting)?;
    if conf.blocks.iter().any(|known| known.name == block.name) {
        return Err(setting.error(format!("duplicate upstream \"{}\"", block.name)));
    }
    conf.blocks.push(Rc::new(block));
    Ok(())
}

impl Module for UpstreamModule {
    const NAME: &'static str = "upstream";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = tries::VARIABLES;

    fn inner_directives() -> Vec<conf::Entry> {
        erase(Inner::DIRECTIVES).collect()
    }

    fn inherit(conf: &mut Conf, outer: &Conf) {
        let outermost = || outer.outermost.clone().unwrap_or_else(|| outer.resolution());
        conf.outermost.get_or_insert_with(outermost);
        conf.inherit(outer);
        conf.blocks.extend_from_slice(&outer.blocks);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let upstreams = hooks.setup().shared::<Upstreams>();
        if let Some(settings) = conf.resolver.get() {
            let resolvers = hooks.setup().shared::<Resolvers>();
            hooks.keep(resolvers.with(settings, conf.resolver_timeout()));
        }
        let around = conf.outermost.clone().unwrap_or_else(|| conf.resolution());
        conf.blocks.iter().try_for_each(|block| upstreams.add(block, &around, hooks))
    }
}
