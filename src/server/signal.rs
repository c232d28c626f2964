//! `-s`: commands to the running master, found by its pid file.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::control::{self, Command};
use crate::cycle::{self, Cycle};
use crate::options::{Options, Signal};
use crate::place::Place;
use crate::{Failure, Modules, NAME, pid, say};

/// Sends `signal` to the master that the configuration's pid file names.
pub fn send(options: &Options, modules: Modules, signal: Signal) -> Result<(), Failure> {
    let place = Place::find(options)?;
    let (path, error) = pid_file(&place, modules, signal)?;
    let pid = pid::read(&path).map_err(|e| {
        let errno = sys::log::errno(&e);
        Failure::new(format!("open() \"{}\" failed {errno}", path.display()))
    })?;
    let master = find(&path, pid)?;
    let command = match signal {
        Signal::Stop => return kill(pid, sys::signal::SIGTERM),
        Signal::Quit => return kill(pid, sys::signal::SIGQUIT),
        Signal::Reopen => return kill(pid, sys::signal::SIGUSR1),
        Signal::Reload => Command::Reload,
        Signal::Upgrade => Command::Upgrade,
        Signal::Certificates => Command::Certificates,
    };
    if let Some(master) = master {
        return control::ask(master, command);
    }
    if command == Command::Certificates {
        // It looks at them by itself, twice a second.
        return Ok(());
    }
    if command == Command::Upgrade {
        let socket = pid::control_socket(&path);
        return Err(Failure::new(format!(
            "process {pid} has no control socket \"{}\": a server that runs with \"master_process \
             off\" cannot change its binary; another one changes it at the signal USR2",
            socket.display()
        )));
    }
    // Nobody will tell how it went: what can be told beforehand is told here, as nginx does.
    error.map_or(Ok(()), Err)?;
    kill(pid, sys::signal::SIGHUP)?;
    say(format_args!(
        "{NAME}: [warn] process {pid} has no control socket; whether it serves the new configuration \
         is in its error log\n"
    ));
    Ok(())
}

fn kill(pid: i32, number: i32) -> Result<(), Failure> {
    sys::process::kill(pid, number)
        .map_err(|e| Failure::new(format!("kill({pid}, {number}) failed {}", sys::log::errno(&e))))
}

/// The way to the control socket of master `pid`, if it has one. An error if that number is another
/// process's by now: a stranger must not get a signal for us.
fn find(path: &Path, pid: i32) -> Result<Option<UnixStream>, Failure> {
    let socket = pid::control_socket(path);
    let refused = match sys::unix::connect(&socket) {
        Ok(master) if sys::unix::peer_pid(&master).is_none_or(|found| found == pid) => {
            return Ok(Some(master));
        }
        Ok(_) => io::Error::other("another server answers there"),
        Err(error) => error,
    };
    // A socket on which nobody listens is a dead server's, whoever has its number now.
    let dead = refused.kind() == io::ErrorKind::ConnectionRefused;
    if dead || !sys::process::lives(pid) || !sys::process::is_this_program(pid) {
        let path = path.display();
        return Err(Failure::new(format!(
            "no server runs: the process {pid} that \"{path}\" names is gone, the file is a dead \
             server's"
        )));
    }
    match refused.kind() {
        io::ErrorKind::WouldBlock => {
            Err(Failure::new(format!("the master (process {pid}) does not answer")))
        }
        _ => Ok(None),
    }
}

/// The pid file's path, and what is wrong with the configuration. Whoever wants a reload of a broken one
/// is to hear what the master says of it; for the others, too, a error elsewhere in the file must not
/// hide where the master is.
fn pid_file(
    place: &Place,
    modules: Modules,
    signal: Signal,
) -> Result<(PathBuf, Option<Failure>), Failure> {
    let parsed = cycle::parse(place);
    let loaded = match &parsed {
        Ok(tree) => Cycle::load(place, tree, modules).map_err(Some),
        Err(_) => Err(None),
    };
    let error = match loaded {
        Ok(cycle) => return Ok((cycle.pid, None)),
        Err(error) => error,
    };
    let named = parsed.as_ref().ok().and_then(|tree| {
        let node = tree.root.iter().find(|node| node.name == "pid")?;
        Some(place.prefix.join(&node.args.first()?.text))
    });
    let path = named.unwrap_or_else(|| place.prefix.join("logs/rserve.pid"));
    let error = error.or(parsed.err());
    match (path.exists(), error) {
        (false, Some(error)) if signal != Signal::Stop => Err(error),
        (_, error) => Ok((path, error)),
    }
}
