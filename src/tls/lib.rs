//! TLS: what stands in certificates, and whether they are still good.
#![forbid(unsafe_code)]

mod der;
pub mod ocsp;
mod signature;
pub mod x509;
