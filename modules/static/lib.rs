//! Static files: GET and HEAD, conditional requests and byte ranges.
//!
//! ```text
//! handler: path ─▶ cache (each path looked at once a turn) or open, fstat ─▶ body: memory or a file window
//! filters: not modified (304, 412), range (206, 416)
//! ```
#![forbid(unsafe_code)]

mod cache;
mod entry;
mod not_modified;
mod range;
mod respond;
mod stored;
mod watch;

pub use cache::knows;
pub use respond::links;

use std::rc::Rc;

use conf::{Arity, Contexts, Directive, Error, Setting, Word, contexts, settings};
use http::{Hooks, Module, Order, Phase};
use proto::conditional::Mode;

/// The module.
pub struct Static;

/// `gzip_static`, `brotli_static`, `zstd_static`: whether a file is looked for that is compressed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
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
pub(crate) struct CacheLimits {
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

impl Default for CacheLimits {
    fn default() -> CacheLimits {
        CacheLimits { memory: 16 << 20, file: 64 << 10, files: 256, settle: SETTLE }
    }
}

const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);
const ONE: Arity = Arity::Exactly(1);

settings! {
    /// What its directives set.
    #[derive(Default)]
    pub struct Conf {
        flag range = (WEB, "on", "send parts of files when asked to; off: always the whole file");
        option max_ranges: u32 = (
            WEB, ONE, count, "(no limit)",
            "parts in one request; with more the whole file is sent, 0: as range off"
        );
        flag etag = (WEB, "on", "send an ETag made of the file's time and size");
        value if_modified_since: Mode = (
            WEB, ONE, |s: &Setting<'_>| s.choice(0, MODES), "exact",
            "when a file counts as unmodified by its date"
        );
        value disable_symlinks: Policy = (
            WEB, Arity::Between(1, 2), symlinks, "off",
            "off, on or if_not_owner, [from=PART]: refuse paths with symbolic links behind PART"
        );
        value file_cache: CacheLimits = (
            WEB, Arity::AtLeast(1), file_cache, "16m max_file=64k files=256 settle=60s",
            "memory for small files that nobody has changed for a while, in each worker; open files; or off"
        );
        value gzip_static: Kept = (
            WEB, ONE, |s: &Setting<'_>| s.choice(0, KEPT), "off",
            "send FILE.gz in the place of FILE, to clients that accept it (on) or to all (always)"
        );
        value brotli_static: Kept = (
            WEB, ONE, |s: &Setting<'_>| s.choice(0, KEPT), "off",
            "send FILE.br in the place of FILE, to clients that accept it (on) or to all (always)"
        );
        value zstd_static: Kept = (
            WEB, ONE, |s: &Setting<'_>| s.choice(0, KEPT), "off",
            "send FILE.zst in the place of FILE, to clients that accept it (on) or to all (always)"
        );
    }
}

const MODES: &[(&str, Mode)] =
    &[("off", Mode::Off), ("exact", Mode::Exact), ("before", Mode::Before)];
const KEPT: &[(&str, Kept)] = &[("off", Kept::Off), ("on", Kept::On), ("always", Kept::Always)];

impl Module for Static {
    const NAME: &'static str = "static";
    type Conf = Conf;
    const DIRECTIVES: &'static [Directive<Conf>] = Conf::DIRECTIVES;

    fn inherit(conf: &mut Conf, outer: &Conf) {
        conf.inherit(outer);
    }

    fn install(conf: &Conf, hooks: &mut Hooks<'_, '_>) -> Result<(), Error> {
        let max_ranges = conf.max_ranges.get().copied();
        let range = conf.range() && max_ranges != Some(0);
        let (symlinks, from) = match conf.disable_symlinks() {
            Policy::Follow => (respond::Symlinks::Follow, None),
            Policy::Refuse { from } => (respond::Symlinks::Refuse, from),
            Policy::IfOwnerMatches { from } => (respond::Symlinks::IfOwnerMatches, from),
        };
        let from = from.map(|word| hooks.template(&word)).transpose()?;
        let mut cache = conf.file_cache();
        if hooks.settings.aio_threads {
            // Nothing is read in the worker: of small files, too, the descriptor is kept.
            cache.file = 0;
        }
        let etag = conf.etag();
        let ranges = range;
        let kept = |coding| match coding {
            "br" => (conf.brotli_static(), coding, ".br"),
            "zstd" => (conf.zstd_static(), coding, ".zst"),
            _ => (conf.gzip_static(), "gzip", ".gz"),
        };
        let stored = http::CODINGS.into_iter().map(kept).filter(|(kept, ..)| *kept != Kept::Off);
        let stored = stored.map(|(kept, coding, suffix)| stored::Stored {
            coding,
            suffix,
            always: kept == Kept::Always,
        });
        let stored = stored.collect();
        let links = Rc::new(respond::Links { symlinks, from });
        if links.symlinks != respond::Symlinks::Follow {
            hooks.keep(links.clone());
        }
        hooks.on(
            Phase::Content,
            respond::Files { links: links.clone(), cache, etag, ranges, stored },
        );
        let mode = conf.if_modified_since();
        hooks.filter(Order::NotModified, not_modified::NotModified { mode });
        if range {
            hooks.filter(Order::Range, range::Ranged { max_ranges });
        }
        Ok(())
    }

    fn started() -> Result<(), String> {
        cache::start();
        Ok(())
    }
}

fn count(setting: &Setting<'_>) -> Result<u32, Error> {
    Ok(setting.number(0)?.min(u32::MAX.into()) as u32)
}

fn symlinks(setting: &Setting<'_>) -> Result<Policy, Error> {
    let from = match setting.args().get(1) {
        None => None,
        Some(word) => match word.text.strip_prefix("from=") {
            Some(part) => Some(Word { text: part.to_owned(), ..word.clone() }),
            None => return Err(setting.error_at(1, format!("invalid parameter \"{word}\""))),
        },
    };
    Ok(match setting.arg(0) {
        "off" if from.is_some() => {
            return Err(setting.error("\"off\" parameter does not take \"from=\""));
        }
        "off" => Policy::Follow,
        "on" => Policy::Refuse { from },
        "if_not_owner" => Policy::IfOwnerMatches { from },
        other => return Err(setting.error_at(0, format!("invalid parameter \"{other}\""))),
    })
}

fn file_cache(setting: &Setting<'_>) -> Result<CacheLimits, Error> {
    let mut limits = CacheLimits::default();
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
    Ok(limits)
}
