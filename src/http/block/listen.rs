//! `listen` in `http {}`: what else may stand there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use conf::{Error, Lack, Setting};
use sys::socket::Address;

use crate::route::listen::Listen;

/// Reads a `listen` directive: one for each of its addresses.
pub fn parse(setting: &Setting<'_>) -> Result<Vec<Listen>, Error> {
    Listen::parse(setting, 80, own)
}

fn own(listen: &mut Listen, setting: &Setting<'_>, at: usize) -> Result<bool, Error> {
    let text = setting.arg(at);
    let warn = |message: &str| {
        setting.env().warnings.borrow_mut().push(setting.error_at(at, message));
    };
    match text {
        "http2" => {
            warn(
                "the \"listen ... http2\" directive is deprecated, use the \"http2\" directive instead",
            );
            listen.http2 = true;
        }
        "quic" => {
            warn("\"listen ... quic\" has no effect: rserve does not speak HTTP/3 yet");
            listen.quic = true;
        }
        // A client would get something else than it expects.
        "spdy" => {
            let (name, why) = ("listen … spdy".to_owned(), "it was given up for HTTP/2".to_owned());
            let error = setting.error_at(at, format!("\"spdy\" is not served ({why})"));
            return Err(error.lacking(Lack { name, why, directives: 1 }));
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Where a server without `listen` is found.
pub fn default_address() -> Address {
    let port = if sys::user::is_root() { 80 } else { 8000 };
    Address::Inet(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port))
}
