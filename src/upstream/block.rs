//! `upstream NAME {}`, as it is written.

use conf::{Arity, Contexts, Error, Setting, Word, contexts, read_block, settings};
use resolver::Settings;

use crate::method::Method;
use crate::points::Points;
use crate::pool::Keepalive;
use crate::server::{Server, server};

const UPSTREAM: Contexts = Contexts::UPSTREAM;
/// In `http {}` and in `stream {}`.
const BOTH: Contexts = contexts!(UPSTREAM | STREAM_UPSTREAM);

settings! {
    /// What stands in an `upstream` block.
    #[derive(Default)]
    pub struct Inner {
        list server: Server = (
            BOTH, Arity::AtLeast(1), server, "",
            "an address that requests or streams go to, and weight=, max_conns=, max_fails=, fail_timeout=, backup, down; resolve: its addresses are what DNS says, as long as that holds; service=NAME: its SRV records"
        );
        option keepalive: u64 = (
            UPSTREAM, Arity::Between(1, 2), keepalive, "32",
            "so many idle connections are kept in each worker; 0: none"
        );
        number keepalive_requests = (UPSTREAM, "1000", "requests on one connection");
        time keepalive_time = (UPSTREAM, "1h", "age at which a connection serves its last request");
        time keepalive_timeout = (UPSTREAM, "60s", "how long an idle connection is kept");
        here least_conn: () = (
            BOTH, Arity::Exactly(0), |c: &mut Inner, s: &Setting<'_>| c.choose(Choice::LeastConn, s), "",
            "the peer with the fewest requests, or streams, for its weight"
        );
        here ip_hash: () = (
            UPSTREAM, Arity::Exactly(0), |c: &mut Inner, s: &Setting<'_>| c.choose(Choice::IpHash, s), "",
            "the peer that the client's address stands for"
        );
        here hash: (Word, bool) = (
            BOTH, Arity::Between(1, 2), hash, "",
            "the peer that a key stands for; consistent: few keys change theirs when servers do (ketama)"
        );
        here random: bool = (
            BOTH, Arity::Between(0, 2), random, "",
            "any peer, by weight; two: of two the one with fewer requests"
        );
        option resolver: Settings = (
            BOTH, Arity::AtLeast(1), Settings::read, "",
            "DNS servers for names with \"resolve\"; without it, those of the block around"
        );
        option resolver_timeout: u64 = (
            BOTH, Arity::Exactly(1), |s: &Setting<'_>| s.time_ms(0), "30s",
            "how long a request waits for the first addresses of such names"
        );
        here zone: () = (
            BOTH, Arity::Between(1, 2), |_: &mut Inner, _: &Setting<'_>| Ok(()), "",
            "what is known of peers is in shared memory in any case: without effect"
        );
    }
    with {
        choice: Option<Choice>,
    }
}

/// What chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    LeastConn,
    IpHash,
    Hash,
    Random,
}

fn keepalive(setting: &Setting<'_>) -> Result<u64, Error> {
    match setting.arg(1) {
        "" | "local" => setting.number(0),
        _ => Err(setting.invalid(1, "parameter")),
    }
}

fn hash(conf: &mut Inner, setting: &Setting<'_>) -> Result<(), Error> {
    let consistent = match setting.arg(1) {
        "" => false,
        "consistent" => true,
        other => return Err(setting.error_at(1, format!("invalid parameter \"{other}\""))),
    };
    conf.choose(Choice::Hash, setting)?;
    conf.hash.replace((setting.args()[0].clone(), consistent));
    Ok(())
}

fn random(conf: &mut Inner, setting: &Setting<'_>) -> Result<(), Error> {
    let two = match (setting.arg(0), setting.arg(1)) {
        ("", _) => false,
        ("two", "" | "least_conn") => true,
        ("two", other) | (other, _) => {
            return Err(setting.error(format!("invalid parameter \"{other}\"")));
        }
    };
    conf.choose(Choice::Random, setting)?;
    conf.random.replace(two);
    Ok(())
}

impl Inner {
    fn choose(&mut self, choice: Choice, setting: &Setting<'_>) -> Result<(), Error> {
        if self.choice.replace(choice).is_some() {
            setting.warn("load balancing method redefined");
        }
        Ok(())
    }

    /// How peers are chosen.
    pub fn method(&self) -> Method {
        match self.choice {
            None => Method::RoundRobin,
            Some(Choice::LeastConn) => Method::LeastConn,
            Some(Choice::IpHash) => Method::IpHash,
            Some(Choice::Random) => Method::Random(self.random.or_default(false)),
            Some(Choice::Hash) => match self.hash.get() {
                Some((_, true)) => Method::Consistent(Points::of(self.server.as_slice())),
                _ => Method::Hash,
            },
        }
    }

    /// Which connections are kept.
    pub fn keepalive(&self) -> Keepalive {
        Keepalive {
            connections: self.keepalive.get().copied().unwrap_or(32) as usize,
            requests: self.keepalive_requests(),
            time: self.keepalive_time(),
            timeout: self.keepalive_timeout(),
        }
    }
}

/// An `upstream` block.
pub struct Block {
    /// Its name, in lower case.
    pub name: String,
    /// What stands in it.
    pub conf: Inner,
}

impl Block {
    /// Reads one.
    pub fn read(setting: &Setting<'_>) -> Result<Block, Error> {
        let context = match setting.context() {
            Contexts::STREAM => Contexts::STREAM_UPSTREAM,
            _ => UPSTREAM,
        };
        let name = setting.arg(0).to_ascii_lowercase();
        let mut conf = Inner::default();
        read_block(setting, context, Inner::DIRECTIVES, &mut conf)?;
        let servers = conf.server.as_slice();
        if servers.is_empty() {
            return Err(setting.error("no servers are inside upstream"));
        }
        if servers.iter().all(|server| server.options.backup) {
            return Err(setting.error(format!("no servers in upstream \"{name}\"")));
        }
        Ok(Block { name, conf })
    }
}
