//! `access_log`, `log_format`: a line for each connection, in nginx-rtmp's words.

use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use conf::{Error, Setting, Word};
use module::{LogFile, Setup};

use crate::client::{Asked, Client};
use crate::fault::Fault;
use crate::options::Options;
use crate::settings::Server;

/// nginx-rtmp's form.
const COMBINED: &str = "$remote_addr [$time_local] $command \"$app\" \"$name\" \"$args\" - \
     $bytes_received $bytes_sent \"$pageurl\" \"$flashver\" ($session_readable_time)";
/// Lines are collected up to this size, or for so long.
const BUFFER: usize = 64 << 10;
const FLUSH_MS: u64 = 1000;

/// A `log_format`.
#[derive(Clone, Debug)]
pub struct Format {
    name: String,
    parts: Rc<[Part]>,
}

/// One `access_log`.
#[derive(Clone, Debug)]
pub struct Written {
    /// `None`: off.
    path: Option<PathBuf>,
    format: Word,
}

/// A log, ready to be written.
pub struct Line {
    file: Rc<LogFile>,
    parts: Rc<[Part]>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Variable(Variable),
}

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
    pub fn ended_by(&mut self, fault: &Fault) {
        self.refused |= match fault {
            Fault::Refused(_) | Fault::LogIn => true,
            // One that is asked again and again may have served long before.
            Fault::Hook(_) => !self.active,
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

macro_rules! variables {
    ($($name:literal $variant:ident $help:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Variable { $($variant,)* }

        const VARIABLES: &[(&str, Variable)] = &[$(($name, Variable::$variant),)*];

        /// The variables of `log_format`, for the reference.
        pub const HELP: &[(&str, &str)] = &[$(($name, $help),)*];
    };
}

variables! {
    "connection" Connection "number of the connection",
    "remote_addr" RemoteAddr "address of the client",
    "app" App "application; as long as there is none, what the client asked for",
    "flashver" FlashVer "what the client says it is",
    "swfurl" SwfUrl "address of its program, as it says",
    "tcurl" TcUrl "address that it connected to, as it says",
    "pageurl" PageUrl "address of the page that it is on, as it says",
    "command" Command
        "what it did: PUBLISH, PLAY, PLAY+PUBLISH or NONE; with -REFUSED if that was not let in (CONNECT-REFUSED before it)",
    "name" Name "stream that it asked for last",
    "args" Args "arguments of that stream: what stood behind the ?",
    "bytes_sent" BytesSent "bytes sent to it",
    "bytes_received" BytesReceived "bytes that came from it",
    "time_local" TimeLocal "time of the line: 02/Jan/2026:15:04:05 +0000",
    "msec" Msec "the same in seconds since 1970, with milliseconds",
    "session_time" SessionTime "seconds for which it was connected",
    "session_readable_time" SessionReadableTime "the same as 1h 2m 3s",
}

/// Sets `log_format`.
pub fn set_format(options: &mut Options, setting: &Setting<'_>) -> Result<(), Error> {
    let name = setting.arg(0);
    let known = options.formats.as_slice().iter().any(|format| format.name == name);
    if known || name == "combined" {
        return Err(setting.error_at(0, format!("duplicate \"log_format\" name \"{name}\"")));
    }
    let text: String = setting.args()[1..].iter().map(|word| word.text.as_str()).collect();
    let parts = parse(&text).map_err(|why| setting.error_at(1, why))?;
    options.formats.push(Format { name: name.to_owned(), parts: parts.into() });
    Ok(())
}

/// Sets `access_log`.
pub fn set_access_log(options: &mut Options, setting: &Setting<'_>) -> Result<(), Error> {
    let path = (setting.arg(0) != "off").then(|| setting.path(0));
    let word = &setting.args()[setting.args().len() - 1];
    let named = setting.args().len() > 1;
    let text = if named { word.text.clone() } else { "combined".to_owned() };
    options.access_log.push(Written { path, format: Word { text, ..word.clone() } });
    Ok(())
}

fn parse(text: &str) -> Result<Vec<Part>, String> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find('$') {
        parts.push(Part::Text(rest[..at].to_owned()));
        rest = &rest[at + 1..];
        let braced = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, after) = braced.unwrap_or_else(|| rest.split_at(end));
        let known = VARIABLES.iter().find(|(known, _)| *known == name);
        let (_, variable) = known.ok_or_else(|| format!("unknown variable \"{name}\""))?;
        parts.push(Part::Variable(*variable));
        rest = after;
    }
    parts.push(Part::Text(rest.to_owned()));
    Ok(parts)
}

/// The logs that options ask for; formats are `rtmp {}`'s. Without `access_log` it is nginx-rtmp's default.
pub fn lines(options: &Options, main: &Options, setup: &mut Setup<'_>) -> Result<Vec<Line>, Error> {
    let mut lines = Vec::new();
    for written in options.access_log.as_slice() {
        let Some(path) = written.path.clone() else { return Ok(Vec::new()) };
        let name = &written.format.text;
        let known = main.formats.as_slice().iter().find(|format| format.name == *name);
        let parts = match known {
            Some(format) => format.parts.clone(),
            None if name == "combined" => parse(COMBINED).map_err(Error::new)?.into(),
            None => {
                let message = format!("unknown log format \"{name}\"");
                return Err(Error::at(message, written.format.span, setup.env.files));
            }
        };
        lines.push(Line { file: setup.log_file(path), parts });
    }
    if !options.access_log.is_set() {
        let path = setup.env.prefix.join("logs/access.log");
        lines.push(Line {
            file: setup.log_file(path),
            parts: parse(COMBINED).map_err(Error::new)?.into(),
        });
    }
    Ok(lines)
}

/// Writes the lines of a connection that has ended.
pub fn write(server: &Server, client: &Client, deeds: &Deeds) {
    let logs = client.app.get().map_or(&server.logs, |app| &app.logs);
    for log in logs {
        access_log::append(&log.file, BUFFER, FLUSH_MS, |out| {
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

    #[test]
    fn formats() {
        assert!(parse("$app ${name}x $command").is_ok_and(|parts| parts.len() == 7));
        assert_eq!(parse("$nothing").err().as_deref(), Some("unknown variable \"nothing\""));
        assert!(parse(COMBINED).is_ok());
    }
}
