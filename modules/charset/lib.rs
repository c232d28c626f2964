//! `charset`: the charset in Content-Type, and conversion from the one that a body has, by tables that the configuration
//! brings (`charset_map`).
#![forbid(unsafe_code)]

mod conf;
mod filter;
mod read;
mod recode;
mod table;

pub use conf::{Charset, Conf};
