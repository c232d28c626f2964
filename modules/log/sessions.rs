//! The log of `stream {}`: a line for each session, when it has ended.

use conf::{Arity, Contexts, Directive, Error, Setting, contexts, settings};
use mem::Str;
use stream::{Hooks, Logger, Module, Session};

use crate::format::{self, Format};
use crate::named::{self, Cache};
use crate::read::{self, Target, Written};
use crate::{Line, buffer};

/// The module.
pub struct LogSessions;

const SERVERS: Contexts = contexts!(STREAM | STREAM_SERVER);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        raw log_format: Vec<Format> = (
            Contexts::STREAM, Arity::AtLeast(2), add_format, "",
            "a named form of lines: NAME [escape=default|json|none] text with variables"
        );
        list access_log: Written = (
            SERVERS, Arity::AtLeast(1), access_log, "off",
            "FILE FORMAT [buffer=SIZE (64k; 0: at once)] [flush=TIME (1s)] [gzip[=LEVEL]] [if=VALUE], syslog:server=ADDRESS… FORMAT [if=VALUE], or off; variables may stand in FILE"
        );
        value open_log_file_cache: Option<Cache> = (
            SERVERS, Arity::Between(1, 4), named::cache, "off",
            "keep files open whose names have variables in them: max=N [inactive=TIME (10s)] [min_uses=N (1)] [valid=TIME (60s)]"
        );
    }
}

fn add_format(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let format = format::format(conf.log_format.as_slice(), setting)?;
    conf.log_format.push(format);
    Ok(())
}

fn access_log(setting: &Setting<'_>) -> Result<Written, Error> {
    let written = read::access_log(setting)?;
    match (&written.target, setting.args()) {
        (Target::Off, _) | (_, [_, _, ..]) => Ok(written),
        // There is no form that everybody means.
        _ => Err(setting.error("log format is not specified")),
    }
}

impl Module for LogSessions {
    const NAME: &'static str = "stream log";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let written = conf.access_log.as_slice();
        if written.iter().any(|log| matches!(log.target, Target::Off)) {
            return Ok(());
        }
        for log in written {
            let formats = conf.log_format.as_slice();
            let line = Line::new(log, formats, conf.open_log_file_cache(), hooks)?;
            let prefix = Str::from(hooks.path("").to_string_lossy().into_owned());
            hooks.logger(SessionLine { line, prefix });
        }
        Ok(())
    }

    fn flush() {
        buffer::flush_all();
        named::forget();
    }
}

/// What is written of a session.
struct SessionLine {
    line: Line<Session>,
    /// Where relative names begin.
    prefix: Str,
}

impl Logger for SessionLine {
    fn log(&self, session: &Session) {
        self.line.write(session, |name, cache, line| {
            named::append(name, cache, session, &self.prefix, || true, line);
        });
    }
}
