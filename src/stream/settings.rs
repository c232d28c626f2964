//! The directives of `stream {}` and of its servers, beside those of encryption.

use std::sync::Arc;

use conf::{Arity, Contexts, Error, Opt, Setting, Word, contexts, settings};
use http::route::listen::Listen;
use http::route::server_name;
use sys::log::{Level, Log, Target};
use sys::socket::Address;

const SERVERS: Contexts = contexts!(STREAM | STREAM_SERVER);
const ONE: Arity = Arity::Exactly(1);
const SOME: Arity = Arity::AtLeast(1);

settings! {
    /// What they set in one block.
    #[derive(Default)]
    pub struct Conf {
        here listen: Vec<Listen> = (
            Contexts::STREAM_SERVER, SOME, set_listen, "",
            "an address and a port, a port, FROM-TO ports or unix:path to accept connections on, and its options; udp: to take datagrams at"
        );
        here server_name: Vec<server_name::Written> = (
            Contexts::STREAM_SERVER, SOME, set_server_name, "\"\"",
            "names that handshakes ask for this server by: exact, *.wildcard, wildcard.*, .both, ~regex"
        );
        option r#return: Word = (
            Contexts::STREAM_SERVER, ONE, |s: &Setting<'_>| Ok(s.args()[0].clone()), "",
            "a text, with variables, that clients are sent before their connection ends"
        );
        here set: Vec<(Word, Word)> = (
            Contexts::STREAM_SERVER, Arity::Exactly(2), set_set, "",
            "a variable, and the value that it has from what the client says first on"
        );
        option pass: Word = (
            Contexts::STREAM_SERVER, ONE, |s: &Setting<'_>| Ok(s.args()[0].clone()), "",
            "the connection is given to the server that listens at this address, as it is: of stream, http or rtmp; variables may stand in it"
        );
        size preread_buffer_size = (SERVERS, "16k", "so much of what a client says first is looked at");
        time preread_timeout = (SERVERS, "30s", "how long that may take");
        time proxy_protocol_timeout = (
            SERVERS, "30s", "how long what a proxy tells by the PROXY protocol may take"
        );
        flag tcp_nodelay = (SERVERS, "on", "send short segments at once");
        time ssl_handshake_timeout = (SERVERS, "60s", "how long a handshake may take");
        option ssl_alpn: Vec<String> = (
            SERVERS, SOME, protocols, "(none)",
            "protocols that may be agreed on by ALPN, the best first; who offers others alone is refused"
        );
        here error_log: Vec<(Target, Level)> = (
            SERVERS, SOME, set_error_log, "(the main context's)",
            "where errors are written (a file or stderr), and from which level on"
        );
    }
    with {
        /// Those of the block's `error_log`s, opened, or of the block around it.
        pub error_logs: Opt<Vec<Arc<Log>>>,
    }
}

/// So long is a name that a hello can say (RFC 7301 §3.1).
const LONGEST_PROTOCOL: usize = 255;

fn protocols(setting: &Setting<'_>) -> Result<Vec<String>, Error> {
    let words = setting.args().iter().enumerate();
    let check = |(at, word): (usize, &Word)| match word.text.len() {
        1..=LONGEST_PROTOCOL => Ok(word.text.clone()),
        0 => Err(setting.error_at(at, "\"ssl_alpn\" directive: a protocol has no name")),
        _ => Err(setting.error_at(at, "\"ssl_alpn\" directive protocol too long")),
    };
    words.map(check).collect()
}

fn set_listen(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let datagrams = setting.args().iter().skip(1).any(|word| word.text == "udp");
    for mut listen in Listen::parse(setting, 0, own)? {
        match listen.address {
            Address::Inet(address) if address.port() == 0 => {
                let message =
                    format!("no port in \"{}\" of the \"listen\" directive", setting.arg(0));
                return Err(setting.error_at(0, message));
            }
            Address::Inet(address) if datagrams => listen.address = Address::Datagrams(address),
            _ if datagrams => {
                return Err(setting.error_at(0, "datagrams of Unix sockets are not taken"));
            }
            _ => {}
        }
        conf.listen.push(listen);
    }
    Ok(())
}

/// What stands beside `udp` and is for connections alone.
fn own(_: &mut Listen, setting: &Setting<'_>, at: usize) -> Result<bool, Error> {
    if setting.arg(at) == "udp" {
        return Ok(true);
    }
    let datagrams = setting.args().iter().skip(1).any(|word| word.text == "udp");
    let name = setting.arg(at).split('=').next().unwrap_or_default();
    const CONNECTED: [&str; 7] =
        ["ssl", "proxy_protocol", "backlog", "deferred", "fastopen", "so_keepalive", "multipath"];
    match datagrams && CONNECTED.contains(&name) {
        true => {
            let message = format!("\"{name}\" parameter is incompatible with \"udp\"");
            Err(setting.error_at(at, message))
        }
        false => Ok(false),
    }
}

fn set_set(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    if let [variable, value] = setting.args() {
        conf.set.push((variable.clone(), value.clone()));
    }
    Ok(())
}

fn set_server_name(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    server_name::parse(setting)?.into_iter().for_each(|name| conf.server_name.push(name));
    Ok(())
}

fn set_error_log(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    conf.error_log.push(module::error_log(setting)?);
    Ok(())
}

impl Conf {
    /// Fills what this block left unset from the one around it.
    pub fn inherit_all(&mut self, outer: &Conf) {
        self.inherit(outer);
        self.error_logs.inherit(&outer.error_logs);
    }

    /// Opens this block's own error logs.
    pub fn open_logs(&mut self, setup: &mut module::Setup<'_>) {
        for (target, level) in self.error_log.as_slice() {
            self.error_logs.push(setup.error_log(target.clone(), *level));
        }
    }
}
