//! A worker process: one event loop that serves one configuration to its end.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use module::Role;
use sys::channel::{Report, WorkerEnd};
use sys::signal::{self, Blocked, Signals};

use crate::cycle::{Cycle, role_of};

/// The exit code of a worker that could not start, as nginx's.
const CANNOT_START: i32 = 2;

/// What is live leaves a worker without a master within this time, in milliseconds.
const ORPHANED_MS: u64 = 1000;
/// The same for one of too many generations that are still there.
const HURRIED_MS: u64 = 5000;

/// Runs worker `number`, in its own process, and ends the process.
pub fn run(cycle: Rc<Cycle>, number: usize, channel: WorkerEnd, blocked: Blocked) -> ! {
    sys::title::set(role_of(number).map_or("worker process", Role::title));
    let cycle = cycle.keep();
    let mut channel = channel;
    let started = prepare(cycle, number).and_then(|()| start(cycle, number, &mut channel, blocked));
    if let Err(message) = started {
        sys::log!(Emerg, "{message}");
        channel.complain(&message);
        std::process::exit(CANNOT_START);
    }
    watch_master(cycle, number, channel);
    std::process::exit(serve(cycle, number))
}

/// What a process asks of the kernel before it serves anybody.
fn prepare(cycle: &Cycle, number: usize) -> Result<(), String> {
    let core = &cycle.core;
    let alert = |call: &str, result: std::io::Result<()>| {
        if let Err(error) = result {
            sys::log!(Alert, "{call} failed {}", sys::log::errno(&error));
        }
    };
    if let Some(&nice) = core.worker_priority.get() {
        alert("setpriority()", sys::process::set_priority(nice));
    }
    if let Some(&files) = core.worker_rlimit_nofile.get() {
        alert("setrlimit(RLIMIT_NOFILE)", sys::process::limit_files(files));
    }
    if let Some(&bytes) = core.worker_rlimit_core.get() {
        alert("setrlimit(RLIMIT_CORE)", sys::process::limit_core(bytes));
    }
    if role_of(number).is_none()
        && let Some(affinity) = core.worker_cpu_affinity.get()
    {
        alert("sched_setaffinity()", sys::process::set_affinity(&affinity.of_worker(number)));
    }
    if let Some(user) = cycle.user() {
        let assumed = user.assume();
        assumed.map_err(|(call, e)| format!("{call} failed {}", sys::log::errno(&e)))?;
        sys::process::allow_core_dumps();
    }
    if let Some(directory) = core.working_directory.get() {
        std::env::set_current_dir(directory).map_err(|e| {
            format!("chdir(\"{}\") failed {}", directory.display(), sys::log::errno(&e))
        })?;
    }
    sys::process::keep_environment(core.env.as_slice());
    Ok(())
}

/// Creates the loop, starts the modules in it, and tells the master.
fn start(
    cycle: &'static Cycle,
    number: usize,
    channel: &mut WorkerEnd,
    blocked: Blocked,
) -> Result<(), String> {
    let failed = |what: &str, error| format!("{what} failed {}", sys::log::errno(&error));
    let config = cycle.core.events.or_default(Default::default()).loop_config();
    rt::create(config).map_err(|e| failed("epoll_create()", e))?;
    watch_signals(cycle, number, blocked)?;
    match role_of(number) {
        Some(role) => {
            // Ports are the workers'.
            drop(cycle.sockets.take());
            cycle.assist(role);
        }
        None => cycle.start(number)?,
    }
    channel.send(Report::Ready).map_err(|e| failed("the report to the master", e))
}

