//! The directives of `rtmp {}`, and what they come to.

mod application;
mod captions;
mod conf;

pub use application::{ENDED_MS, Settings};
pub use conf::{Conf, Kind, Variant, ViewersBy};
