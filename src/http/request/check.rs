//! nginx's checks of a complete head.

use mem::Str;
use proto::http1::{self, Body as Framing, Method, Name, Reject, Version};
use sys::log::Level;

use crate::handshake;
use crate::request::Request;

/// Whether the client waits for our word before it sends its body.
pub fn expects_continue(request: &Request) -> bool {
    let expects = request.header(Name::Expect);
    request.version() >= Version::V11
        && expects.is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"))
}

/// In nginx's order; sets URI, host, server and framing. The request's line goes first, and is read as
/// the address's default server says.
pub fn check(request: &mut Request) -> Result<(), Reject> {
    let uri = set_uri(request);
    // What CONNECT names is no path.
    if request.method != Method::Connect {
        uri?;
    }
    set_host(request)?;
    request.framing = http1::framing(&request.head, &request.bytes)?;
    if matches!(request.method, Method::Trace | Method::Connect) {
        request.framing = Framing::None;
        return Err(Reject::new(405, "client sent a method that is not served"));
    }
    match request.listener.may_be_encrypted() {
        true => handshake::check(request),
        false => Ok(()),
    }
}

fn set_host(request: &mut Request) -> Result<(), Reject> {
    const NO_HOST: Reject = Reject::new(
        400,
        "client sent HTTP/1.1 request without \"Host\" header while reading client request headers",
    );
    const NO_AUTHORITY: Reject =
        Reject::new(400, "client sent neither \":authority\" nor \"Host\" header");
    let field = request.header_str(Name::Host);
    let mut host = Str::EMPTY;
    if let Some(field) = &field {
        let found = http1::host(field)?.host;
        host = field.slice_of(&found).unwrap_or_else(|| request.pool.copy(&found));
    }
    // The target's own host wins, but the field has been checked all the same.
    if let Some(target) = request.head.host_in_target {
        let found = http1::host(target.of(&request.bytes))?;
        host = request.pool.copy(&found.host);
    }
    // Neither fault may lead to another server than that of the address and the name: it could let
    // in whom this one refuses.
    const NO_ADDRESS: Reject = Reject::new(500, "getsockname() failed");
    const NO_SERVER: Reject = Reject::new(500, "no server can be chosen by the name");
    request.hosts = request.listener.hosts_for(request.connection.conn()).ok_or(NO_ADDRESS)?;
    request.server = match request.hosts.find(&host, request.captures.get_mut()) {
        Ok(Some(server)) => server,
        Ok(None) => request.connection.first_server(request.hosts),
        Err(gave_up) => {
            request.error(Level::Alert, format_args!("{gave_up}"));
            return Err(NO_SERVER);
        }
    };
    request.location = request.server.location();
    request.host = host;
    // The page that says so is that of the server for no name.
    match request.version() {
        Version::V20 if field.is_none() => Err(NO_AUTHORITY),
        version if field.is_none() && version >= Version::V11 => Err(NO_HOST),
        _ => Ok(()),
    }
}

fn set_uri(request: &mut Request) -> Result<(), Reject> {
    const BAD: Reject = Reject::new(400, "client sent invalid request");
    let merge = request.server.location().settings.merge_slashes;
    let path = request.head.path;
    let args = request.head.args;
    let args = request.bytes.slice(args.start as usize..args.end as usize);
    if proto::uri::is_plain(path.of(&request.bytes), merge) {
        request.uri = request.bytes.slice(path.start as usize..path.end as usize);
        request.args = args;
        return Ok(());
    }
    request.scratch.clear();
    let normalized = proto::uri::normalize(path.of(&request.bytes), merge, &mut request.scratch);
    normalized.map_err(|_| BAD)?;
    request.uri = request.pool.copy(&request.scratch);
    request.args = args;
    Ok(())
}
