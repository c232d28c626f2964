//! Static files: GET and HEAD, conditional requests and byte ranges.
//!
//! ```text
//! handler: path ─▶ cache (each path looked at once a turn) or open, fstat ─▶ body: memory or a file window
//! filters: 10 not modified (304, 412) … 90 range (206, 416)
//! ```
#![forbid(unsafe_code)]

mod cache;
mod entry;
mod not_modified;
mod range;
mod respond;
mod watch;

pub use cache::knows;

use conf::{Arity, Contexts, Directive, Error, Opt, Setting, Word, contexts};
use http::{Event, Hooks, Module, Order, Phase};
use proto::conditional::Mode;

/// The module.
pub struct Static;

/// What its directives set.
#[derive(Default)]
pub struct Conf {
    range: Opt<bool>,
    max_ranges: Opt<u32>,
    etag: Opt<bool>,
    if_modified_since: Opt<Mode>,
    disable_symlinks: Opt<Policy>,
    file_cache: Opt<Limits>,
    gzip_static: Opt<GzipStatic>,
}

/// `gzip_static`: whether a file is looked for that is compressed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GzipStatic {
    Off,
    /// For clients that accept it.
    On,
    Always,
}

/// `disable_symlinks`
#[derive(Clone, Debug)]
enum Policy {
    Follow,
    Refuse { from: Option<Word> },
    IfOwnerMatches { from: Option<Word> },
}

/// `file_cache`: how much a worker keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Bytes of files in memory; 0: no cache.
    pub memory: usize,
    /// The longest file that is kept in memory; of longer ones the open descriptor is kept.
    pub file: u64,
    /// Open descriptors.
    pub files: usize,
    /// A file is kept in memory once it has been left alone for so long, in milliseconds.
    pub settle: u64,
}

/// Twice the time after which the kernel writes mapped pages back (`vm.dirty_expire_centisecs`).
const SETTLE: u64 = 60_000;

impl Default for Limits {
    fn default() -> Limits {
        Limits { memory: 16 << 20, file: 64 << 10, files: 256, settle: SETTLE }
    }
}

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

