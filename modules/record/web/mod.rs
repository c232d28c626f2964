//! What was recorded, through HTTP.

mod arguments;
pub mod directives;
mod film;
mod handler;
mod list;
