//! `error_log`, which stands in every context and means the same in all of them.

use conf::{Error, Setting};
use sys::log::{LEVELS, Level, Target};

/// The target and level of an `error_log` directive, in whichever context.
pub fn error_log(setting: &Setting<'_>) -> Result<(Target, Level), Error> {
    let target = match setting.arg(0) {
        "stderr" => Target::Stderr,
        name if name.starts_with("syslog:") || name.starts_with("memory:") => {
            return Err(setting.error_at(0, "error_log writes to a file or to stderr"));
        }
        _ => Target::File(setting.path(0)),
    };
    let level = match setting.args().len() {
        1 => Level::Error,
        2 => setting.choice(1, &LEVELS)?,
        _ => return Err(setting.error("invalid number of arguments in \"error_log\" directive")),
    };
    Ok((target, level))
}
