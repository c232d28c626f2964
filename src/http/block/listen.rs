//! `listen`: an address and its options.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use conf::{Error, Lack, Setting, Span};
use module::listen::addresses;
use sys::socket::{Address, Options};

/// One `listen` directive.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Where.
    pub address: Address,
    /// How; only if an option was given.
    pub options: Option<Options>,
    /// The server is the one for all names that no other has.
    pub default_server: bool,
    /// A socket of its own even if a wildcard address covers it.
    pub bind: bool,
    /// A proxy tells who the client is, before the first request.
    pub proxy_protocol: bool,
    /// Everything is encrypted.
    pub ssl: bool,
    /// All servers of the address speak HTTP/2: an old way to write `http2 on`.
    pub http2: bool,
    /// It is HTTP/3's, which is not served: nobody listens there.
    pub quic: bool,
    /// Where it stands, for messages.
    pub span: Span,
}

impl Listen {
    /// One without options.
    pub fn at(address: Address, span: Span) -> Listen {
        Listen {
            address,
            options: None,
            default_server: false,
            bind: false,
            proxy_protocol: false,
            ssl: false,
            http2: false,
            quic: false,
            span,
        }
    }
}

/// Reads a `listen` directive: one for each of its addresses.
pub fn parse(setting: &Setting<'_>) -> Result<Vec<Listen>, Error> {
    let addresses = addresses(setting.arg(0), 80);
    let addresses = addresses.map_err(|message| setting.error_at(0, message))?;
    let span = setting.args()[0].span;
    let first = addresses[0].clone();
    let mut listen = Listen::at(first, span);
    for (at, word) in setting.args().iter().enumerate().skip(1) {
        if let Some(reason) = module::listen::ignored(&listen.address, &word.text) {
            setting.env().warnings.borrow_mut().push(setting.error_at(at, reason));
            continue;
        }
        if word.text == "http2" {
            let message = "the \"listen ... http2\" directive is deprecated, use the \"http2\" directive instead";
            setting.env().warnings.borrow_mut().push(setting.error_at(at, message));
            listen.http2 = true;
            continue;
        }
        if word.text == "quic" {
            let message = "\"listen ... quic\" has no effect: rserve does not speak HTTP/3 yet";
            setting.env().warnings.borrow_mut().push(setting.error_at(at, message));
            listen.quic = true;
            continue;
        }
        if let Some(why) = not_yet(&word.text) {
            let (name, why) = (format!("listen … {}", word.text), why.to_owned());
            let error = setting.error_at(at, format!("\"{}\" is not served ({why})", word.text));
            return Err(error.lacking(Lack { name, why, directives: 1 }));
        }
        listen.option(&word.text).map_err(|message| setting.error_at(at, message))?;
    }
    Ok(addresses.into_iter().map(|address| Listen { address, ..listen.clone() }).collect())
}

impl Listen {
    fn option(&mut self, text: &str) -> Result<(), String> {
        let (name, argument) = match text.split_once('=') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        if matches!(name, "default_server" | "default") && argument.is_none() {
            self.default_server = true;
            return Ok(());
        }
        // It is none of the socket's: servers of the same address need not repeat it.
        match text {
            "proxy_protocol" => self.proxy_protocol = true,
            "ssl" => self.ssl = true,
            _ => {
                self.bind = true;
                let options = self.options.get_or_insert_default();
                return module::listen::option(&self.address, options, text);
            }
        }
        Ok(())
    }
}

/// Why a parameter that nginx has is refused: a client would get something else than it expects.
fn not_yet(parameter: &str) -> Option<&'static str> {
    match parameter {
        "spdy" => Some("it was given up for HTTP/2"),
        _ => None,
    }
}

/// Where a server without `listen` is found.
pub fn default_address() -> Address {
    let port = if sys::user::is_root() { 80 } else { 8000 };
    Address::Inet(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port))
}
