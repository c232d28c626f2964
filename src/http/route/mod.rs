//! Which server and which location a request is for.

pub mod hosts;
pub mod location;
pub mod patterns;
pub mod port;
pub mod proxy_header;
pub mod regex;
