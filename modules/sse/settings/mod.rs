//! From directives to what a location does.

pub mod conf;
pub mod directives;
pub mod resolve;
pub mod values;
pub mod words;
