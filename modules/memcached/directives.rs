//! The directives, and what becomes of them in a location.

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts, settings};
use http::{Hooks, Level, Module, Phase};
use upstream::{Hidden, Ignored, Next, Passing, Place, Settings, Upstreams, WEB};

use crate::handler::Handler;

/// The module.
pub struct Memcached;

const ONE: Arity = Arity::Exactly(1);
const LOCATIONS: Contexts = contexts!(LOCATION | LIF);

settings! {
    prefix "memcached_";
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        here pass: Word = (
            LOCATIONS, ONE, |c: &mut Conf, s: &Setting<'_>| c.pass.set_in(s.args()[0].clone(), s), "",
            "where values are: HOST:PORT, unix:PATH, an upstream by its name; which one, the variable $memcached_key says, which is to be set"
        );
        number gzip_flag = (WEB, "0", "the bits of a value's flags that say that it is compressed by gzip; 0: none do");
        time connect_timeout = (WEB, "60s", "until a connection to a peer is there; 504 if it is not");
        time send_timeout = (WEB, "60s", "between two writes of a request; 504 if it is not taken");
        time read_timeout = (WEB, "60s", "between two reads of an answer; 504 if nothing comes");
        size buffer_size = (WEB, "4k", "the longest line before a value; 502 above");
        value next_upstream: Next = (
            WEB, Arity::AtLeast(1), Next::read_of_values, "error timeout",
            "when another peer is asked: error, timeout, invalid_response, not_found, off"
        );
        number next_upstream_tries = (WEB, "0", "so many peers are asked at most; 0: all");
        time next_upstream_timeout = (WEB, "0", "no other peer is asked later; 0: at any time");
        flag socket_keepalive = (WEB, "off", "have the system look whether silent connections are alive");
    }
}

impl Conf {
    fn settings(&self) -> Settings {
        Settings {
            family: "memcached",
            connect_timeout: self.connect_timeout(),
            send_timeout: self.send_timeout(),
            read_timeout: self.read_timeout(),
            buffer_size: self.buffer_size() as usize,
            // What values are there for is that they are there at once.
            buffering: false,
            memory: 0,
            max_temp_file_size: 0,
            temp_path: Rc::default(),
            request_buffering: true,
            next: self.next_upstream(),
            next_tries: self.next_upstream_tries() as usize,
            next_timeout: self.next_upstream_timeout(),
            ignore_client_abort: false,
            intercept_errors: true,
            ignored: Ignored::default(),
            socket_keepalive: self.socket_keepalive(),
        }
    }
}

impl Module for Memcached {
    const NAME: &'static str = "memcached";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const KEEPS_LIMITED: bool = true;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn keep_content(conf: &mut Conf, outer: &Conf) {
        conf.pass.inherit(&outer.pass);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let Some(pass) = conf.pass.get().filter(|_| hooks.level == Level::Location) else {
            return Ok(());
        };
        let upstreams = hooks.setup().shared::<Upstreams>();
        let key = Word { text: "$memcached_key".to_owned(), ..pass.clone() };
        let gzip_flag = u32::try_from(conf.gzip_flag());
        let handler = Handler {
            place: Place::compile(pass, &pass.text, hooks)?,
            key: hooks.template(&key)?,
            gzip_flag: gzip_flag
                .map_err(|_| hooks.error(pass, "\"memcached_gzip_flag\" has more than 32 bits"))?,
            passing: Passing {
                caching: None,
                settings: Rc::new(conf.settings()),
                hidden: Hidden::new(&[], &[], &[]),
                passes_headers: false,
                passes_body: false,
                force_ranges: true,
                upstreams: upstreams.clone(),
            },
        };
        upstreams.install(hooks);
        hooks.on(Phase::Content, handler);
        Ok(())
    }
}
