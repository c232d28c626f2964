//! `access_log`: what a client did, and the line that says so.

use std::io::Write;
use std::time::Duration;

use crate::client::{Asked, Client};
use crate::log::format::{Part, Variable};
use crate::session::error::SessionError;
use crate::settings::app::Server;

/// Lines are collected up to this size, or for so long.
const BUFFER: usize = 64 << 10;
const FLUSH_MS: u64 = 1000;

/// What a client did, for its line.
#[derive(Default)]
pub struct Deeds {
    published: bool,
    played: bool,
    /// What it asked for last was refused.
    refused: bool,
    /// Something has begun.
    active: bool,
    name: Vec<u8>,
    args: Vec<u8>,
}

impl Deeds {
    /// It has asked to publish.
    pub fn publish(&mut self, what: &Asked) {
        self.published = true;
        self.note(what);
    }

    /// It has asked to play.
    pub fn play(&mut self, what: &Asked) {
        self.played = true;
        self.note(what);
    }

    fn note(&mut self, what: &Asked) {
        (self.name, self.args) = (what.name.clone(), what.args.clone());
        self.refused = false;
    }

    /// What it asked for last was refused.
    pub fn refused(&mut self) {
        self.refused = true;
    }

    /// What it asked for last has begun.
    pub fn begun(&mut self) {
        self.refused = false;
        self.active = true;
    }

    /// The session has ended with this.
    pub fn ended_by(&mut self, error: &SessionError) {
        self.refused |= match error {
            SessionError::Refused(_) | SessionError::LogIn => true,
            // One that is asked again and again may have served long before.
            SessionError::Hook(_) => !self.active,
            _ => false,
        };
    }

    /// Whether something was asked to be published.
    pub fn published(&self) -> bool {
        self.published
    }

    /// The stream that it asked for last.
    pub fn name(&self) -> Option<&[u8]> {
        (self.published || self.played).then_some(&self.name)
    }

    fn command(&self) -> &'static str {
        match (self.played, self.published, self.refused) {
            (true, true, false) => "PLAY+PUBLISH",
            (true, false, false) => "PLAY",
            (false, true, false) => "PUBLISH",
            (false, false, false) => "NONE",
            (true, true, true) => "PLAY+PUBLISH-REFUSED",
            (true, false, true) => "PLAY-REFUSED",
            (false, true, true) => "PUBLISH-REFUSED",
            (false, false, true) => "CONNECT-REFUSED",
        }
    }
}

/// Writes the lines of a connection that has ended.
pub fn write(server: &Server, client: &Client, deeds: &Deeds) {
    let logs = client.app.get().map_or(&server.logs, |app| &app.logs);
    for log in logs {
        access_log::append(&log.file, BUFFER, FLUSH_MS, None, |out| {
            log.parts.iter().for_each(|part| match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Variable(variable) => value(*variable, client, deeds, out),
            });
            out.push(b'\n');
        });
    }
}

fn value(variable: Variable, client: &Client, deeds: &Deeds, out: &mut Vec<u8>) {
    let hello = client.hello.borrow();
    let mut text = |bytes: &[u8]| match bytes.is_empty() {
        true => out.push(b'-'),
        // A client's words must not make another line, or another field.
        false => proto::escape::log(bytes, out),
    };
    match variable {
        Variable::RemoteAddr => return text(client.address().as_bytes()),
        Variable::App => {
            let app = client.app.get().map(|app| app.name.as_bytes());
            return text(app.unwrap_or(&hello.app));
        }
        Variable::FlashVer => return text(&hello.flash_version),
        Variable::SwfUrl => return text(&hello.swf_url),
        Variable::TcUrl => return text(&hello.tc_url),
        Variable::PageUrl => return text(&hello.page_url),
        Variable::Command => return text(deeds.command().as_bytes()),
        Variable::Name => return text(&deeds.name),
        Variable::Args => return text(&deeds.args),
        _ => {}
    }
    let wall = rt::wall();
    let session = wall.saturating_sub(client.since);
    let _ = match variable {
        Variable::Connection => write!(out, "{}", client.serial),
        Variable::BytesSent => write!(out, "{}", client.sent.get()),
        Variable::BytesReceived => write!(out, "{}", client.received.total()),
        Variable::TimeLocal => {
            write!(out, "{}", sys::clock::local(wall.as_secs()).access_log())
        }
        Variable::Msec => write!(out, "{}.{:03}", wall.as_secs(), wall.subsec_millis()),
        Variable::SessionTime => write!(out, "{}", session.as_secs()),
        _ => write!(out, "{}", readable(session)),
    };
}

/// `1d 2h 3m 4s`, as nginx-rtmp writes it.
fn readable(time: Duration) -> String {
    let seconds = time.as_secs();
    let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m")];
    let mut text = String::new();
    for (count, unit) in parts {
        if count > 0 || !text.is_empty() {
            text += &format!("{count}{unit} ");
        }
    }
    text + &format!("{}s", seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let text = |seconds| readable(Duration::from_secs(seconds));
        assert_eq!(text(4), "4s");
        assert_eq!(text(3_661), "1h 1m 1s");
        assert_eq!(text(90_000), "1d 1h 0m 0s");
    }
}
