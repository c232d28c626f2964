//! What the tests share: a server on free ports in a directory of its own, nginx beside it, and
//! clients.
//!
//! ```text
//! let server = support::start!(site("location / { index a.html; }"));
//! server.file("html/a.html", "hello");
//! assert_eq!(server.get("/").body, b"hello");
//! ```
//! What a test starts ends with it, and its directory goes away.
#![forbid(unsafe_code)]

mod answer;
pub mod certificates;
mod clock;
pub mod compare;
mod conf;
mod curl;
mod dir;
#[cfg(feature = "dns")]
pub mod dns;
mod hung;
mod media;
mod ports;
pub mod proc;
pub mod process;
mod random;
mod ready;
mod request;
mod server;
mod small;
mod start;
pub mod transport;
mod twin;
mod wait;
mod wire;
mod wrk;

pub use answer::{Answer, answers};
pub use clock::Clocks;
pub use conf::{http, site};
pub use curl::{curl, curl_itself};
pub use dir::{Dir, bytes, set_modified};
pub use hung::Hung;
pub use media::media;
pub use ports::{free as free_port, is_listening};
pub use random::Random;
pub use server::Server;
pub use small::Small;
pub use start::Start;
pub use transport::Transport;
pub use twin::Twin;
pub use wait::{PATIENCE, comes, comes_within, wait_for};
pub use wire::{Wire, raw};
pub use wrk::{Report, Wrk};

/// Starts the binary under test with this configuration: [`Start::start`].
#[macro_export]
macro_rules! start {
    ($conf:expr) => {
        $crate::Start::new(env!("CARGO_BIN_EXE_rserve")).conf($conf).start()
    };
}

/// Runs the binary under test to its end with these arguments: [`process::run`].
#[macro_export]
macro_rules! rserve {
    ($args:expr) => {
        $crate::process::run(std::process::Command::new(env!("CARGO_BIN_EXE_rserve")).args($args))
    };
}
