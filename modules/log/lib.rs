//! `access_log`, `log_format`: a line for each request.
#![forbid(unsafe_code)]

mod buffer;
mod format;

use std::path::PathBuf;
use std::rc::Rc;

use conf::{Arity, Directive, Error, Setting, Word, contexts, settings};
use http::{Hooks, Logger, Module, Request, Template};
use module::LogFile;

use crate::format::{Escape, Format};

pub use buffer::append;

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
            contexts!(HTTP | SERVER | LOCATION | LIF | LIMIT_EXCEPT), Arity::AtLeast(1), access_log,
            "logs/access.log combined",
            "FILE [FORMAT [buffer=SIZE (64k; 0: at once)] [flush=TIME (1s)] [if=VALUE]] or off"
        );
    }
}

/// One `access_log`.
#[derive(Clone, Debug)]
pub struct Written {
    /// `None`: off.
    path: Option<PathBuf>,
    format: String,
    place: Word,
    /// 0: each line at once.
    buffer: usize,
    /// Milliseconds.
    flush: u64,
    condition: Option<Word>,
}

/// Lines are collected up to this size …
const BUFFER: usize = 64 << 10;
/// … or for so long.
const FLUSH_MS: u64 = 1000;

impl Module for Log {
    const NAME: &'static str = "log";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let default = [Written::new(hooks.path("logs/access.log"))];
        let written = match conf.access_log.is_set() {
            true => conf.access_log.as_slice(),
            false => &default[..],
        };
        if written.iter().any(|log| log.path.is_none()) {
            return Ok(());
        }
        for log in written {
            let Some(path) = log.path.clone() else { continue };
            let (template, escape) = format::find(conf.log_format.as_slice(), log, hooks)?;
            let condition = log.condition.as_ref().map(|word| hooks.template(word)).transpose()?;
            let file = hooks.log_file(path);
            let Written { buffer, flush, .. } = *log;
            hooks.logger(Line { file, template, escape, condition, buffer, flush });
        }
        Ok(())
    }

    fn flush() {
        buffer::flush_all();
    }
}

impl Written {
    fn new(path: PathBuf) -> Written {
        let place = Word { text: String::new(), span: Default::default(), quoted: false };
        Written {
            path: Some(path),
            format: "combined".to_owned(),
            place,
            buffer: BUFFER,
            flush: FLUSH_MS,
            condition: None,
        }
    }
}

fn add_format(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let format = format::format(conf.log_format.as_slice(), setting)?;
    conf.log_format.push(format);
    Ok(())
}

fn access_log(setting: &Setting<'_>) -> Result<Written, Error> {
    let mut written = Written::new(setting.path(0));
    written.place = setting.args()[0].clone();
    if setting.arg(0) == "off" {
        written.path = None;
        return Ok(written);
    }
    if setting.arg(0).starts_with("syslog:") || setting.arg(0).contains('$') {
        return Err(setting.error_at(0, "access_log writes to a file with a fixed name"));
    }
    for (at, word) in setting.args().iter().enumerate().skip(1) {
        let invalid = || setting.error_at(at, format!("invalid parameter \"{word}\""));
        match word.text.split_once('=') {
            None if at == 1 => {
                written.format.clone_from(&word.text);
                written.place = word.clone();
            }
            Some(("buffer", size)) => {
                written.buffer = conf::value::size(size).ok_or_else(invalid)? as usize;
            }
            Some(("flush", time)) => {
                written.flush = conf::value::milliseconds(time).ok_or_else(invalid)?;
            }
            Some(("if", value)) => {
                written.condition = Some(Word { text: value.to_owned(), ..word.clone() });
            }
            _ if word.text == "gzip" || word.text.starts_with("gzip=") => {
                return Err(setting.error_at(at, "compressed logs are not supported"));
            }
            _ => return Err(invalid()),
        }
    }
    Ok(written)
}

struct Line {
    file: Rc<LogFile>,
    template: Template,
    escape: Escape,
    condition: Option<Template>,
    buffer: usize,
    flush: u64,
}

impl Logger for Line {
    fn log(&self, request: &Request) {
        if let Some(condition) = &self.condition {
            let mut value = Vec::new();
            condition.write(request, &mut value, |_, _, _| {});
            if value.is_empty() || value == b"0" {
                return;
            }
        }
        buffer::append(&self.file, self.buffer, self.flush, |out| {
            self.escape.write(&self.template, request, out);
            out.push(b'\n');
        });
    }
}
