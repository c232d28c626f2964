//! The head of an answer as fields (RFC 9113 §8.3.2).

use http_types::header::{self, HeaderMap, HeaderName, HeaderValue};
use http_types::{Response, StatusCode};
use mem::Str;

use crate::body::Fields;
use crate::request::Request;
use crate::response::fields::{self, FieldSink, Known};

/// The head, and about how many bytes it has. `None`: its status is none.
pub fn head(request: &mut Request) -> Option<(Response<()>, u64)> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(request.response.status).ok()?;
    let mut map = Map { fields: HeaderMap::with_capacity(8), bytes: 0 };
    fields::fields(request, &mut map);
    *response.headers_mut() = map.fields;
    Some((response, map.bytes))
}

/// Fields behind the body.
pub fn trailers(fields: &Fields) -> HeaderMap {
    let mut map = Map { fields: HeaderMap::new(), bytes: 0 };
    fields.iter().for_each(|(name, value)| map.other(name, value));
    map.fields
}

struct Map {
    fields: HeaderMap,
    bytes: u64,
}

impl Map {
    fn add(&mut self, name: HeaderName, value: HeaderValue) {
        self.bytes += (name.as_str().len() + value.len()) as u64;
        // There are more fields than the map takes: they come from the configuration, and nobody has so many.
        let _ = self.fields.try_append(name, value);
    }
}

impl FieldSink for Map {
    fn known(&mut self, field: Known, text: &[u8], rest: &[u8]) {
        let name = match field {
            Known::Server => header::SERVER,
            Known::Date => header::DATE,
            Known::ContentType => header::CONTENT_TYPE,
            Known::ContentLength => header::CONTENT_LENGTH,
            Known::LastModified => header::LAST_MODIFIED,
            Known::Location => header::LOCATION,
            Known::Vary => header::VARY,
            Known::ETag => header::ETAG,
            Known::AcceptRanges => header::ACCEPT_RANGES,
        };
        match rest.is_empty() {
            true => self.add(name, value(text)),
            false => self.add(name, value(&[text, rest].concat())),
        }
    }

    fn other(&mut self, name: &Str, text: &Str) {
        // RFC 9113 §8.2.2: what is said of a connection has no place on a stream.
        const OF_CONNECTIONS: [HeaderName; 4] =
            [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE, header::TE];
        let Ok(name) = HeaderName::from_bytes(name) else { return };
        let odd = matches!(name.as_str(), "keep-alive" | "proxy-connection");
        if !odd && !OF_CONNECTIONS.contains(&name) {
            self.add(name, value(text));
        }
    }

    fn connection(&mut self, _: &Request) {}
}

/// A value without what may not stand in one.
fn value(text: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(text).unwrap_or_else(|_| {
        let proper = |byte: &u8| *byte == b'\t' || *byte >= b' ' && *byte != 127;
        let text: Vec<u8> = text.iter().copied().filter(proper).collect();
        HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static(""))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9113 §8.2.1, §8.2.2
    #[test]
    fn fields_are_those_of_a_stream() {
        let fields: Fields = [
            ("X-One", "a\r\nX-Two: b"),
            ("Connection", "close"),
            ("Keep-Alive", "timeout=5"),
            ("Transfer-Encoding", "chunked"),
            ("Upgrade", "websocket"),
            ("no name", "x"),
            ("X-One", "c"),
        ]
        .map(|(name, value)| (Str::from(name), Str::from(value)))
        .to_vec();
        let map = trailers(&fields);
        let all: Vec<_> =
            map.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(all, [("x-one", &b"aX-Two: b"[..]), ("x-one", b"c")]);
    }
}
