//! rserve: the server with the modules of `modules.rs`, and nothing else.
#![forbid(unsafe_code)]

mod modules;

use std::process::ExitCode;

fn main() -> ExitCode {
    server::run(modules::MODULES)
}
