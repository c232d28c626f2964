//! From a list of fields to a request.

use bytes::Bytes;
use h2::ext::Protocol;
use http_types::header::{COOKIE, HOST};
use http_types::request::Parts;
use mem::{Block, Str};
use proto::http1::{Head, HeadLimits, Listed, Method, Reject};

use crate::request::Request;

const DIFFERENT: Reject =
    Reject::new(400, "client sent \":authority\" and \"Host\" headers with different values");
const PROTOCOL: Reject = Reject::new(501, "client sent unknown \":protocol\" header");

/// Writes the head down in the request. What is refused is there as far as the logs need it.
pub fn read(parts: &Parts, request: &mut Request) -> Result<(), Reject> {
    let limits = request.server.location().settings.limits;
    let mut text = std::mem::take(&mut request.scratch);
    let result = list(parts, &mut request.head, &mut text, &limits);
    let mut block = Block::take(text.len());
    let fits = block.extend_from_slice(&text);
    debug_assert!(fits);
    request.bytes = block.freeze();
    request.scratch = text;
    request.method = request.head.method;
    result?;
    match parts.extensions.get::<Protocol>() {
        None => Ok(()),
        // RFC 8441 §5: it stands for a GET with which a WebSocket is asked for.
        Some(protocol) if protocol.as_str().eq_ignore_ascii_case("websocket") => {
            request.method = Method::Get;
            request.head.method = Method::Get;
            request.is_tunnel = true;
            Ok(())
        }
        Some(_) => Err(PROTOCOL),
    }
}

fn list(
    parts: &Parts,
    head: &mut Head,
    text: &mut Vec<u8>,
    limits: &HeadLimits,
) -> Result<(), Reject> {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let mut listed =
        Listed::new(head, text, limits, parts.method.as_str().as_bytes(), target.as_bytes())?;
    let host = parts.headers.get(HOST).map(|host| host.as_bytes());
    if let Some(authority) = parts.uri.authority() {
        let authority = authority.as_str().as_bytes();
        if host.is_some_and(|host| !host.eq_ignore_ascii_case(authority)) {
            return Err(DIFFERENT);
        }
        if host.is_none() {
            listed.field(b"host", std::iter::once(authority), b"")?;
        }
    }
    for (name, value) in &parts.headers {
        if name != COOKIE {
            listed.field(name.as_str().as_bytes(), std::iter::once(value.as_bytes()), b"")?;
        }
    }
    // RFC 9113 §8.2.3: they are put together again.
    let mut crumbs = parts.headers.get_all(COOKIE).iter().map(|crumb| crumb.as_bytes()).peekable();
    if crumbs.peek().is_some() {
        listed.field(b"cookie", crumbs, b"; ")?;
    }
    listed.end();
    Ok(())
}

/// Bytes of the crate's as a string of ours.
pub fn share(bytes: &Bytes) -> Str {
    let mut block = Block::take(bytes.len());
    let fits = block.extend_from_slice(bytes);
    debug_assert!(fits);
    block.freeze()
}
