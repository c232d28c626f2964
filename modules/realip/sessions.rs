//! The same in `stream {}`: a trusted proxy tells it before all else, by the PROXY protocol.

use conf::{Arity, Contexts, Directive, Error, Setting, contexts, settings};
use http::route::proxy_header;
use stream::{Hooks, Module, Phase, Session, Variable};
use sys::socket::Peer;

use crate::trusted::Trusted;

/// The module.
pub struct RealPeer;

const SERVERS: Contexts = contexts!(STREAM | STREAM_SERVER);

settings! {
    /// What its directive sets.
    #[derive(Default)]
    pub struct Conf {
        raw set_real_ip_from: Vec<Trusted> = (
            SERVERS, Arity::Exactly(1), trust, "",
            "a proxy that is believed who its client is, as the PROXY protocol tells it: an address, a network, the name of a host, unix:"
        );
    }
}

fn trust(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    for trusted in Trusted::read(setting)? {
        conf.set_real_ip_from.push(trusted);
    }
    Ok(())
}

impl Module for RealPeer {
    const NAME: &'static str = "stream realip";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = &[
        Variable {
            name: "realip_remote_addr",
            get: |session, _, out| {
                out.extend_from_slice(session.conn.peer().to_string().as_bytes());
                true
            },
            help: "the address of the connection's peer, whoever is told to be the client",
        },
        Variable {
            name: "realip_remote_port",
            get: |session, _, out| {
                if let Peer::Inet(address) = session.conn.peer() {
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
            let trusted: Box<[Trusted]> = conf.set_real_ip_from.as_slice().into();
            hooks.on(Phase::PostAccept, move |session: &mut Session| {
                let is_trusted = trusted.iter().any(|one| one.includes(session.conn.peer()));
                let told = |header: &proxy_header::Header| header.addresses;
                let told = proxy_header::with(session.conn, told).flatten();
                if let (true, Some(addresses)) = (is_trusted, told) {
                    session.set_peer(Peer::Inet(addresses.source));
                }
                Ok(())
            });
        }
        Ok(())
    }
}
