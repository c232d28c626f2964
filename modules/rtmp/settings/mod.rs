//! From directives to servers and applications.

pub mod app;
pub mod block;
pub mod directives;
pub mod options;
