//! `master_process off`: everything in one process, for development.

use std::cell::RefCell;
use std::rc::Rc;

use sys::process::Starter;
use sys::signal::{self, Blocked, Signals};
use sys::unix::SocketFile;

use crate::cycle::{self, Cycle};
use crate::place::Place;
use crate::{Failure, Modules, pid};

/// Runs the server in this process.
pub fn run(
    place: Place,
    modules: Modules,
    cycle: Rc<Cycle>,
    starter: Option<Starter>,
    held: Blocked,
) -> Result<(), Failure> {
    let failed = |what: &str, e| Failure::new(format!("{what} failed {}", sys::log::errno(&e)));
    pid::write(&cycle.pid).map_err(|e| failed("writing the pid file", e))?;
    let config = cycle.core.events.or_default(Default::default()).loop_config();
    rt::create(config).map_err(|e| failed("epoll_create()", e))?;
    serve(cycle.clone())?;
    let wanted =
        [signal::SIGTERM, signal::SIGINT, signal::SIGQUIT, signal::SIGHUP, signal::SIGUSR1];
    let signals = Signals::catch(&wanted).map_err(|e| failed("sigaction()", e))?;
    drop(held);
    let fd = signals.fd();
    let pid_file = cycle.pid.clone();
    let files = Rc::new(RefCell::new(cycle.new_files.clone()));
    let made = files.clone();
    let state = Rc::new(RefCell::new((signals, cycle)));
    let last = state.clone();
    rt::on_readable(fd, move || {
        let taken = state.borrow_mut().0.take();
        for taken in taken {
            handle(taken, &place, modules, &mut state.borrow_mut().1);
            remove_unused(&mut made.borrow_mut(), state.borrow().1.socket_files());
        }
    })
    .map_err(|e| failed("epoll_ctl()", e))?;
    if let Some(starter) = starter {
        sys::log::take_stderr().map_err(|e| failed("dup2()", e))?;
        starter.report_ready();
    }
    sys::notify::send(&format!("READY=1\nMAINPID={}", sys::process::pid()));
    let result = rt::run().and_then(|()| {
        rt::drain();
        last.borrow().1.clone().keep().finish()
    });
    last.borrow().1.close();
    pid::remove(&pid_file);
    files.borrow().iter().for_each(SocketFile::remove);
    result.map_err(|e| failed("epoll_wait()", e))
}

/// Takes away the files of sockets that are not open any more, after a reload or to drain.
fn remove_unused(files: &mut Vec<SocketFile>, open: Vec<SocketFile>) {
    files.iter().filter(|file| !open.contains(file)).for_each(SocketFile::remove);
    *files = open;
}

fn handle(taken: i32, place: &Place, modules: Modules, cycle: &mut Rc<Cycle>) {
    match taken {
        signal::SIGTERM | signal::SIGINT => rt::stop(),
        signal::SIGQUIT => {
            rt::remove_listeners();
            drop(cycle.sockets.take());
            let within = cycle.core.worker_shutdown_timeout.get().copied();
            cycle.instances.iter().for_each(|instance| instance.flush());
            cycle.clone().keep().drain(within);
            rt::drain();
        }
        signal::SIGUSR1 => {
            cycle.instances.iter().for_each(|instance| instance.flush());
            let _ = cycle.logs.open();
        }
        _ => match reload(place, modules, cycle) {
            Ok(new) => *cycle = new,
            Err(failure) => sys::log!(Emerg, "{failure}"),
        },
    }
}

fn reload(place: &Place, modules: Modules, old: &Cycle) -> Result<Rc<Cycle>, Failure> {
    sys::log!(Notice, "reconfiguring");
    let tree = cycle::parse(place)?;
    let mut new = Cycle::load(place, &tree, modules)?;
    new.open_files()?;
    new.open_regions(&old.regions, Vec::new())?;
    new.listen(&old.sockets.borrow())?;
    new.init_modules().inspect_err(|_| {
        new.remove_new_files();
        new.decided(false);
    })?;
    sys::log::set_main(new.log.clone());
    let new = Rc::new(new);
    rt::remove_listeners();
    serve(new.clone())?;
    old.replaced(&new.regions);
    Ok(new)
}

/// Connections of the configuration before keep pointing into it, so it stays in memory: a leak of
/// one configuration per reload, in a mode that is not for production.
fn serve(cycle: Rc<Cycle>) -> Result<(), Failure> {
    let cycle = cycle.keep();
    cycle.start(0).map_err(Failure::new)?;
    cycle.decided(true);
    look(cycle);
    Ok(())
}

/// What a master does twice a second.
fn look(cycle: &'static Cycle) {
    cycle.look();
    rt::after(500, move || look(cycle));
}
