//! Variables: what `$name` means.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use mem::Str;
use proto::http1::{Name, Version};

use crate::body::kept::Kept;
use crate::counts::{Counts, counts};
use crate::request::paths;
use crate::request::{Request, Variable};
use crate::response::names::is_named;
use crate::vars::connection::{put, show};

macro_rules! variables {
    ($($name:literal $get:expr, $help:literal;)*) => {
        &[$(Variable { name: $name, get: $get, help: $help }),*]
    };
}

/// The core's variables, beside those of the connection.
pub static VARIABLES: &[Variable] = variables! {
    "arg_" argument, "an argument of the query";
    "args" |r, _, o| put_some(o, &r.args), "the query";
    "body_bytes_sent" |r, _, o| show(o, r.bytes_sent.saturating_sub(r.head_sent)),
        "bytes of the answer's body that were sent";
    "bytes_sent" |r, _, o| show(o, r.bytes_sent), "bytes of the answer that were sent";
    "connection_requests" |r, _, o| show(o, r.number), "the request's number on its connection";
    "connection_time" |r, _, o| seconds(o, rt::now().saturating_sub(r.connection.conn().opened())),
        "seconds since the connection was accepted, with milliseconds";
    "connections_active" |_, _, o| counted(o, |counts| counts.active), "open connections, of all workers";
    "connections_reading" |_, _, o| counted(o, |counts| counts.reading),
        "of these, those whose request is being read";
    "connections_waiting" |_, _, o| counted(o, |counts| counts.waiting), "those that wait for a request";
    "connections_writing" |_, _, o| counted(o, |counts| counts.writing),
        "those whose request is being answered";
    "content_length" |r, _, o| header(r, Name::ContentLength, o), "Content-Length of the request";
    "content_type" |r, _, o| header(r, Name::ContentType, o), "Content-Type of the request";
    "cookie_" cookie, "a cookie";
    "document_root" |r, _, o| { paths::write_root(r, o); true }, "the value of root or alias";
    "document_uri" |r, _, o| put(o, &r.uri), "same as uri";
    "host" |r, _, o| put(o, match r.host.is_empty() {
        true => &r.server().name,
        false => &r.host,
    }), "the host asked for, without port; else the server's name";
    "http2" |r, _, o| match r.version() {
        Version::V20 if r.connection.is_plain() => put(o, b"h2c"),
        Version::V20 => put(o, b"h2"),
        _ => put(o, b""),
    }, "h2 or h2c (without encryption), if the request came by HTTP/2";
    "http_" field, "a field of the request's header";
    "https" |r, _, o| put(o, if r.connection.is_encrypted() { b"on" } else { b"" }), "on, if the connection is encrypted";
    "is_args" |r, _, o| put(o, if r.args.is_empty() { b"" } else { b"?" }), "?, if there are args";
    "limit_rate" |r, _, o| show(o, r.limit_rate.unwrap_or(0)),
        "bytes of the answer in a second, as it was set";
    "pipe" |r, _, o| put(o, if r.is_pipelined { b"p" } else { b"." }),
        "p, if the request came before the answer to the one before it was sent; else a dot";
    "proxy_add_x_forwarded_for" forwarded_for, "X-Forwarded-For of the request, the client's address added";
    "query_string" |r, _, o| put_some(o, &r.args), "same as args";
    "remote_user" user, "the name in the Authorization field";
    "request" |r, _, o| put_some(o, r.request_line()), "the first line of the request";
    "request_body" |r, _, o| r.known_lasting(|kept: &Kept| kept.write(o)).unwrap_or(false),
        "the request's body, if somebody has kept it, in memory";
    "request_body_file" |r, _, o| r.known_lasting(|kept: &Kept| {
        kept.path().is_some_and(|path| put(o, path.as_os_str().as_bytes()))
    }).unwrap_or(false), "the file in which the request's body is kept, if it has a name";
    "request_completion" |r, _, o| put(o, if r.is_answered { b"OK" } else { b"" }),
        "OK, if all of the answer was sent";
    "realpath_root" real_root, "the value of root or alias, links resolved";
    "request_filename" |r, _, o| file(r, o), "the file that the URI stands for";
    "request_id" |r, _, o| { let _ = write!(o, "{:032x}", r.id()); true },
        "32 hexadecimal digits by which the request is known";
    "is_request_port" |r, _, o| put(o, if host_port(r).is_some() { b":" } else { b"" }),
        "a colon, if the Host field has a port";
    "request_port" |r, _, o| host_port(r).is_some_and(|port| put(o, port)), "the port in the Host field";
    "request_length" |r, _, o| show(o, r.head.len as u64 + r.body_received),
        "bytes of the request, head and body";
    "request_method" |r, _, o| match r.method == r.head.method || r.is_subrequest() {
        true => put_some(o, r.head.method_name.of(&r.bytes)),
        // An error page is fetched with another than was sent.
        false => put(o, b"GET"),
    }, "the method as sent, of an error page GET";
    "request_time" |r, _, o| seconds(o, rt::now().saturating_sub(r.started)), "seconds since the first byte, with milliseconds";
    "request_uri" |r, _, o| put_some(o, r.request_uri()), "the URI as sent, with its query";
    "scheme" |r, _, o| put(o, r.connection.scheme().as_bytes()), "http or https";
    "sent_http_" sent_field, "a field of the answer's header";
    "sent_trailer_" sent_trailer, "a field behind the answer's body";
    "server_name" |r, _, o| put(o, &r.server().name), "the server's first name";
    "server_protocol" |r, _, o| put(o, match r.version() {
        Version::V09 => b"HTTP/0.9".as_slice(),
        _ => r.head.protocol.of(&r.bytes),
    }), "the protocol, HTTP/1.1";
    "status" |r, _, o| { let _ = write!(o, "{:03}", r.response.status); true }, "the status";
    "tcpinfo_rcv_space" |r, _, o| tcp(r, o, |info| info.rcv_space), "of the connection, as the kernel tells it";
    "tcpinfo_rtt" |r, _, o| tcp(r, o, |info| info.rtt), "likewise: microseconds to the client and back";
    "tcpinfo_rttvar" |r, _, o| tcp(r, o, |info| info.rttvar), "likewise: how much that varies";
    "tcpinfo_snd_cwnd" |r, _, o| tcp(r, o, |info| info.snd_cwnd), "likewise: the congestion window";
    "upstream_" |_, _, _| false, "nothing where no other server was asked";
    "uri" |r, _, o| put(o, &r.uri), "the path, decoded and normalised";
};

