//! The directives, and how they are made ready.

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts};
use stream::{Hooks, Module, Session, Template};
use upstream::{Upstreams, encryption_settings};

use crate::pass::Pass;
use crate::proxying::{From, Header, Proxying, address};

/// The module.
pub struct Proxy;

const SERVERS: Contexts = contexts!(STREAM | STREAM_SERVER);
const ONE: Arity = Arity::Exactly(1);
/// Buffers are not larger than that: more does no good.
const LARGEST: u64 = 16 << 20;

encryption_settings! {
    [conf::settings] [prefix "proxy_";]
    "proxy_", SERVERS, Session;
    /// What the directives set.
    #[derive(Default)]
    pub struct Conf {
        here pass: Word = (
            Contexts::STREAM_SERVER, ONE, |c: &mut Conf, s: &Setting<'_>| c.pass.set_in(s.args()[0].clone(), s), "",
            "where sessions go: ADDRESS:PORT, unix:path, or an upstream; variables may stand in it"
        );
        time connect_timeout = (SERVERS, "60s", "until a connection to a peer is there, its encryption too");
        time timeout = (SERVERS, "10m", "silence on both sides that ends a session");
        size buffer_size = (SERVERS, "16k", "so much is read at once, and kept while the other side does not take it");
        flag next_upstream = (SERVERS, "on", "another peer is tried when one cannot be connected to");
        number next_upstream_tries = (SERVERS, "0", "so many peers are tried at most; 0: all");
        time next_upstream_timeout = (SERVERS, "0", "no other peer is tried later; 0: at any time");
        number requests = (
            SERVERS, "0", "UDP: so many datagrams of a client are a session, the next one begins another; 0: as many as come"
        );
        option responses: u64 = (
            SERVERS, ONE, |s: &Setting<'_>| s.number(0), "(any number)",
            "UDP: so many datagrams of a peer are expected for each of a client; with the last one the session ends; 0: none is"
        );
        flag half_close = (
            SERVERS, "off", "a side that has ended is still told what the other says; else all ends with it"
        );
        value upload_rate: Word = (
            SERVERS, ONE, word, "0", "bytes per second that are read from a client; variables may stand in it; 0: as they come"
        );
        value download_rate: Word = (
            SERVERS, ONE, word, "0", "bytes per second that are read from a peer, likewise"
        );
        value protocol: Header = (
            SERVERS, ONE, |s: &Setting<'_>| s.choice(0, &Header::NAMES), "off",
            "peers are told who the client is, by the PROXY protocol: on (version 1), v2, off"
        );
        flag socket_keepalive = (SERVERS, "off", "SO_KEEPALIVE of connections to peers");
        option bind: Word = (
            SERVERS, ONE, word, "(the system's choice)",
            "the address that connections to peers come from; variables may stand in it; off: the system's choice"
        );
        flag ssl = (SERVERS, "off", "connections to peers are encrypted");
    }
}

fn word(setting: &Setting<'_>) -> Result<Word, Error> {
    Ok(setting.args()[0].clone())
}

/// A word as what it stands for, where no variable is in it: that is checked now.
fn checked<T>(
    word: &Word,
    what: &str,
    read: impl Fn(&str) -> Option<T>,
    hooks: &Hooks<'_, '_>,
) -> Result<Template, Error> {
    let template = hooks.template(word)?;
    match template.as_literal().is_some() && read(&word.text).is_none() {
        true => Err(hooks.error(word, format!("invalid {what} \"{}\"", word.text))),
        false => Ok(template),
    }
}

impl Conf {
    fn proxying(&self, pass: &Word, hooks: &mut Hooks<'_, '_>) -> Result<Proxying, Error> {
        let rate =
            |word: Word, hooks: &Hooks<'_, '_>| checked(&word, "value", conf::value::size, hooks);
        let (upload, download) =
            (rate(self.upload_rate(), hooks)?, rate(self.download_rate(), hooks)?);
        let from = match self.bind.get().filter(|word| word.text != "off") {
            None => From::Any,
            Some(word) => From::Address(checked(word, "address", address, hooks)?),
        };
        let encrypting = match self.ssl() {
            true => Some(self.encryption(pass, hooks)?),
            false => None,
        };
        Ok(Proxying {
            pass: Pass::compile(pass, hooks)?,
            upstreams: hooks.setup().shared::<Upstreams<Session>>(),
            encrypting,
            connect_timeout: self.connect_timeout(),
            timeout: self.timeout(),
            buffer_size: self.buffer_size().clamp(1, LARGEST) as usize,
            next: self.next_upstream(),
            next_tries: self.next_upstream_tries() as usize,
            next_timeout: self.next_upstream_timeout(),
            requests: self.requests(),
            responses: self.responses.get().copied(),
            half_close: self.half_close(),
            upload,
            download,
            header: self.protocol(),
            keepalive: self.socket_keepalive(),
            from,
        })
    }
}

impl Module for Proxy {
    const NAME: &'static str = "stream proxy";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let Some(pass) = conf.pass.get() else { return Ok(()) };
        let proxying = conf.proxying(pass, hooks)?;
        let upstreams: Rc<_> = proxying.upstreams.clone();
        upstreams.install_as("stream upstreams", "sessions of streams", hooks);
        hooks.content(proxying);
        Ok(())
    }
}
