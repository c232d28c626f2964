//! Requests that are passed on to other servers, beside nginx where that does the same.

mod answers;
mod beside;
mod bodies;
mod connections;
mod destinations;
mod encrypted;
mod failures;
mod origin;
mod peers;
mod processes;
mod resolving;
mod sizes;
mod tls_configuration;
mod tls_origin;
mod tunnels;
mod zone;
