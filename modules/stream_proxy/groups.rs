//! `upstream` blocks of `stream {}`, and who finds their names. They are apart from those of `http {}`, whatever they are called.

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, contexts, settings};
use resolver::Settings;
use stream::{Hooks, Module, Session, Variable};
use upstream::{Block, Resolution, Resolvers, Upstreams};

use crate::variables;

/// The module of the blocks, to stand before whoever passes sessions on.
pub struct Groups;

const SERVERS: Contexts = contexts!(STREAM | STREAM_SERVER);

settings! {
    /// What the directives set.
    #[derive(Default)]
    pub struct Conf {
        block upstream: () = (
            Contexts::STREAM, Arity::Exactly(1), set_upstream, "",
            "a group of servers that sessions are spread over, by its name"
        );
        option resolver: Settings = (
            SERVERS, Arity::AtLeast(1), Settings::read, "",
            "DNS servers for names that variables bring to proxy_pass, and for \"resolve\": ADDRESS[:PORT] …, valid=TIME: answers hold so long, ipv4=off, ipv6=off"
        );
        time resolver_timeout = (SERVERS, "30s", "how long a session waits for a name to be found");
    }
    with {
        blocks: Vec<Rc<Block>>,
        /// What the block says that all of them stand in.
        outermost: Option<Resolution>,
    }
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

impl Module for Groups {
    const NAME: &'static str = "stream upstream";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = variables::VARIABLES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.outermost.get_or_insert_with(|| outer.resolution());
        conf.inherit(outer);
        conf.blocks.extend_from_slice(&outer.blocks);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let upstreams = hooks.setup().shared::<Upstreams<Session>>();
        if let Some(settings) = conf.resolver.get() {
            let resolvers = hooks.setup().shared::<Resolvers>();
            hooks.keep(resolvers.with(settings, conf.resolver_timeout()));
        }
        let around = conf.outermost.clone().unwrap_or_else(|| conf.resolution());
        conf.blocks.iter().try_for_each(|block| upstreams.add(block, &around, hooks))
    }
}
