//! `listen`: an address and its options.

use conf::{Error, Setting, Span};
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
    /// A proxy tells who the client is, before anything else.
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

/// What a block does with a parameter that is its own, the one with this number. `false`: it is none of these.
pub type Own = fn(&mut Listen, &Setting<'_>, usize) -> Result<bool, Error>;

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

    /// Reads a `listen` directive: one for each of its addresses, at this port where none is written.
    pub fn parse(setting: &Setting<'_>, port: u16, own: Own) -> Result<Vec<Listen>, Error> {
        let addresses = addresses(setting.arg(0), port);
        let addresses = addresses.map_err(|message| setting.error_at(0, message))?;
        let span = setting.args()[0].span;
        let first = addresses[0].clone();
        let mut listen = Listen::at(first, span);
        for (at, word) in setting.args().iter().enumerate().skip(1) {
            if let Some(reason) = module::listen::ignored(&listen.address, &word.text) {
                setting.env().warnings.borrow_mut().push(setting.error_at(at, reason));
                continue;
            }
            if !own(&mut listen, setting, at)? {
                listen.option(&word.text).map_err(|message| setting.error_at(at, message))?;
            }
        }
        Ok(addresses.into_iter().map(|address| Listen { address, ..listen.clone() }).collect())
    }

    fn option(&mut self, text: &str) -> Result<(), String> {
        // These are none of the socket's: servers of the same address need not repeat it.
        match text {
            "default_server" | "default" => self.default_server = true,
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
