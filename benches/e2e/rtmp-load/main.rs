//! Load for an RTMP server: `benches/e2e/rtmp` drives it.
//!
//! One thread, one epoll. Publishers send what looks like H.264 and AAC in real time; each frame
//! carries a number and the time of its sending, and players check that no frame is missing, comes
//! twice or goes back, and how late it is. Handshake and chunks are written here once more, so that
//! the server's faults are not those of its judge. The report's `busy` tells whether the load was
//! slower than the server.
#![forbid(unsafe_code)]

mod amf;
mod check;
mod chunk;
mod client;
mod flv;
#[path = "../load/histogram.rs"]
mod histogram;
mod load;
mod media;
mod member;
mod options;
mod pace;
mod report;
mod round;
mod session;
#[path = "../load/socket.rs"]
mod socket;
mod tally;

use std::io::{self, Write};
use std::process::ExitCode;

use load::Load;
use options::Options;

fn main() -> ExitCode {
    let options = match options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(text) => {
            eprintln!("rtmp-load: {text}\n\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("rtmp-load: {text}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<(), String> {
    let wait = options.wait;
    let mut load = Load::new(options)?;
    if !wait {
        return say(&load.round()?.to_string());
    }
    say("READY")?;
    while !load.closed {
        if load.lines == 0 {
            load.turn(u64::MAX)?;
            continue;
        }
        load.lines -= 1;
        let report = load.round()?;
        say(&report.to_string())?;
    }
    Ok(())
}

/// A line that the caller sees at once.
fn say(line: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|e| e.to_string())
}
