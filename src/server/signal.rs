//! `-s`: signals to the running master, found by its pid file.

use crate::cycle::{self, Cycle, Place};
use crate::options::{Options, Signal};
use crate::{Failure, Modules, control, pid};

/// Sends `signal` to the master that the configuration's pid file names.
pub fn send(options: &Options, modules: Modules, signal: Signal) -> Result<(), Failure> {
    let place = Place::find(options)?;
    let path = pid_file(&place, modules, signal)?;
    let pid = pid::read(&path).map_err(|e| {
        let errno = sys::log::errno(&e);
        Failure::new(format!("open() \"{}\" failed {errno}", path.display()))
    })?;
    let number = match signal {
        Signal::Stop => sys::signal::SIGTERM,
        Signal::Quit => sys::signal::SIGQUIT,
        Signal::Reopen => sys::signal::SIGUSR1,
        Signal::Reload => {
            let socket = pid::control_socket(&path);
            if socket.exists() && sys::process::exists(pid) {
                return control::ask_reload(&socket);
            }
            // `master_process off` has no control socket: the verdict is in its log.
            sys::signal::SIGHUP
        }
    };
    sys::process::kill(pid, number)
        .map_err(|e| Failure::new(format!("kill({pid}, {number}) failed {}", sys::log::errno(&e))))
}

/// The pid file's path. Whoever wants a reload of a broken configuration is to hear what the master
/// says of it; for the others, too, a fault elsewhere in the file must not hide where the master is.
fn pid_file(
    place: &Place,
    modules: Modules,
    signal: Signal,
) -> Result<std::path::PathBuf, Failure> {
    let parsed = cycle::parse(place);
    let loaded = parsed
        .as_ref()
        .map_err(|_| ())
        .and_then(|tree| Cycle::load(place, tree, modules).map(|cycle| cycle.pid).map_err(|_| ()));
    if let Ok(path) = loaded {
        return Ok(path);
    }
    let named = parsed.as_ref().ok().and_then(|tree| {
        let node = tree.root.iter().find(|node| node.name == "pid")?;
        Some(place.prefix.join(&node.args.first()?.text))
    });
    let path = named.unwrap_or_else(|| place.prefix.join("logs/rserve.pid"));
    match (path.exists(), parsed) {
        (false, Err(failure)) if signal != Signal::Stop => Err(failure),
        _ => Ok(path),
    }
}
