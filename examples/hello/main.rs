//! rserve with the module `hello`: a list of modules, and nothing else.
#![forbid(unsafe_code)]

rserve_sdk::main!(http: [access_log::Log, hello::Hello, static_files::Static]);
