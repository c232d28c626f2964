//! Which server and which location a request is for.

pub mod addresses;
pub mod hosts;
pub mod listen;
pub mod listener;
pub mod location;
pub mod patterns;
pub mod proxy_header;
pub mod regex;
pub mod server_name;
