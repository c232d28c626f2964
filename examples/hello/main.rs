//! rserve with the module `hello`: a list of modules, and nothing else.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use http::Http;
use module::Module;

const HTTP_MODULES: &[http::Entry] = &[
    http::entry::<access_log::Log>(),
    http::entry::<hello::Hello>(),
    http::entry::<static_files::Static>(),
];

const MODULES: &[&dyn Module] = &[&Http::new(HTTP_MODULES)];

fn main() -> ExitCode {
    server::run(MODULES)
}