fn watch_master(cycle: &'static Cycle, number: usize, channel: WorkerEnd) {
    let fd = channel.fd();
    let channel = RefCell::new(channel);
    let watched = rt::on_readable(fd, move || {
        if channel.borrow_mut().master_gone() {
            // Nobody would replace us, and a new master needs the ports: end in good order. Whoever follows
            // something live hears nothing new here, and is sent to where it does.
            sys::log!(Alert, "the master process is gone, shutting down");
            if role_of(number).is_some() {
                return rt::stop();
            }
            cycle.instances.iter().for_each(|instance| instance.orphaned());
            drain(cycle);
            cycle.drain(Some(ORPHANED_MS));
        }
    });
    if let Err(error) = watched {
        sys::log!(Alert, "epoll_ctl() failed {}", sys::log::errno(&error));
    }
}

fn watch_signals(cycle: &'static Cycle, number: usize, blocked: Blocked) -> Result<(), String> {
    let failed = |error| format!("sigaction() failed {}", sys::log::errno(&error));
    let wanted = [
        signal::SIGTERM,
        signal::SIGINT,
        signal::SIGQUIT,
        signal::SIGUSR1,
        // A terminal sends these to the whole group; they are the master's business.
        signal::SIGHUP,
        signal::SIGWINCH,
        // From the master alone: see `hurry`.
        signal::SIGUSR2,
    ];
    let signals = Signals::catch(&wanted).map_err(failed)?;
    drop(blocked);
    let fd = signals.fd();
    let (signals, is_told) = (RefCell::new(signals), Cell::new(false));
    let handle = move || {
        let taken = signals.borrow_mut().take();
        for taken in taken {
            match taken {
                signal::SIGTERM | signal::SIGINT => {
                    // It is said again to who takes long.
                    if !is_told.replace(true) {
                        sys::log!(Notice, "exiting");
                    }
                    rt::stop();
                }
                signal::SIGQUIT => {
                    sys::log!(Notice, "gracefully shutting down");
                    match role_of(number) {
                        // What it is at is in files, and the next one goes on with it.
                        Some(_) => rt::stop(),
                        None => drain(cycle),
                    }
                }
                signal::SIGUSR1 => reopen(cycle, number),
                signal::SIGUSR2 => hurry(cycle),
                _ => {}
            }
        }
    };
    // One that came while they were blocked has been delivered by now.
    rt::on_readable(fd, handle).map_err(failed)
}

fn reopen(cycle: &'static Cycle, number: usize) {
    match role_of(number) {
        Some(role) => sys::log!(Notice, "reopening logs ({})", role.title()),
        None => sys::log!(Notice, "reopening logs (worker {number})"),
    }
    cycle.instances.iter().for_each(|instance| instance.flush());
    if let Err((path, error)) = cycle.logs.open() {
        let errno = sys::log::errno(&error);
        sys::log!(Emerg, "open() \"{}\" failed {errno}", path.display());
    }
}

/// Stops accepting; the loop ends with its last connection, or with `worker_shutdown_timeout`.
fn drain(cycle: &'static Cycle) {
    if rt::draining() {
        return;
    }
    sys::title::set("worker process is shutting down");
    rt::remove_listeners();
    // Nobody may wait in a queue that this process alone would keep open.
    drop(cycle.sockets.take());
    let timeout = cycle.core.worker_shutdown_timeout.get().copied();
    cycle.drain(timeout);
    rt::drain();
    if let Some(timeout) = timeout {
        rt::after(timeout, rt::stop);
    }
}

/// There are too many generations: who follows something live is sent to a newer worker. Downloads go on.
fn hurry(cycle: &'static Cycle) {
    if rt::draining() {
        sys::log!(Notice, "sending readers away");
        cycle.drain(Some(HURRIED_MS));
    }
}

fn serve(cycle: &'static Cycle, number: usize) -> i32 {
    let result = rt::run();
    if !rt::draining() && role_of(number).is_none() {
        cycle.drain(Some(0));
        rt::drain();
    }
    let result = result.and_then(|()| cycle.finish());
    cycle.instances.iter().for_each(|instance| instance.flush());
    match result {
        Ok(()) => {
            sys::log!(Notice, "exit");
            0
        }
        Err(error) => {
            sys::log!(Alert, "epoll_wait() failed {}", sys::log::errno(&error));
            1
        }
    }
}
