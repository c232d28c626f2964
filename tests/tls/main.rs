//! Encrypted connections: which server, which certificate, who may resume, who is let in; with OpenSSL as the client, and
//! Debian's nginx beside it where that says what is right.

mod bad_input;
mod client;
mod clients;
mod configuration;
mod ends;
mod live;
mod names;
mod sessions;
mod trust;
mod watched;
