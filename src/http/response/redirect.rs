//! Redirects to other URIs: `Location` as the client gets it.

use mem::Str;

use crate::request::Request;

/// What comes before a path in an absolute redirect: `https://host:port`; empty for a relative one.
pub fn origin(request: &mut Request) -> Str {
    let settings = &request.location().settings;
    if !settings.absolute_redirect {
        return Str::EMPTY;
    }
    let asked = request.host.clone();
    let named = match settings.server_name_in_redirect {
        true => request.server().name.clone(),
        false => Str::EMPTY,
    };
    let host = match (named.is_empty(), asked.is_empty()) {
        (false, _) => named,
        (true, false) => asked,
        (true, true) => local_ip(request),
    };
    let (port, scheme) = (request.local_port(), request.connection.scheme());
    let usual = if scheme == "https" { 443 } else { 80 };
    match settings.port_in_redirect && port != usual && port != 0 {
        true => request.pool.format(format_args!("{scheme}://{host}:{port}")),
        false => request.pool.format(format_args!("{scheme}://{host}")),
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
