//! From a publisher's messages to the log.

pub mod clock;
pub mod contents;
pub mod headers;
pub mod meta;
pub mod publisher;
pub mod resume;
pub mod tracks;
pub mod window;
