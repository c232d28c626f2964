//! Redirects to other URIs: `Location` as the client gets it.

use mem::Str;

use crate::request::Request;

/// What comes before a path in an absolute redirect: `http://host:port`; empty for a relative one.
pub fn origin(request: &mut Request) -> Str {
    let settings = &request.location().settings;
    if !settings.absolute_redirect {
        return Str::EMPTY;
    }
    let asked = request.host.clone();
    let host = match settings.server_name_in_redirect || asked.is_empty() {
        true if !request.server().name.is_empty() => request.server().name.clone(),
        true => local_ip(request),
        false => asked,
    };
    let port = request.local_port();
    match settings.port_in_redirect && port != 80 && port != 0 {
        true => request.pool.format(format_args!("http://{host}:{port}")),
        false => request.pool.format(format_args!("http://{host}")),
    }
}

/// Without a name the address that the client connected to has to do.
fn local_ip(request: &mut Request) -> Str {
    match request.local_address() {
        Some(sys::socket::Address::Inet(address)) if address.is_ipv6() => {
            request.pool.format(format_args!("[{}]", address.ip()))
        }
        Some(sys::socket::Address::Inet(address)) => {
            request.pool.format(format_args!("{}", address.ip()))
        }
        _ => Str::from("localhost"),
    }
}
