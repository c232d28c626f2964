//! `sub_filter`: words of a body are replaced, whatever pieces it comes in.
#![forbid(unsafe_code)]

mod conf;
mod filter;
pub mod replace;

pub use conf::{Conf, Sub};
