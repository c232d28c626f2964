//! The addresses of a block: which servers each has, and what they agree on.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use conf::{Error, Span};
use module::Setup;
use sys::socket::{Address, Options};

use crate::route::hosts::{Encrypted, Hosts, Name};
use crate::route::listen::Listen;

/// An address while servers are added to it.
pub struct Listening<S> {
    /// Where it listens.
    pub address: Address,
    /// How, if one of the servers says so.
    pub options: Option<Options>,
    bind: bool,
    has_default: bool,
    /// Its servers.
    pub hosts: Hosts<S>,
    /// Where each of the servers that want encryption, or share an address with one that does, is written.
    spans: Vec<Span>,
}

/// In the order in which they are written, and where each stands: a range of listeners has thousands.
pub struct Addresses<S> {
    all: Vec<Listening<S>>,
    places: HashMap<Address, usize>,
}

impl<S> Default for Addresses<S> {
    fn default() -> Addresses<S> {
        Addresses { all: Vec::new(), places: HashMap::new() }
    }
}

impl<S: Encrypted> Addresses<S> {
    /// Adds a server to the addresses that it listens on.
    pub fn add(
        &mut self,
        server: &Rc<S>,
        names: &[(Name, String)],
        mut listens: Vec<Listen>,
        span: Span,
        setup: &mut Setup<'_>,
    ) -> Result<(), Error> {
        listens.retain(|listen| !listen.quic);
        let mut own = HashSet::new();
        for listen in &listens {
            let fail = |what: &str| {
                let message = format!("{what} {}", listen.address);
                Error::at(message, listen.span, setup.env.files)
            };
            if !own.insert(&listen.address) {
                return Err(fail("a duplicate listen"));
            }
            let listening = self.at(&listen.address);
            if listen.options.is_some() {
                if listening.options.is_some() {
                    return Err(fail("duplicate listen options for"));
                }
                listening.options.clone_from(&listen.options);
            }
            listening.bind |= listen.bind;
            listening.hosts.proxy_protocol |= listen.proxy_protocol;
            listening.hosts.ssl |= listen.ssl;
            listening.spans.push(listen.span);
            listening.hosts.http2 |= listen.http2;
            let added = listening.hosts.add(server.clone(), names);
            let conflicts = added.map_err(|e| Error::at(e, span, setup.env.files))?;
            for name in conflicts {
                let message =
                    format!("conflicting server name \"{name}\" on {}, ignored", listen.address);
                let warning = Error::at(message, span, setup.env.files);
                setup.env.warnings.borrow_mut().push(warning);
            }
            if let Some(name) = listening.hosts.indistinct() {
                let message =
                    format!("invalid server name or wildcard \"{name}\" on {}", listen.address);
                return Err(Error::at(message, span, setup.env.files));
            }
            if listen.default_server {
                if listening.has_default {
                    return Err(fail("a duplicate default server for"));
                }
                listening.has_default = true;
                listening.hosts.make_default();
            }
        }
        Ok(())
    }

    fn at(&mut self, address: &Address) -> &mut Listening<S> {
        let known = self.places.get(address).copied();
        let at = known.unwrap_or_else(|| {
            self.places.insert(address.clone(), self.all.len());
            self.all.push(Listening {
                address: address.clone(),
                options: None,
                bind: false,
                has_default: false,
                hosts: Hosts::default(),
                spans: Vec::new(),
            });
            self.all.len() - 1
        });
        &mut self.all[at]
    }

    /// Sockets, each with the addresses that share it: a wildcard address takes the connections of
    /// the others on its port, unless they want a socket of their own.
    pub fn group(self) -> Vec<(Listening<S>, Vec<Listening<S>>)> {
        let (own, rest): (Vec<_>, Vec<_>) =
            self.all.into_iter().partition(|one| one.bind || one.is_any());
        let mut groups: Vec<_> = own.into_iter().map(|one| (one, Vec::new())).collect();
        let wildcards = groups.iter().enumerate().filter(|(_, (one, _))| one.is_any());
        let wildcards: HashMap<_, _> =
            wildcards.filter_map(|(at, (one, _))| Some((one.port()?, at))).collect();
        for one in rest {
            match one.port().and_then(|port| wildcards.get(&port)) {
                Some(&at) => groups[at].1.push(one),
                None => groups.push((one, Vec::new())),
            }
        }
        groups
    }
}

impl<S: Encrypted> Listening<S> {
    fn is_any(&self) -> bool {
        matches!(self.address, Address::Inet(address) if address.ip().is_unspecified())
    }

    /// Where the first `listen` of the address is written.
    pub fn span(&self) -> Span {
        self.spans.first().copied().unwrap_or_default()
    }

    /// What a wildcard address takes all of: a port of one family.
    fn port(&self) -> Option<(bool, u16)> {
        match self.address {
            Address::Inet(address) => Some((address.is_ipv4(), address.port())),
            // Datagrams that come to an address have a socket of their own.
            Address::Unix(_) | Address::Datagrams(_) => None,
        }
    }

    /// Whether every handshake finds a certificate, as nginx asks for it: that of the default server is everybody's, unless
    /// that one refuses handshakes.
    pub fn check_certificates(&self, files: &conf::Files) -> Result<(), Error> {
        if !self.hosts.ssl {
            return Ok(());
        }
        let default = self.hosts.default_server().own_tls();
        if default.is_some_and(|tls| !tls.rejects()) {
            return Ok(());
        }
        let mut servers = self.hosts.servers().zip(&self.spans);
        let lacks = |server: &S| match default {
            None => std::ptr::eq(server, self.hosts.default_server()),
            Some(_) => server.own_tls().is_none(),
        };
        match servers.find(|(server, _)| lacks(server)) {
            Some((_, span)) => {
                let message =
                    "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive";
                Err(Error::at(message, *span, files))
            }
            None => Ok(()),
        }
    }
}