/// Milliseconds as seconds.
fn seconds(out: &mut Vec<u8>, ms: u64) -> bool {
    let _ = write!(out, "{}.{:03}", ms / 1000, ms % 1000);
    true
}

fn counted(out: &mut Vec<u8>, which: fn(&Counts) -> u64) -> bool {
    counts().is_some_and(|counts| show(out, which(&counts)))
}

fn tcp(request: &Request, out: &mut Vec<u8>, field: fn(&sys::socket::TcpInfo) -> u32) -> bool {
    let info = sys::socket::tcp_info(request.connection.conn().fd());
    info.is_some_and(|info| show(out, field(&info)))
}

fn forwarded_for(request: &Request, _: &str, out: &mut Vec<u8>) -> bool {
    if join(request.headers_named("x_forwarded_for"), b", ", out) {
        out.extend_from_slice(b", ");
    }
    show(out, request.peer())
}

/// The port in the Host field, or in a URI that has a host.
fn host_port(request: &Request) -> Option<&[u8]> {
    let host = request.header(Name::Host)?;
    let at = host.iter().rposition(|&byte| byte == b':')?;
    let port = &host[at + 1..];
    let is_port = !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    is_port.then_some(port)
}

fn sent_trailer(request: &Request, name: &str, out: &mut Vec<u8>) -> bool {
    let same = |(field, _): &&(Str, Str)| is_named(field, name);
    join(request.sent_trailers.iter().filter(same).map(|(_, value)| &value[..]), b", ", out)
}

