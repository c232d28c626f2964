//! `allow`, `deny`: who may publish and play, by address.

use conf::{Error, Setting};
use sys::net::Network;
use sys::socket::Peer;

/// What a client wants to do with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Send it.
    Publish,
    /// Get it.
    Play,
}

impl Deed {
    /// As directives and signatures name it.
    pub fn word(self) -> &'static str {
        match self {
            Deed::Publish => "publish",
            Deed::Play => "play",
        }
    }
}

/// What an `allow` or `deny` (or a login, a signature) is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    publish: bool,
    play: bool,
}

impl About {
    /// Both.
    pub const ALL: About = About { publish: true, play: true };

    /// One of them.
    pub fn only(deed: Deed) -> About {
        About { publish: deed == Deed::Publish, play: deed == Deed::Play }
    }

    /// Reads `publish`, `play` or `all`.
    pub fn parse(setting: &Setting<'_>, at: usize) -> Result<About, Error> {
        let choices = [
            ("publish", About::only(Deed::Publish)),
            ("play", About::only(Deed::Play)),
            ("all", About::ALL),
        ];
        setting.choice(at, &choices)
    }

    /// Whether that is meant.
    pub fn covers(self, deed: Deed) -> bool {
        match deed {
            Deed::Publish => self.publish,
            Deed::Play => self.play,
        }
    }
}

/// One `allow` or `deny`.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    about: About,
    who: Who,
    allow: bool,
}

#[derive(Clone, Copy, Debug)]
enum Who {
    All,
    Unix,
    Network(Network),
}

/// Reads `allow` and `deny`.
pub fn rule(setting: &Setting<'_>) -> Result<Rule, Error> {
    let last = setting.args().len() - 1;
    let about = match last {
        0 => About::ALL,
        _ => About::parse(setting, 0)?,
    };
    let who = match setting.arg(last) {
        "all" => Who::All,
        "unix:" => Who::Unix,
        text => {
            let invalid = || setting.error_at(last, format!("invalid parameter \"{text}\""));
            Who::Network(Network::parse(text).ok_or_else(invalid)?)
        }
    };
    Ok(Rule { about, who, allow: setting.name() == "allow" })
}

/// Whether the first rule that matches, if there is one, lets the client.
pub fn allows(rules: &[Rule], deed: Deed, peer: Peer) -> bool {
    let matching = rules.iter().find(|rule| {
        rule.about.covers(deed)
            && match rule.who {
                Who::All => true,
                Who::Unix => peer == Peer::Unix,
                Who::Network(network) => peer.ip().is_some_and(|ip| network.contains(ip)),
            }
    });
    matching.is_none_or(|rule| rule.allow)
}
