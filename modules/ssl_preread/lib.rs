//! `ssl_preread`: what a client says in the first message of a handshake that goes on to somebody else. It is looked at, and left
//! where it is.
#![forbid(unsafe_code)]

use std::cell::RefCell;

use conf::{Directive, Error, contexts, settings};
use proto::tls::{ClientHello, Parsed, parse};
use stream::{BoxFuture, Hooks, Look, Module, Preread, Session, Variable};

/// The module.
pub struct SslPreread;

/// A hello may say that it is that long; whether it is waited for is up to `preread_buffer_size`.
const LONGEST: usize = 1 << 24;

settings! {
    /// What its directive sets.
    #[derive(Default)]
    pub struct Conf {
        flag ssl_preread = (
            contexts!(STREAM | STREAM_SERVER), "off",
            "look at the first message of a TLS handshake, for $ssl_preread_server_name and its like; it is not taken"
        );
    }
}

/// What a client has said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Said {
    protocol: &'static str,
    server_name: String,
    protocols: Vec<u8>,
}

/// Nothing, until it has.
#[derive(Default)]
struct Known(RefCell<Said>);

impl Module for SslPreread {
    const NAME: &'static str = "ssl_preread";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;
    const VARIABLES: &'static [Variable] = &[
        Variable {
            name: "ssl_preread_alpn_protocols",
            get: |session, _, out| with(session, |said| out.extend_from_slice(&said.protocols)),
            help: "the protocols that the client offers by ALPN, with commas between them",
        },
        Variable {
            name: "ssl_preread_protocol",
            get: |session, _, out| {
                with(session, |said| out.extend_from_slice(said.protocol.as_bytes()))
            },
            help: "the highest version of TLS that the client offers: TLSv1.3",
        },
        Variable {
            name: "ssl_preread_server_name",
            get: |session, _, out| {
                with(session, |said| out.extend_from_slice(said.server_name.as_bytes()))
            },
            help: "the name that the client asks for (SNI)",
        },
    ];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        if conf.ssl_preread() {
            hooks.preread(First);
        }
        Ok(())
    }
}

/// What the client has said. `false`: nothing is known of that.
fn with(session: &Session, show: impl FnOnce(&Said)) -> bool {
    let known = session.known_context::<Known>();
    known.is_some_and(|known| {
        show(&known.0.borrow());
        true
    })
}

struct First;

impl Preread for First {
    fn wait<'s>(&'static self, session: &'s mut Session) -> BoxFuture<'s, Result<(), u16>> {
        Box::pin(async move {
            let mut found = None;
            let looked = session.look(|bytes| match parse(bytes, LONGEST) {
                Parsed::Incomplete { .. } => Look::More,
                Parsed::Hello(hello) => {
                    found = Some(Said::of(&hello));
                    Look::Enough
                }
                Parsed::NotTls { .. } if is_sslv2(bytes) => {
                    found = Some(Said { protocol: "SSLv2", ..Said::default() });
                    Look::Enough
                }
                // What is no handshake goes on as well.
                Parsed::NotTls { .. } | Parsed::Invalid(_) => Look::Enough,
            });
            looked.await?;
            if let Some(said) = found {
                if !said.server_name.is_empty() {
                    let name = said.server_name.to_ascii_lowercase();
                    session.is_for(Some(&name));
                }
                session.context::<Known>().0.replace(said);
            }
            Ok(())
        })
    }
}

/// A hello of SSLv2, as nginx knows it: a length with its highest bit set, and the number of that message.
fn is_sslv2(bytes: &[u8]) -> bool {
    matches!(bytes, [first, _, 1, ..] if first & 0x80 != 0)
}

impl Said {
    fn of(hello: &ClientHello<'_>) -> Said {
        let protocol = match hello.version() {
            0x0304 => "TLSv1.3",
            0x0303 => "TLSv1.2",
            0x0302 => "TLSv1.1",
            0x0301 => "TLSv1",
            0x0300 => "SSLv3",
            _ => "",
        };
        let server_name = hello.server_name().unwrap_or_default().to_owned();
        let protocols = hello.alpn().collect::<Vec<_>>().join(&b","[..]);
        Said { protocol, server_name, protocols }
    }
}
