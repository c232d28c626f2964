//! `stream {}`: sessions that are passed on to other servers, beside Debian's nginx where that does the same.

mod configuration;
mod datagrams;
mod encrypted;
mod failures;
mod forwarding;
mod logs;
mod peer;
mod peers;
mod preread;
mod processes;
mod rules;
mod told;
mod twin;
mod udp;
