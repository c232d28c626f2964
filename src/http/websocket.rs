//! The handshake of WebSocket (RFC 6455 §4.2; on a stream of HTTP/2 RFC 8441 §5). The frames are `proto::websocket`'s.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use mem::Str;
use proto::http1::{Method, Name, Version};
use sha1::{Digest, Sha1};

use crate::Request;

/// RFC 6455 §4.2.2
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Whether the request asks for a WebSocket.
pub fn is_upgrade(request: &Request) -> bool {
    if request.is_tunnel {
        return true;
    }
    let upgrade = request.header(Name::Upgrade);
    let connection = request.header_list("connection");
    let mut words = connection.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    request.method == Method::Get
        && request.version() == Version::V11
        && words.any(|word| word.eq_ignore_ascii_case(b"upgrade"))
        && upgrade.is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"))
}

/// Writes the answer to a handshake: its fields, with the first subprotocol that the client offers and `known` has.
/// `Err`: it is no handshake, or of another version, which 426 tells.
pub fn accept(request: &mut Request, known: &[&'static str]) -> Result<Option<&'static str>, u16> {
    let version = request.header(Name::SecWebSocketVersion);
    if version != Some(b"13") {
        request.response.add_header("Sec-WebSocket-Version", Str::from("13"));
        return Err(426);
    }
    // RFC 8441 §5: a stream is nobody's by mistake, and so nothing is proved by a key.
    if request.is_tunnel {
        let chosen = choose(request, known);
        request.response.status = 200;
        name_subprotocol(request, chosen);
        return Ok(chosen);
    }
    let key = request.header(Name::SecWebSocketKey).unwrap_or_default();
    if BASE64.decode(key).map(|bytes| bytes.len()) != Ok(16) {
        return Err(400);
    }
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let accept = Str::copy(BASE64.encode(digest).as_bytes());
    let chosen = choose(request, known);
    let response = &mut request.response;
    response.status = 101;
    response.add_header("Upgrade", Str::from("websocket"));
    response.add_header("Sec-WebSocket-Accept", accept);
    name_subprotocol(request, chosen);
    Ok(chosen)
}

fn name_subprotocol(request: &mut Request, chosen: Option<&'static str>) {
    if let Some(name) = chosen {
        request.response.add_header("Sec-WebSocket-Protocol", Str::from(name));
    }
}

/// The first of the offered subprotocols that is known.
fn choose(request: &Request, known: &[&'static str]) -> Option<&'static str> {
    let lists = request.headers_named("sec_websocket_protocol");
    let mut words = lists.flat_map(|list| list.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii);
    words.find_map(|word| known.iter().find(|known| known.as_bytes() == word).copied())
}
