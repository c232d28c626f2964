//! What a request's head says, and who has sent it.

use std::borrow::Cow;

use mem::Str;
use proto::http1::{Field, Name, Range32, Version};
use sys::socket::{Address, Peer};

use super::Request;
use crate::response::names::is_named;
use crate::vars::connection::Connected;

impl Request {
    /// The value of a header field.
    pub fn header(&self, name: Name) -> Option<&[u8]> {
        self.head.value(name, &self.bytes)
    }

    /// The value of a header field, sharing the bytes of the head.
    pub fn header_str(&self, name: Name) -> Option<Str> {
        self.bytes.slice_of(self.header(name)?)
    }

    /// The values of all header fields of that name (lower case, `-` or `_`).
    pub fn headers_named<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r [u8]> {
        let same = move |field: &&proto::http1::Field| is_named(field.name.of(&self.bytes), name);
        self.head.fields.iter().filter(same).map(|field| field.value.of(&self.bytes))
    }

    /// The value of a header field that is a list, put together of all its lines (RFC 9110 §5.3).
    pub fn header_list<'r>(&'r self, name: &'r str) -> Cow<'r, [u8]> {
        let mut lines = self.headers_named(name);
        let first = lines.next().unwrap_or_default();
        let mut rest = lines.peekable();
        if rest.peek().is_none() {
            return Cow::Borrowed(first);
        }
        let mut all = first.to_vec();
        rest.for_each(|line| all.extend_from_slice(&[b", ", line].concat()));
        Cow::Owned(all)
    }

    /// Adds a field to the header, as if the client had sent it.
    pub fn add_field(&mut self, name: &[u8], value: &[u8]) {
        let mut bytes = self.bytes.to_vec();
        let mut append = |text: &[u8]| {
            let start = bytes.len() as u32;
            bytes.extend_from_slice(text);
            Range32 { start, end: bytes.len() as u32 }
        };
        let field = Field { name: append(name), value: append(value), id: Name::of(name) };
        self.head.add(field);
        self.bytes = self.pool.copy(&bytes);
    }

    /// Takes the fields of a name away for which that is wanted.
    pub fn remove_fields(&mut self, unwanted: impl Fn(&[u8]) -> bool) {
        let bytes = self.bytes.clone();
        self.head.remove(|field| unwanted(field.name.of(&bytes)));
    }

    /// The first line as it was sent.
    pub fn request_line(&self) -> &[u8] {
        self.head.request_line.of(&self.bytes)
    }

    /// The URI as it was sent, arguments included.
    pub fn request_uri(&self) -> &[u8] {
        self.head.uri.of(&self.bytes)
    }

    /// The protocol version.
    pub fn version(&self) -> Version {
        self.head.version
    }

    /// Who is at the other end: of the connection, unless a proxy that is trusted tells of another.
    pub fn peer(&self) -> Peer {
        self.told_peer.unwrap_or_else(|| self.connection.peer())
    }

    /// From now on this is who is at the other end.
    pub fn set_peer(&mut self, peer: Peer) {
        self.told_peer = Some(peer);
    }

    /// Whether another than the connection's own peer is at the other end ([`Request::set_peer`]).
    pub fn has_told_peer(&self) -> bool {
        self.told_peer.is_some()
    }

    /// The address that the client connected to.
    pub fn local_address(&self) -> Option<Address> {
        self.connection.local_address()
    }

    /// The port that the client connected to; 0 on a Unix socket.
    pub fn local_port(&self) -> u16 {
        Connected::local_port(self)
    }
}
