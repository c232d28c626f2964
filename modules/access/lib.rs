//! `allow`, `deny`: who is let in, by address.
#![forbid(unsafe_code)]

use conf::{Arity, Contexts, Directive, Error, Opt, Setting, contexts};
use http::vars::connection::Connected;
use http::{Flow, Handler, Hooks, Module, Phase, Request};
use stream::Session;
use sys::log::Level;
use sys::net::Network;
use sys::socket::Peer;

/// The module.
pub struct Access;

/// What its directives set: one list, in the order of writing.
#[derive(Default)]
pub struct Conf {
    rules: Opt<Vec<Rule>>,
}

/// One `allow` or `deny`.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    who: Who,
    allow: bool,
}

#[derive(Clone, Copy, Debug)]
enum Who {
    All,
    Unix,
    Network(Network),
}

const CONTEXTS: Contexts =
    contexts!(HTTP | SERVER | LOCATION | LIMIT_EXCEPT | STREAM | STREAM_SERVER);

impl Module for Access {
    const NAME: &'static str = "access";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.rules.inherit(&outer.rules);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.rules.is_set() {
            hooks.on(Phase::Access, Check { rules: conf.rules.as_slice().into() });
        }
        Ok(())
    }
}

impl stream::Module for Access {
    const NAME: &'static str = "stream access";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = DIRECTIVES;
    const IS_OF_HTTP: bool = true;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.rules.inherit(&outer.rules);
    }

    fn install(conf: &Conf, hooks: &mut stream::Hooks<'_, '_>) -> Result<(), Error> {
        if conf.rules.is_set() {
            hooks.on(stream::Phase::Access, Check { rules: conf.rules.as_slice().into() });
        }
        Ok(())
    }
}

const DIRECTIVES: &[Directive<Conf>] = &[
    Directive::new(
        "allow",
        CONTEXTS,
        Arity::Exactly(1),
        add_rule,
        "",
        "let in an address, a network (ADDRESS/BITS), unix: or all; the first match decides",
    ),
    Directive::new(
        "deny",
        CONTEXTS,
        Arity::Exactly(1),
        add_rule,
        "",
        "refuse with 403 an address, a network, unix: or all; the first match decides",
    ),
];

fn add_rule(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let who = match setting.arg(0) {
        "all" => Who::All,
        "unix:" => Who::Unix,
        text => {
            let network = Network::parse(text);
            let network = network
                .ok_or_else(|| setting.error_at(0, format!("invalid parameter \"{text}\"")))?;
            if network.has_low_bits() {
                let message = format!("low address bits of {text} are meaningless");
                setting.env().warnings.borrow_mut().push(setting.error_at(0, message));
            }
            Who::Network(network)
        }
    };
    conf.rules.push(Rule { who, allow: setting.name() == "allow" });
    Ok(())
}

struct Check {
    rules: Box<[Rule]>,
}

impl Check {
    /// What the first rule that is about this client says.
    fn of(&self, client: &impl Connected) -> Option<bool> {
        let peer = client.peer();
        if peer == Peer::Unknown {
            // No rule but "all" could be applied, and the one that would refuse might be missed.
            client.log(Level::Alert, format_args!("access forbidden: the client is unknown"));
            return Some(false);
        }
        self.rules.iter().find(|rule| rule.who.includes(peer)).map(|rule| rule.allow)
    }
}

impl Handler for Check {
    fn handle(&self, request: &mut Request) -> Flow {
        match self.of(request) {
            None => Flow::Declined,
            Some(true) => Flow::Granted,
            Some(false) => {
                if !request.location().settings.satisfy_any {
                    request.error(Level::Error, format_args!("access forbidden by rule"));
                }
                Flow::Status(403)
            }
        }
    }
}

impl stream::Handler for Check {
    fn handle(&self, session: &mut Session) -> Result<(), u16> {
        if self.of(session) != Some(false) {
            return Ok(());
        }
        let what = "access forbidden by rule while initializing session";
        session.log(Level::Error, format_args!("{what}"));
        Err(403)
    }
}

impl Who {
    fn includes(self, peer: Peer) -> bool {
        match self {
            Who::All => true,
            Who::Unix => peer == Peer::Unix,
            Who::Network(network) => peer.ip().is_some_and(|ip| network.contains(ip)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_meant() {
        let peer = |text: &str| Peer::Inet(std::net::SocketAddr::new(text.parse().expect("ip"), 1));
        let network = Who::Network(Network::parse("10.0.0.0/8").expect("a network"));
        assert!(network.includes(peer("10.1.1.1")) && !network.includes(peer("11.1.1.1")));
        // A client that comes as IPv4 over an IPv6 socket is the same client.
        assert!(network.includes(peer("::ffff:10.1.1.1")));
        assert!(!network.includes(Peer::Unix) && Who::Unix.includes(Peer::Unix));
        assert!(!Who::Unix.includes(Peer::Unknown) && !network.includes(Peer::Unknown));
        // An IPv4 network that is written as IPv6 is one of IPv4 clients, too.
        let mapped = Who::Network(Network::parse("::ffff:10.0.0.0/104").expect("a network"));
        assert!(mapped.includes(peer("10.1.1.1")) && mapped.includes(peer("::ffff:10.1.1.1")));
        assert!(!mapped.includes(peer("11.1.1.1")));
        assert!(Who::All.includes(Peer::Unix) && Who::All.includes(peer("::1")));
    }
}