/// An empty value counts as none.
fn put_some(out: &mut Vec<u8>, value: &[u8]) -> bool {
    out.extend_from_slice(value);
    !value.is_empty()
}

fn header(request: &Request, name: Name, out: &mut Vec<u8>) -> bool {
    request.header(name).is_some_and(|value| put(out, value))
}

fn file(request: &Request, out: &mut Vec<u8>) -> bool {
    let mut path = Vec::new();
    let mapped = paths::write(request, &request.uri, &mut path);
    mapped.is_ok() && put(out, &path)
}

fn real_root(request: &Request, _: &str, out: &mut Vec<u8>) -> bool {
    let mut root = Vec::new();
    paths::write_root(request, &mut root);
    let real = std::fs::canonicalize(OsStr::from_bytes(&root));
    real.is_ok_and(|real| put(out, real.as_os_str().as_bytes()))
}

/// `$http_name`: repeated fields are joined.
fn field(request: &Request, name: &str, out: &mut Vec<u8>) -> bool {
    let between: &[u8] = if name.eq_ignore_ascii_case("cookie") { b"; " } else { b", " };
    join(request.headers_named(name), between, out)
}

fn join<'v>(values: impl Iterator<Item = &'v [u8]>, between: &[u8], out: &mut Vec<u8>) -> bool {
    let mut found = false;
    for value in values {
        if found {
            out.extend_from_slice(between);
        }
        out.extend_from_slice(value);
        found = true;
    }
    found
}

fn sent_field(request: &Request, name: &str, out: &mut Vec<u8>) -> bool {
    let response = &request.response;
    match name {
        "content_type" => response.content_type.as_ref().is_some_and(|value| put(out, value)),
        "content_length" => response.content_length.is_some_and(|length| show(out, length)),
        "etag" => response.etag.as_ref().is_some_and(|value| put(out, value)),
        "location" => response.location.as_ref().is_some_and(|value| put(out, value)),
        "last_modified" => match &response.last_modified_text {
            Some(text) => put(out, text),
            None => response.last_modified.is_some_and(|time| put(out, &proto::date::format(time))),
        },
        "transfer_encoding" => {
            let chunked = response.chunked || response.streaming && request.has_chunks();
            chunked && put(out, b"chunked")
        }
        "connection" => put(out, if request.keep_alive { b"keep-alive" } else { b"close" }),
        "keep_alive" => {
            request.keep_alive
                && request.location().settings.keepalive_header.is_some_and(|seconds| {
                    out.extend_from_slice(b"timeout=");
                    show(out, seconds)
                })
        }
        name => join(response.headers_named(name).map(|value| &value[..]), b", ", out),
    }
}

/// `$arg_name`: the first argument of that name, in any case.
fn argument(request: &Request, name: &str, out: &mut Vec<u8>) -> bool {
    let mut arguments = proto::query::arguments(&request.args);
    let value = arguments.find_map(|argument| {
        argument.value.filter(|_| argument.name.eq_ignore_ascii_case(name.as_bytes()))
    });
    value.is_some_and(|value| put(out, value))
}

/// The name that the client gives with Basic authentication, right or not.
fn user(request: &Request, _: &str, out: &mut Vec<u8>) -> bool {
    request.credentials().is_some_and(|credentials| put(out, credentials.user()))
}

/// `$cookie_name`
fn cookie(request: &Request, name: &str, out: &mut Vec<u8>) -> bool {
    let cookies = request.head.values(Name::Cookie, &request.bytes);
    let mut pairs = cookies.flat_map(|line| line.split(|&byte| byte == b';'));
    let value = pairs.find_map(|pair| {
        let (key, value) = pair.trim_ascii().split_at_checked(name.len())?;
        let value = value.strip_prefix(b"=")?;
        // A variable's name has no case; nginx finds `PHPSESSID` by it, too.
        key.eq_ignore_ascii_case(name.as_bytes()).then_some(value)
    });
    value.is_some_and(|value| put(out, value))
}
