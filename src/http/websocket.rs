//! WebSocket (RFC 6455): the handshake. The frames are `proto`'s.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::Request;
use mem::Str;
use proto::http1::{Method, Name, Version};
use sha1::{Digest, Sha1};

pub use proto::websocket::{Close, Inbound, Said, binary_head, close, ping, text};

/// RFC 6455 §4.2.2
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What messages are: the subprotocol that is agreed upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subprotocol {
    /// None: a message is an event's data.
    Data,
    /// `sse`: a message is a whole event.
    Events,
    /// `sse.ack`: the same, and what the client publishes is acknowledged.
    Acknowledged,
}

impl Subprotocol {
    fn of(name: &[u8]) -> Option<Subprotocol> {
        match name {
            b"sse" => Some(Subprotocol::Events),
            b"sse.ack" => Some(Subprotocol::Acknowledged),
            _ => None,
        }
    }

    fn name(self) -> Option<&'static str> {
        match self {
            Subprotocol::Data => None,
            Subprotocol::Events => Some("sse"),
            Subprotocol::Acknowledged => Some("sse.ack"),
        }
    }
}

/// Whether the request asks for a WebSocket.
pub fn is_upgrade(request: &Request) -> bool {
    let upgrade = request.header(Name::Upgrade);
    let connection = request.header_list("connection");
    let mut words = connection.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    request.method == Method::Get
        && request.version() >= Version::V11
        && words.any(|word| word.eq_ignore_ascii_case(b"upgrade"))
        && upgrade.is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"))
}

/// The answer's fields, and the first subprotocol of those that the client offers. `Err`: the handshake is none; 426 tells
/// which version is spoken here.
pub fn accept(request: &mut Request) -> Result<Subprotocol, u16> {
    let version = request.header(Name::SecWebSocketVersion);
    if version != Some(b"13") {
        request.response.add_header("Sec-WebSocket-Version", Str::from("13"));
        return Err(426);
    }
    let key = request.header(Name::SecWebSocketKey).unwrap_or_default();
    if BASE64.decode(key).map(|bytes| bytes.len()) != Ok(16) {
        return Err(400);
    }
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let accept = Str::copy(BASE64.encode(digest).as_bytes());
    let offered = request.headers_named("sec_websocket_protocol");
    let chosen = offered
        .flat_map(|list| list.split(|&byte| byte == b','))
        .find_map(|word| Subprotocol::of(word.trim_ascii()))
        .unwrap_or(Subprotocol::Data);
    let response = &mut request.response;
    response.status = 101;
    response.add_header("Upgrade", Str::from("websocket"));
    response.add_header("Sec-WebSocket-Accept", accept);
    if let Some(name) = chosen.name() {
        response.add_header("Sec-WebSocket-Protocol", Str::from(name));
    }
    Ok(chosen)
}
