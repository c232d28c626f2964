//! `access_log` as it is written.

use std::path::PathBuf;

use conf::{Error, Setting, Word};
use sys::syslog;

/// One `access_log`.
#[derive(Clone, Debug)]
pub struct Written {
    pub target: Target,
    pub format: String,
    pub place: Word,
    /// 0: each line at once.
    pub buffer: usize,
    /// Milliseconds.
    pub flush: u64,
    /// What is written is compressed, so hard.
    pub gzip: Option<u32>,
    pub condition: Option<Word>,
}

/// Where lines go.
#[derive(Clone, Debug)]
pub enum Target {
    Off,
    File(PathBuf),
    /// A file whose name has variables in it.
    Named(Word),
    Syslog(syslog::Settings),
}

/// Lines are collected up to this size …
const BUFFER: usize = 64 << 10;
/// … or for so long.
const FLUSH_MS: u64 = 1000;

impl Written {
    /// In the usual form.
    pub fn new(target: Target) -> Written {
        let place = Word { text: String::new(), span: Default::default(), quoted: false };
        Written {
            target,
            format: "combined".to_owned(),
            place,
            buffer: BUFFER,
            flush: FLUSH_MS,
            gzip: None,
            condition: None,
        }
    }
}

/// Reads `access_log TARGET [FORMAT [PARAMETER…]]`.
pub fn access_log(setting: &Setting<'_>) -> Result<Written, Error> {
    let mut written = Written::new(target(setting)?);
    written.place = setting.args()[0].clone();
    if matches!(written.target, Target::Off) {
        return Ok(written);
    }
    let mut buffered = false;
    for (at, word) in setting.args().iter().enumerate().skip(1) {
        let invalid = || setting.error_at(at, format!("invalid parameter \"{word}\""));
        match word.text.split_once('=') {
            None if word.text == "gzip" && at > 1 => {
                written.gzip = Some(1);
                buffered = true;
            }
            None if at == 1 => {
                written.format.clone_from(&word.text);
                written.place = word.clone();
            }
            Some(("buffer", size)) => {
                let size = conf::value::size(size);
                let size = size.ok_or_else(|| {
                    setting.error_at(at, format!("invalid buffer size \"{word}\""))
                })?;
                written.buffer = size as usize;
                buffered = true;
            }
            Some(("flush", time)) => {
                let time = conf::value::milliseconds(time).filter(|time| *time > 0);
                written.flush = time.ok_or_else(|| {
                    setting.error_at(at, format!("invalid flush time \"{word}\""))
                })?;
            }
            Some(("gzip", level)) => {
                let level = level.parse().ok().filter(|level| (1..=9).contains(level));
                written.gzip = Some(level.ok_or_else(|| {
                    setting.error_at(at, format!("invalid compression level \"{word}\""))
                })?);
                buffered = true;
            }
            Some(("if", value)) => {
                written.condition = Some(Word { text: value.to_owned(), ..word.clone() });
            }
            _ => return Err(invalid()),
        }
    }
    match written.target {
        Target::Named(_) if buffered => {
            Err(setting.error_at(0, "buffered logs cannot have variables in name"))
        }
        Target::Syslog(_) if buffered => {
            Err(setting.error_at(0, "logs to syslog cannot be buffered"))
        }
        _ => Ok(written),
    }
}

fn target(setting: &Setting<'_>) -> Result<Target, Error> {
    match setting.arg(0) {
        "off" => Ok(Target::Off),
        text if text.starts_with("syslog:") => {
            let parsed = module::syslog::parse(&text["syslog:".len()..]);
            parsed.map(Target::Syslog).map_err(|why| setting.error_at(0, why))
        }
        text if text.contains('$') => Ok(Target::Named(setting.args()[0].clone())),
        _ => Ok(Target::File(setting.path(0))),
    }
}
