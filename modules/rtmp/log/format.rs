//! `log_format`, `access_log`: what lines consist of, in nginx-rtmp's words.

use std::path::PathBuf;
use std::rc::Rc;

use conf::{Error, Opt, Setting, Word};
use module::{LogFile, Setup};

/// nginx-rtmp's form.
const COMBINED: &str = "$remote_addr [$time_local] $command \"$app\" \"$name\" \"$args\" - \
     $bytes_received $bytes_sent \"$pageurl\" \"$flashver\" ($session_readable_time)";
/// A `log_format`.
#[derive(Clone, Debug)]
pub struct Format {
    name: String,
    parts: Rc<[Part]>,
}

/// One `access_log`.
#[derive(Clone, Debug)]
pub struct AccessLog {
    /// `None`: off.
    path: Option<PathBuf>,
    format: Word,
}

/// A log, ready to be written.
pub struct Log {
    /// Where.
    pub file: Rc<LogFile>,
    /// What it consists of.
    pub parts: Rc<[Part]>,
}

/// A part of a line.
#[derive(Clone, Debug)]
pub enum Part {
    /// As it is written.
    Text(String),
    /// What the client says or does.
    Variable(Variable),
}

macro_rules! variables {
    ($($name:literal $variant:ident $help:literal,)*) => {
        /// What a line tells.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Variable { $(#[doc = $help] $variant,)* }

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

/// Reads `log_format`, where there are these.
pub fn format(known: &[Format], setting: &Setting<'_>) -> Result<Format, Error> {
    let name = setting.arg(0);
    let known = known.iter().any(|format| format.name == name);
    if known || name == "combined" {
        return Err(setting.error_at(0, format!("duplicate \"log_format\" name \"{name}\"")));
    }
    let text: String = setting.args()[1..].iter().map(|word| word.text.as_str()).collect();
    let parts = parse(&text).map_err(|why| setting.error_at(1, why))?;
    Ok(Format { name: name.to_owned(), parts: parts.into() })
}

/// Reads `access_log`.
pub fn access_log(setting: &Setting<'_>) -> AccessLog {
    let path = (setting.arg(0) != "off").then(|| setting.path(0));
    let word = &setting.args()[setting.args().len() - 1];
    let named = setting.args().len() > 1;
    let text = if named { word.text.clone() } else { "combined".to_owned() };
    AccessLog { path, format: Word { text, ..word.clone() } }
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

/// The logs that are asked for, with formats of these. Without `access_log` it is nginx-rtmp's default.
pub fn logs(
    written: &Opt<Vec<AccessLog>>,
    formats: &[Format],
    setup: &mut Setup<'_>,
) -> Result<Vec<Log>, Error> {
    let mut logs = Vec::new();
    for log in written.as_slice() {
        let Some(path) = log.path.clone() else { return Ok(Vec::new()) };
        let name = &log.format.text;
        let known = formats.iter().find(|format| format.name == *name);
        let parts = match known {
            Some(format) => format.parts.clone(),
            None if name == "combined" => parse(COMBINED).map_err(Error::new)?.into(),
            None => {
                let message = format!("unknown log format \"{name}\"");
                return Err(Error::at(message, log.format.span, setup.env.files));
            }
        };
        logs.push(Log { file: setup.log_file(path), parts });
    }
    if !written.is_set() {
        let path = setup.env.prefix.join("logs/access.log");
        let parts = parse(COMBINED).map_err(Error::new)?.into();
        logs.push(Log { file: setup.log_file(path), parts });
    }
    Ok(logs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        assert!(parse("$app ${name}x $command").is_ok_and(|parts| parts.len() == 7));
        assert_eq!(parse("$nothing").err().as_deref(), Some("unknown variable \"nothing\""));
        assert!(parse(COMBINED).is_ok());
    }
}
