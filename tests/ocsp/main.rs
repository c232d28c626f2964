//! What issuers say of certificates (OCSP): of the server's own, and of its clients'.

mod authority;
mod clients;
mod stapling;
