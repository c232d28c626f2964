//! From the log to subscribers.

pub mod begin;
pub mod cursor;
pub mod framing;
pub mod gzip;
pub mod link;
pub mod listening;
pub mod protocol;
pub mod socket;
pub mod takeover;
