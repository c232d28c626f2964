//! HLS from memory, through HTTP.

mod cache;
pub mod directives;
mod handler;
mod resource;
