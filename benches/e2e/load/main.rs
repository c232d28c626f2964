//! Load for a server of event streams: `benches/e2e/events` drives it.
//!
//! One thread, one epoll, and next to nothing done for an event, so that the server is what is
//! measured; the report's `busy` tells whether that was so. It speaks what nchan and rserve have in
//! common: GET subscribes to a path, POST publishes to it.
#![forbid(unsafe_code)]

mod count;
mod histogram;
mod load;
mod options;
mod publisher;
mod report;
mod socket;
mod storm;
mod subscriber;
mod tally;

use std::io::{self, Write};
use std::process::ExitCode;

use load::Load;
use options::Options;
use report::Report;
use storm::Storm;

fn main() -> ExitCode {
    let options = match options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(text) => {
            eprintln!("events-load: {text}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("events-load: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> io::Result<()> {
    let wait = options.wait;
    let mut round: Box<dyn FnMut() -> io::Result<Report>> = match options.joins {
        0 => {
            let mut load = Load::new(options)?;
            Box::new(move || load.round())
        }
        _ => {
            let storm = Storm::new(options)?;
            Box::new(move || storm.round())
        }
    };
    if !wait {
        return say(&round()?.to_string());
    }
    say("READY")?;
    for line in io::stdin().lines() {
        line?;
        say(&round()?.to_string())?;
    }
    Ok(())
}

/// A line that the caller sees at once.
fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