impl Module for Static {
    const NAME: &'static str = "static";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = &[
        Directive::new(
            "range",
            WEB,
            Arity::Flag,
            |c, s| c.range.set_in(s.flag()?, s),
            "on",
            "send parts of files when asked to; off: always the whole file",
        ),
        Directive::new(
            "max_ranges",
            WEB,
            Arity::Exactly(1),
            |c, s| c.max_ranges.set_in(s.number(0)?.min(u32::MAX.into()) as u32, s),
            "no limit",
            "parts in one request; with more the whole file is sent, 0: as range off",
        ),
        Directive::new(
            "etag",
            WEB,
            Arity::Flag,
            |c, s| c.etag.set_in(s.flag()?, s),
            "on",
            "send an ETag made of the file's time and size",
        ),
        Directive::new(
            "if_modified_since",
            WEB,
            Arity::Exactly(1),
            |c, s| {
                c.if_modified_since.set_in(
                    s.choice(
                        0,
                        &[("off", Mode::Off), ("exact", Mode::Exact), ("before", Mode::Before)],
                    )?,
                    s,
                )
            },
            "exact",
            "when a file counts as unmodified by its date",
        ),
        Directive::new(
            "disable_symlinks",
            WEB,
            Arity::Between(1, 2),
            set_symlinks,
            "off",
            "off, on or if_not_owner, [from=PART]: refuse paths with symbolic links behind PART",
        ),
        Directive::new(
            "file_cache",
            WEB,
            Arity::AtLeast(1),
            set_file_cache,
            "16m max_file=64k files=256 settle=60s",
            "memory for small files that nobody has changed for a while, in each worker; open files; or off",
        ),
        Directive::new(
            "gzip_static",
            WEB,
            Arity::Exactly(1),
            |c, s| {
                let choices = [
                    ("off", GzipStatic::Off),
                    ("on", GzipStatic::On),
                    ("always", GzipStatic::Always),
                ];
                c.gzip_static.set_in(s.choice(0, &choices)?, s)
            },
            "off",
            "send FILE.gz in the place of FILE, to clients that accept it (on) or to all (always)",
        ),
    ];

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.range.inherit(&outer.range);
        conf.max_ranges.inherit(&outer.max_ranges);
        conf.etag.inherit(&outer.etag);
        conf.if_modified_since.inherit(&outer.if_modified_since);
        conf.disable_symlinks.inherit(&outer.disable_symlinks);
        conf.file_cache.inherit(&outer.file_cache);
        conf.gzip_static.inherit(&outer.gzip_static);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let max_ranges = conf.max_ranges.get().copied();
        let range = conf.range.or_default(true) && max_ranges != Some(0);
        let (symlinks, from) = match conf.disable_symlinks.or_default(Policy::Follow) {
            Policy::Follow => (respond::Symlinks::Follow, None),
            Policy::Refuse { from } => (respond::Symlinks::Refuse, from),
            Policy::IfOwnerMatches { from } => (respond::Symlinks::IfOwnerMatches, from),
        };
        let from = from.map(|word| hooks.template(&word)).transpose()?;
        let mut cache = conf.file_cache.or_default(Limits::default());
        if hooks.settings.aio_threads {
            // Nothing is read in the worker: of small files, too, the descriptor is kept.
            cache.file = 0;
        }
        let etag = conf.etag.or_default(true);
        let ranges = range;
        let gzip = conf.gzip_static.or_default(GzipStatic::Off);
        hooks.on(Phase::Content, respond::Files { symlinks, from, cache, etag, ranges, gzip });
        let mode = conf.if_modified_since.or_default(Mode::Exact);
        hooks.filter(Order::NotModified, not_modified::NotModified { mode });
        if range {
            hooks.filter(Order::Range, range::Ranged { max_ranges });
        }
        Ok(())
    }

    fn worker(event: Event) {
        if event == Event::Start {
            cache::start();
        }
    }
}

fn set_symlinks(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let from = match setting.args().get(1) {
        None => None,
        Some(word) => match word.text.strip_prefix("from=") {
            Some(part) => Some(Word { text: part.to_owned(), ..word.clone() }),
            None => return Err(setting.error_at(1, format!("invalid parameter \"{word}\""))),
        },
    };
    let policy = match setting.arg(0) {
        "off" if from.is_some() => {
            return Err(setting.error("\"off\" parameter does not take \"from=\""));
        }
        "off" => Policy::Follow,
        "on" => Policy::Refuse { from },
        "if_not_owner" => Policy::IfOwnerMatches { from },
        other => return Err(setting.error_at(0, format!("invalid parameter \"{other}\""))),
    };
    conf.disable_symlinks.set_in(policy, setting)
}

fn set_file_cache(conf: &mut Conf, setting: &Setting<'_>) -> Result<(), Error> {
    let mut limits = Limits::default();
    match setting.arg(0) {
        "off" => limits.memory = 0,
        _ => limits.memory = setting.size(0)? as usize,
    }
    for (at, word) in setting.args().iter().enumerate().skip(1) {
        let invalid = || setting.error_at(at, format!("invalid parameter \"{word}\""));
        match word.text.split_once('=') {
            Some(("max_file", size)) => {
                limits.file = conf::value::size(size).ok_or_else(invalid)?.min(16 << 20);
            }
            Some(("settle", time)) => {
                limits.settle = conf::value::milliseconds(time).ok_or_else(invalid)?;
            }
            Some(("files", count)) => limits.files = count.parse().map_err(|_| invalid())?,
            _ => return Err(invalid()),
        }
    }
    if limits.settle < SETTLE && limits.memory > 0 {
        setting.warn(
            "\"settle\" of less than 60s: a file that is written to by mmap, or twice within one tick of \
             the clock, may be served as it was before",
        );
    }
    conf.file_cache.set_in(limits, setting)
}
