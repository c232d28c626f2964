//! `pass`: the connection is given to another listener of this server, as it is.

use std::io::ErrorKind;
use std::net::SocketAddr;

use sys::log::Level;
use sys::socket::Address;

use crate::api::Template;
use crate::session::{BoxFuture, Content, Session};

/// Where to: an address and a port, or a Unix socket.
pub enum Pass {
    /// To this one, which is written so.
    To(Address, String),
    /// To the one that a word says.
    Said(Template),
}

/// Reads an address of the configuration, which may have a name in it. The error is in nginx's words.
pub fn address(text: &str) -> Result<Address, String> {
    module::listen::address(text, 0).and_then(|address| match &address {
        Address::Inet(inet) if inet.port() == 0 => {
            Err(format!("no port in \"{text}\" of the \"pass\" directive"))
        }
        _ => Ok(address),
    })
}

/// Reads one that a word says: nothing is looked up for that.
fn said(text: &str) -> Result<Address, String> {
    if text.starts_with("unix:") {
        return address(text);
    }
    let inet = text.parse::<SocketAddr>().ok().filter(|inet| inet.port() != 0);
    inet.map(Address::Inet).ok_or_else(|| format!("\"{text}\" is no address with a port"))
}

impl Content for Pass {
    fn serve<'s>(&'static self, session: &'s mut Session) -> BoxFuture<'s, u16> {
        Box::pin(async move { self.pass(session) })
    }
}

impl Pass {
    fn pass(&self, session: &mut Session) -> u16 {
        if session.is_encrypted() {
            // Its keys are this session's.
            session.log(Level::Error, format_args!("an encrypted connection cannot be passed"));
            return 500;
        }
        let passed = match self {
            Pass::To(address, text) => give(session, address, text),
            Pass::Said(word) => {
                let text = conf::text::decode(&word.evaluate(session));
                said(&text).and_then(|address| give(session, &address, &text))
            }
        };
        match passed {
            Ok(()) => 200,
            Err(why) => {
                session.log(Level::Error, format_args!("{why}"));
                500
            }
        }
    }
}

fn give(session: &Session, address: &Address, text: &str) -> Result<(), String> {
    rt::pass(session.conn, address).map_err(|error| match error.kind() {
        ErrorKind::AddrNotAvailable => format!("port not found for \"{text}\""),
        _ => format!("\"{text}\": {error}"),
    })
}
