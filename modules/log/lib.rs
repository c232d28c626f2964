//! `access_log`, `log_format`: a line for each request, in a file or to a server of syslog.
#![forbid(unsafe_code)]

mod buffer;
mod format;
mod named;
mod read;
mod sessions;

use std::rc::Rc;

use conf::{Arity, Directive, Error, Setting, contexts, settings};
use http::vars::scope::Scope;
use http::vars::template::Template;
use http::{Hooks, Installing, Logger, Module, Request};
use module::LogFile;
use sys::syslog::Syslog;

use crate::format::{Escape, Format};
use crate::named::Cache;
use crate::read::{Target, Written};

pub use buffer::append;
pub use sessions::LogSessions;

/// The module.
pub struct Log;

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        raw log_format: Vec<Format> = (
            contexts!(HTTP), Arity::AtLeast(2), add_format, "combined …",
            "a named form of lines: NAME [escape=default|json|none] text with variables"
        );
        list access_log: Written = (
            contexts!(HTTP | SERVER | LOCATION | LIF | LIMIT_EXCEPT), Arity::AtLeast(1), read::access_log,
            "logs/access.log combined",
            "FILE [FORMAT [buffer=SIZE (64k; 0: at once)] [flush=TIME (1s)] [gzip[=LEVEL]] [if=VALUE]], syslog:server=ADDRESS… [FORMAT [if=VALUE]], or off; variables may stand in FILE"
        );
        value open_log_file_cache: Option<Cache> = (
            contexts!(HTTP | SERVER | LOCATION), Arity::Between(1, 4), named::cache, "off",
            "keep files open whose names have variables in them: max=N [inactive=TIME (10s)] [min_uses=N (1)] [valid=TIME (60s)]"
        );
    }
}

impl Module for Log {
    const NAME: &'static str = "log";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let default = [Written::new(Target::File(hooks.path("logs/access.log")))];
        let written = match conf.access_log.is_set() {
            true => conf.access_log.as_slice(),
            false => &default[..],
        };
        if written.iter().any(|log| matches!(log.target, Target::Off)) {
            return Ok(());
        }
        for log in written {
            let formats = conf.log_format.as_slice();
            let line = Line::new(log, formats, conf.open_log_file_cache(), hooks)?;
            hooks.logger(line);
        }
        Ok(())
    }

    fn flush() {
        buffer::flush_all();
        named::forget();
    }
}

fn add_format(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let format = format::format(conf.log_format.as_slice(), setting)?;
    conf.log_format.push(format);
    Ok(())
}

/// What is written of a request, or of a session.
struct Line<R: 'static> {
    sink: Sink<R>,
    template: Template<R>,
    escape: Escape,
    condition: Option<Template<R>>,
}

enum Sink<R: 'static> {
    /// In lines that are collected.
    File {
        file: Rc<LogFile>,
        buffer: usize,
        flush: u64,
        gzip: Option<u32>,
    },
    Named(Template<R>, Option<Cache>),
    Syslog(Syslog),
}

impl<R: Scope> Line<R> {
    fn new(
        log: &Written,
        formats: &[Format],
        cache: Option<Cache>,
        hooks: &mut Installing<'_, '_, R>,
    ) -> Result<Line<R>, Error> {
        let Written { buffer, flush, gzip, .. } = *log;
        let sink = match &log.target {
            Target::Off => return Err(hooks.error(&log.place, "nothing is logged")),
            Target::File(path) => {
                Sink::File { file: hooks.log_file(path.clone()), buffer, flush, gzip }
            }
            Target::Named(word) => Sink::Named(hooks.template(word)?, cache),
            Target::Syslog(settings) => Sink::Syslog(Syslog::new(settings.clone())),
        };
        let (template, escape) = format::find(formats, log, hooks)?;
        let condition = log.condition.as_ref().map(|word| hooks.template(word)).transpose()?;
        Ok(Line { sink, template, escape, condition })
    }

    /// Writes the line; where its file has variables in its name, `named` does so.
    fn write(&self, of: &R, named: impl FnOnce(&Template<R>, Option<Cache>, &[u8])) {
        if let Some(condition) = &self.condition {
            let mut value = Vec::new();
            condition.write(of, &mut value, |_, _, _| {});
            if value.is_empty() || value == b"0" {
                return;
            }
        }
        let line = || {
            let mut line = Vec::new();
            self.escape.write(&self.template, of, &mut line);
            line
        };
        match &self.sink {
            Sink::File { file, buffer, flush, gzip } => {
                buffer::append(file, *buffer, *flush, *gzip, |out| {
                    self.escape.write(&self.template, of, out);
                    out.push(b'\n');
                });
            }
            Sink::Named(name, cache) => {
                let mut line = line();
                line.push(b'\n');
                named(name, *cache, &line);
            }
            Sink::Syslog(syslog) => sys::log::to_syslog(syslog, None, &line()),
        }
    }
}

impl Logger for Line<Request> {
    fn log(&self, request: &Request) {
        self.write(request, |name, cache, line| {
            let prefix = &request.location().settings.prefix;
            // As nginx: no files for names of hosts that nobody has.
            let is_wanted = || named::root_is_there(request);
            named::append(name, cache, request, prefix, is_wanted, line);
        });
    }
}
