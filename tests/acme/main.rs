//! Certificates by ACME in the server, with pebble (Let's Encrypt's server for tests) as the issuer, and OpenSSL as the client.

mod advice;
mod configuration;
mod helper;
mod issue;
mod pebble;
mod renewal;
mod secrets;
mod state;
