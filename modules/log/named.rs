//! A log file whose name has variables in it: opened for each line, or kept open for some (`open_log_file_cache`).

use std::cell::RefCell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

use conf::{Error, Setting};
use http::vars::scope::Scope;
use http::vars::template::Template;
use http::{LogLevel, Request};
use sys::append::AppendFile;

/// `open_log_file_cache`. Times are milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Cache {
    most: usize,
    inactive: u64,
    /// A file is kept once it was written to so often within `inactive`.
    min_uses: u32,
    /// After so long it is looked whether the name still leads to it.
    valid: u64,
}

/// Reads `open_log_file_cache max=N [inactive=TIME] [min_uses=N] [valid=TIME]` or `off`.
pub fn cache(setting: &Setting<'_>) -> Result<Option<Cache>, Error> {
    if setting.args().len() == 1 && setting.arg(0) == "off" {
        return Ok(None);
    }
    let mut cache = Cache { most: 0, inactive: 10_000, min_uses: 1, valid: 60_000 };
    for (at, word) in setting.args().iter().enumerate() {
        let invalid = || setting.error_at(at, format!("invalid parameter \"{word}\""));
        let (name, value) = word.text.split_once('=').ok_or_else(invalid)?;
        let number = || conf::value::number(value).filter(|number| *number > 0);
        let time = || conf::value::milliseconds(value);
        match name {
            "max" => cache.most = number().ok_or_else(invalid)? as usize,
            "inactive" => cache.inactive = time().ok_or_else(invalid)?,
            "min_uses" => cache.min_uses = number().ok_or_else(invalid)? as u32,
            "valid" => cache.valid = time().ok_or_else(invalid)?,
            _ => return Err(invalid()),
        }
    }
    match cache.most {
        0 => Err(setting.error("\"open_log_file_cache\" must have \"max\" parameter")),
        _ => Ok(Some(cache)),
    }
}

/// A file that is kept, or that may soon be.
struct Kept {
    path: Vec<u8>,
    file: Option<Rc<AppendFile>>,
    uses: u32,
    used: u64,
    checked: u64,
}

thread_local! {
    static KEPT: RefCell<Vec<Kept>> = const { RefCell::new(Vec::new()) };
}

/// Appends the line to the file that the template names for this request, if it is wanted then.
pub fn append<R: Scope>(
    name: &Template<R>,
    cache: Option<Cache>,
    request: &R,
    prefix: &[u8],
    is_wanted: impl FnOnce() -> bool,
    line: &[u8],
) {
    let mut path = Vec::new();
    name.write(request, &mut path, |_, _, _| {});
    let shown = String::from_utf8_lossy(&path).into_owned();
    if name.climbs(&path) || path.contains(&0) {
        let message =
            format_args!("\"{shown}\" leads out of the directory that is written, not logged");
        return request.log(LogLevel::Error, message);
    }
    if path.first() != Some(&b'/') {
        path.splice(..0, prefix.iter().copied().chain([b'/']));
    }
    if !is_wanted() {
        return;
    }
    let written = open(&path, cache).and_then(|file| file.write(line));
    if let Err(error) = written {
        let errno = sys::log::errno(&error);
        request.log(LogLevel::Crit, format_args!("open() \"{shown}\" failed {errno}"));
    }
}

/// Whether the directory that a request's files are in is there.
pub fn root_is_there(request: &Request) -> bool {
    let root = request.root();
    sys::file::stat_path(&root).is_ok() || {
        let root = String::from_utf8_lossy(&root);
        request.error(LogLevel::Error, format_args!("\"{root}\" is not there, not logged"));
        false
    }
}

fn open(path: &[u8], cache: Option<Cache>) -> std::io::Result<Rc<AppendFile>> {
    let fresh = || AppendFile::open_regular(Path::new(OsStr::from_bytes(path))).map(Rc::new);
    let Some(cache) = cache else { return fresh() };
    KEPT.with_borrow_mut(|kept| {
        let now = rt::now();
        kept.retain(|one| now.saturating_sub(one.used) < cache.inactive);
        let at = kept.iter().position(|one| one.path == path).unwrap_or_else(|| {
            if kept.len() >= cache.most {
                let oldest = kept.iter().enumerate().min_by_key(|(_, one)| one.used);
                oldest.map(|(at, _)| at).map(|at| kept.swap_remove(at));
            }
            let one = Kept { path: path.to_vec(), file: None, uses: 0, used: now, checked: now };
            kept.push(one);
            kept.len() - 1
        });
        let one = &mut kept[at];
        (one.uses, one.used) = (one.uses.saturating_add(1), now);
        if now.saturating_sub(one.checked) >= cache.valid {
            one.checked = now;
            let same = |file: &Rc<AppendFile>| file.is_at(Path::new(OsStr::from_bytes(path)));
            one.file = one.file.take().filter(same);
        }
        let file = match &one.file {
            Some(file) => file.clone(),
            None => fresh()?,
        };
        if one.uses >= cache.min_uses {
            one.file = Some(file.clone());
        }
        Ok(file)
    })
}

/// Log files were rotated, or it ends.
pub fn forget() {
    KEPT.with_borrow_mut(Vec::clear);
}
