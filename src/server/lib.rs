//! The server: from a command line to a master and its workers.
//!
//! ```text
//! start ── the eleven steps ──▶ master ── fork ──▶ worker (one event loop each)
//!                                  │  HUP: new cycle, new workers, READY, old ones QUIT
//!                                  │  USR2: a new binary takes the sockets over
//! ```
//! It knows blocks and listeners, not protocols: those are in the modules that the binary's `modules.rs` lists.
#![forbid(unsafe_code)]

mod commands;
mod control;
mod core_conf;
mod cycle;
mod events;
mod files;
mod findings;
mod handover;
mod listen;
mod look;
mod master;
mod options;
mod pid;
mod place;
mod readiness;
mod reap;
mod reference;
mod reload;
mod signal;
mod single;
mod start;
mod successor;
mod supervise;
mod upgrade;
mod usage;
mod watch;
mod welcome;
mod worker;
mod workers;

pub use reference::reference;

use std::process::ExitCode;

use module::Module;

/// The name of the program in messages.
pub const NAME: &str = "rserve";
/// Its version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A list of compiled-in modules.
pub type Modules = &'static [&'static dyn Module];

/// Runs the program: reads the command line, does what it says, gives the exit code.
pub fn run(modules: Modules) -> ExitCode {
    let options = match options::Options::from_args(std::env::args_os()) {
        Ok(options) => options,
        Err(message) => {
            say(format_args!("{NAME}: {message}\n"));
            return ExitCode::FAILURE;
        }
    };
    let done = |()| ExitCode::SUCCESS;
    let result = match &options.action {
        options::Action::Help => usage::print_help().map(done),
        options::Action::Version { build } => usage::print_version(*build, modules).map(done),
        options::Action::Reference => {
            let text = reference(modules);
            let written = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
            Ok(if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        options::Action::Signal(signal) => signal::send(&options, modules, *signal).map(done),
        options::Action::Test { dump } => start::test(&options, modules, *dump),
        options::Action::Run => {
            sys::title::prepare();
            start::start(&options, modules).map(done)
        }
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            error.report();
            ExitCode::FAILURE
        }
    }
}

/// Writes to standard error. If whoever read there is gone, that is no reason to stop.
fn say(text: std::fmt::Arguments<'_>) {
    let _ = std::io::Write::write_fmt(&mut std::io::stderr(), text);
}

/// Why the program, or a new configuration, did not start.
#[derive(Debug)]
pub struct Failure {
    /// The message, ready to be shown; several lines if a place in a file is part of it.
    message: String,
}

impl Failure {
    fn new(message: impl Into<String>) -> Failure {
        Failure { message: message.into() }
    }

    /// Prints the failure, and writes it to the error log if that is a file.
    fn report(&self) {
        say(format_args!("{NAME}: [emerg] {}\n", self.message));
        sys::log::to_file(sys::log::Level::Emerg, format_args!("{}", self.message));
    }
}

impl From<conf::Error> for Failure {
    fn from(error: conf::Error) -> Failure {
        Failure::new(error.render())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}
