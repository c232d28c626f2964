//! `error_log`, which stands in every context and means the same in all of them.

use std::sync::Arc;

use conf::{Error, Setting};
use sys::log::{LEVELS, Level, Target};
use sys::syslog::Syslog;

use crate::syslog;

const DEBUG_PARTS: [&str; 7] = [
    "debug_core",
    "debug_alloc",
    "debug_mutex",
    "debug_event",
    "debug_http",
    "debug_mail",
    "debug_stream",
];

/// The target and level of an `error_log` directive, in whichever context.
pub fn error_log(setting: &Setting<'_>) -> Result<(Target, Level), Error> {
    let target = match setting.arg(0) {
        "stderr" => Target::Stderr,
        name if name.starts_with("syslog:") => {
            let parsed = syslog::parse(&name["syslog:".len()..]);
            let settings = parsed.map_err(|why| setting.error_at(0, why))?;
            Target::Syslog(Arc::new(Syslog::new(settings)))
        }
        name if name.starts_with("memory:") => {
            let size = conf::value::size(&name["memory:".len()..]).filter(|size| *size > 0);
            Target::Memory(size.ok_or_else(|| setting.invalid(0, "buffer size"))? as usize)
        }
        _ => Target::File(setting.path(0)),
    };
    let level = match setting.args() {
        [_] => Level::Error,
        // nginx's parts of the level "debug", of which there may be several.
        [_, parts @ ..] if parts.iter().all(|part| DEBUG_PARTS.contains(&part.text.as_str())) => {
            Level::Debug
        }
        [_, _] => setting.choice(1, &LEVELS)?,
        _ => return Err(setting.error("invalid number of arguments in \"error_log\" directive")),
    };
    Ok((target, level))
}
