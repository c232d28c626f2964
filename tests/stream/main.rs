//! `stream {}`: what a connection is told, by which server, through which encryption, and how it ends; Debian's nginx
//! beside it where that has the same.

mod certificates;
#[allow(dead_code)]
#[path = "../tls/client.rs"]
mod client;
mod configuration;
mod ending;
mod handshake;
mod names;
mod processes;
mod told;
mod trust;
mod twin;
