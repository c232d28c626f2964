//! The directives of `rtmp {}`.

mod conf;

pub use conf::{Conf, Kind, Variant, ViewersBy};
