//! `realip`: who is at the other end, as a trusted proxy tells it.
//!
//! ```text
//! peer of the connection ─▶ trusted (set_real_ip_from)? ─▶ real_ip_header: its last address, or with real_ip_recursive
//!                                │ no                        the last that is not trusted itself ─▶ peer of the request
//!                                └▶ nothing changes
//! ```
//! It is done once for a request: by what the server says, before anything else is; by what its location says, if the
//! server says nothing. From then on all take that peer for the client: rules, limits, logs, variables.
#![forbid(unsafe_code)]

mod sessions;
mod trusted;

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, contexts, settings};
use http::route::proxy_header;
use http::{Flow, Handler, Hooks, Level, Module, Phase, Request, Variable, forwarded};
use sys::socket::Peer;

use trusted::Trusted;

pub use sessions::RealPeer;

/// The module.
pub struct RealIp;

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        raw set_real_ip_from: Vec<Trusted> = (
            WEB, Arity::Exactly(1), trust, "",
            "a proxy that is believed who its client is: an address, a network, the name of a host, unix:"
        );
        value real_ip_header: Rc<Header> = (
            WEB, Arity::Exactly(1), header, "X-Real-IP",
            "where a trusted proxy tells its client's address: a field of the request, X-Forwarded-For, or proxy_protocol"
        );
        flag real_ip_recursive = (
            WEB, "off", "of a list the last address that is not trusted itself, not simply the last one"
        );
    }
}

/// Where the address stands.
#[derive(Clone, Debug)]
pub enum Header {
    /// `X-Forwarded-For`, all of them.
    ForwardedFor,
    /// The first field of this name, in small letters.
    Field(String),
    /// What was told before the first request.
    ProxyProtocol,
}

impl Module for RealIp {
    const NAME: &'static str = "realip";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = &[
        Variable {
            name: "realip_remote_addr",
            get: |request, _, out| {
                out.extend_from_slice(request.connection.peer().to_string().as_bytes());
                true
            },
            help: "the address of the connection's peer, whoever is told to be the client",
        },
        Variable {
            name: "realip_remote_port",
            get: |request, _, out| {
                if let Peer::Inet(address) = request.connection.peer() {
                    out.extend_from_slice(address.port().to_string().as_bytes());
                }
                true
            },
            help: "the port of the connection's peer, likewise",
        },
    ];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.set_real_ip_from.is_set() {
            let tell = Rc::new(Tell {
                trusted: conf.set_real_ip_from.as_slice().into(),
                header: conf.real_ip_header(),
                recursive: conf.real_ip_recursive(),
            });
            if hooks.level == Level::Server {
                let tell = tell.clone();
                hooks.on(Phase::ServerRewrite, move |request: &mut Request| tell.handle(request));
            }
            hooks.on(Phase::Preaccess, move |request: &mut Request| tell.handle(request));
        }
        Ok(())
    }
}

fn trust(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    for trusted in Trusted::read(setting)? {
        conf.set_real_ip_from.push(trusted);
    }
    Ok(())
}

fn header(setting: &Setting<'_>) -> Result<Rc<Header>, Error> {
    Ok(Rc::new(match setting.arg(0) {
        "X-Forwarded-For" => Header::ForwardedFor,
        "proxy_protocol" => Header::ProxyProtocol,
        name => Header::Field(name.to_ascii_lowercase()),
    }))
}

/// Finds out who it is.
struct Tell {
    trusted: Box<[Trusted]>,
    header: Rc<Header>,
    recursive: bool,
}

impl Handler for Tell {
    fn handle(&self, request: &mut Request) -> Flow {
        if !request.has_told_peer()
            && self.trusts(request.connection.peer())
            && let Some(peer) = self.told(request)
        {
            request.set_peer(peer);
        }
        Flow::Declined
    }
}

impl Tell {
    fn trusts(&self, peer: Peer) -> bool {
        self.trusted.iter().any(|trusted| trusted.includes(peer))
    }

    fn told(&self, request: &Request) -> Option<Peer> {
        let is_trusted = |ip| self.trusted.iter().any(|trusted| trusted.has(ip));
        let told = match &*self.header {
            Header::ForwardedFor => {
                let lines = request.headers_named("x_forwarded_for");
                forwarded::behind(lines, is_trusted, self.recursive)
            }
            Header::Field(name) => {
                let line = request.headers_named(name).take(1);
                forwarded::behind(line, is_trusted, self.recursive)
            }
            Header::ProxyProtocol => {
                let told = |header: &proxy_header::Header| header.addresses;
                let addresses = proxy_header::with(request.connection.conn(), told)?;
                addresses.map(|addresses| addresses.source)
            }
        };
        told.map(Peer::Inet)
    }
}
