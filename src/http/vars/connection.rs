//! The variables of a connection, whatever is spoken on it.

use std::io::Write;
use std::marker::PhantomData;
use std::net::IpAddr;

use proto::proxy_protocol::Addresses;
use rt::Conn;
use sys::socket::{Address, Peer};

use crate::now;
use crate::route::proxy_header;
use crate::vars::names::Variable;
use crate::vars::scope::Scope;

/// What knows its connection.
pub trait Connected: Scope {
    /// The connection.
    fn conn(&self) -> Conn;

    /// Who is at the other end.
    fn peer(&self) -> Peer {
        self.conn().peer()
    }

    /// The address at which it was accepted.
    fn listening(&self) -> &Address;

    /// The part in handshakes of the server that it is for.
    fn tls(&self) -> Option<&'static tls::Server>;

    /// The name that is asked for by a handshake which goes on: its encryption does not tell it yet.
    fn asked_name(&self) -> Option<&[u8]>;

    /// The address that the client connected to.
    fn local(&self) -> Option<Address> {
        sys::socket::local_address(self.conn().fd())
    }

    /// The port that the client connected to; 0 on a Unix socket.
    fn local_port(&self) -> u16 {
        match self.listening() {
            Address::Inet(address) | Address::Datagrams(address) => address.port(),
            Address::Unix(_) => 0,
        }
    }
}

/// The variables of an `R`.
pub struct Variables<R>(PhantomData<R>);

macro_rules! variables {
    ($($name:literal $get:expr, $help:literal;)*) => {
        &[$(Variable { name: $name, get: $get, help: $help }),*]
    };
}

impl<R: Connected> Variables<R> {
    /// Those of every connection.
    pub const CONNECTION: &'static [Variable<R>] = variables! {
        "binary_remote_addr" |r, _, o| match r.peer().ip() {
            Some(IpAddr::V4(ip)) => put(o, &ip.octets()),
            Some(IpAddr::V6(ip)) => put(o, &ip.octets()),
            None => put(o, b"unix:"),
        }, "the client's address in 4 or 16 bytes";
        "connection" |r, _, o| show(o, r.conn().serial()), "the connection's number";
        "hostname" |_, _, o| put(o, sys::process::hostname().as_bytes()), "this machine's name";
        "msec" |_, _, o| {
            let now = rt::wall();
            let _ = write!(o, "{}.{:03}", now.as_secs(), now.subsec_millis());
            true
        }, "seconds since 1970, with milliseconds";
        "nginx_version" |_, _, o| put(o, env!("CARGO_PKG_VERSION").as_bytes()), "the server's version";
        "pid" |_, _, o| show(o, sys::process::pid()), "the worker's process number";
        "proxy_protocol_addr" |r, _, o| told(r, |told| show(o, told.source.ip())),
            "the client's address, as a proxy tells it by the PROXY protocol";
        "proxy_protocol_port" |r, _, o| told(r, |told| show(o, told.source.port())),
            "the client's port, likewise";
        "proxy_protocol_server_addr" |r, _, o| told(r, |told| show(o, told.destination.ip())),
            "the address that the client connected to, likewise";
        "proxy_protocol_server_port" |r, _, o| told(r, |told| show(o, told.destination.port())),
            "the port that the client connected to, likewise";
        "proxy_protocol_tlv_" |r, name, o| {
            let value = proxy_header::with(r.conn(), |header| header.tlv(name)).flatten();
            value.is_some_and(|value| put(o, &value))
        }, "what else a proxy tells: alpn, authority, unique_id, ssl_version, ssl_cn, 0xEA …";
        "remote_addr" |r, _, o| show(o, r.peer()), "the client's address";
        "remote_port" |r, _, o| match r.peer() {
            // A proxy may not have told it.
            Peer::Inet(address) if address.port() != 0 => show(o, address.port()),
            _ => put(o, b""),
        }, "the client's port";
        "server_addr" |r, _, o| match r.local() {
            Some(Address::Inet(address) | Address::Datagrams(address)) => show(o, address.ip()),
            Some(unix) => show(o, unix),
            None => false,
        }, "the address that the client connected to";
        "server_port" |r, _, o| match r.local_port() {
            0 => put(o, b""),
            port => show(o, port),
        }, "the port that the client connected to";
        "time_iso8601" |_, _, o| now::with(|now| put(o, now.iso.as_bytes())), "local time, ISO 8601";
        "time_local" |_, _, o| now::with(|now| put(o, now.log.as_bytes())), "local time, as logged";
    };
}

/// Of both ends of the client's connection, as a proxy tells them.
fn told(of: &impl Connected, show: impl FnOnce(&Addresses) -> bool) -> bool {
    let shown = proxy_header::with(of.conn(), |header| header.addresses.as_ref().map(show));
    shown.flatten().unwrap_or(false)
}

/// Appends a value.
pub fn put(out: &mut Vec<u8>, value: &[u8]) -> bool {
    out.extend_from_slice(value);
    true
}

/// The same of what can be shown.
pub fn show(out: &mut Vec<u8>, value: impl std::fmt::Display) -> bool {
    let _ = write!(out, "{value}");
    true
}
