//! What the modules of the family have in common: directives, each with the module's name before it, and what becomes of them.

use std::rc::Rc;

use conf::{Contexts, Error, Setting, contexts};
use module::Folder;

use crate::next::{Ignored, Next};

/// Where they may stand.
pub const WEB: Contexts = contexts!(HTTP | SERVER | LOCATION);

/// How a location asks its peers. Times are milliseconds, sizes bytes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name before the directives: `proxy`.
    pub family: &'static str,
    /// Until a connection is there.
    pub connect_timeout: u64,
    /// Between two writes of a request.
    pub send_timeout: u64,
    /// Between two reads of an answer.
    pub read_timeout: u64,
    /// The longest head of an answer.
    pub buffer_size: usize,
    /// Answers are read ahead of slow clients.
    pub buffering: bool,
    /// So much of an answer is ahead in memory.
    pub memory: u64,
    /// And so much in a file.
    pub max_temp_file_size: u64,
    /// Where that file is.
    pub temp_path: Rc<std::path::PathBuf>,
    /// Requests are read before anybody is asked.
    pub request_buffering: bool,
    /// When another peer is asked.
    pub next: Next,
    /// So many are asked at most; 0: all.
    pub next_tries: usize,
    /// None is asked later than that; 0: at any time.
    pub next_timeout: u64,
    /// What is asked goes on when the client has gone.
    pub ignore_client_abort: bool,
    /// Errors of peers have pages of this server.
    pub intercept_errors: bool,
    /// Fields that are not obeyed.
    pub ignored: Ignored,
    /// `SO_KEEPALIVE` of connections.
    pub socket_keepalive: bool,
}

/// `BUFFERS SIZE`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffers {
    /// How many.
    pub number: u64,
    /// How large each is.
    pub size: u64,
}

/// Reads `NUMBER SIZE`.
pub fn buffers(setting: &Setting<'_>) -> Result<Buffers, Error> {
    let buffers = Buffers { number: setting.number(0)?, size: setting.size(1)? };
    if buffers.number < 2 {
        return Err(setting.error_at(0, "there must be at least 2 buffers"));
    }
    match buffers.size {
        0 => Err(setting.invalid(1, "value")),
        _ => Ok(buffers),
    }
}

/// A directory, relative to the prefix; the digits of directories in it are not needed: what is there has no name.
pub fn temp_path(setting: &Setting<'_>) -> Result<std::path::PathBuf, Error> {
    Ok(setting.path(0))
}

/// The directory for what does not fit into memory.
pub fn folder(path: &std::path::Path, directive: &str) -> Folder {
    Folder { path: path.to_owned(), wanted_by: format!("\"{directive}\""), shared: None }
}

/// Checks sizes that depend on each other, as nginx does. The error names the directives.
pub fn check_sizes(
    family: &str,
    buffer_size: u64,
    buffers: Buffers,
    busy: Option<u64>,
    temp_write: Option<u64>,
    most: u64,
) -> Result<(), String> {
    let least = buffer_size.max(buffers.size);
    let total = buffers.number * buffers.size;
    for (name, size) in [("busy_buffers_size", busy), ("temp_file_write_size", temp_write)] {
        let Some(size) = size else { continue };
        if size < least {
            return Err(format!(
                "\"{family}_{name}\" must be equal to or greater than the maximum of the value of \
                 \"{family}_buffer_size\" and one of the \"{family}_buffers\""
            ));
        }
        if name == "busy_buffers_size" && size > total - buffers.size {
            return Err(format!(
                "\"{family}_{name}\" must be less than the size of all \"{family}_buffers\" minus one buffer"
            ));
        }
    }
    match most != 0 && most < least {
        true => Err(format!(
            "\"{family}_max_temp_file_size\" must be equal to zero to disable temporary files usage or must be \
             equal to or greater than the maximum of the value of \"{family}_buffer_size\" and one of the \
             \"{family}_buffers\""
        )),
        false => Ok(()),
    }
}
