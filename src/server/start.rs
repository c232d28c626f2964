//! From the command line to a running server, in eleven steps.

use std::process::ExitCode;
use std::rc::Rc;

use module::Regions;
use sys::signal::Blocked;
use sys::unix::SocketFile;

use crate::cycle::{self, Cycle};
use crate::handover::Inheritance;
use crate::master::Master;
use crate::options::Options;
use crate::place::Place;
use crate::{Failure, Modules, NAME, VERSION, pid, say, single, welcome};

/// Starts the server and runs it to its end.
pub fn start(options: &Options, modules: Modules) -> Result<(), Failure> {
    sys::signal::ignore_failed_writes();
    // 1. Where is everything?
    let place = Place::find(options)?;
    // 2. Does a predecessor hand its sockets over?
    let mut inheritance = Inheritance::take();
    // 4. Read the configuration; 3. and 5. create the modules' confs, set them, check them.
    let tree = cycle::parse(&place)?;
    let mut cycle = Cycle::load(&place, &tree, modules)?;
    // 6. Open the log files and the shared memory.
    cycle.open_files()?;
    sys::log::set_main(cycle.log.clone());
    cycle.warn(true);
    cycle.open_regions(&Regions::default(), std::mem::take(&mut inheritance.regions))?;
    // 7. Listen. Whoever sees that may send a signal at once: it waits for those who hear signals.
    let held = sys::signal::block_all()
        .map_err(|e| Failure::new(format!("sigprocmask() failed {}", sys::log::errno(&e))))?;
    // What the predecessor had and this configuration does not want is closed here.
    cycle.listen(&std::mem::take(&mut inheritance.sockets))?;
    let new_files = cycle.new_files.clone();
    // The sockets of a server that does not come to serve are in nobody's way.
    serve(options, place, modules, cycle, inheritance, held)
        .inspect_err(|_| new_files.iter().for_each(SocketFile::remove))
}

/// The steps after the sockets are open.
fn serve(
    options: &Options,
    place: Place,
    modules: Modules,
    cycle: Cycle,
    inheritance: Inheritance,
    held: Blocked,
) -> Result<(), Failure> {
    // 8. Let the modules see what was opened.
    cycle.init_modules()?;
    // 9. Is one running already? (A predecessor is meant to be.)
    if !inheritance.is_upgrade()
        && let Some(pid) = pid::other(&cycle.pid)
    {
        let file = cycle.pid.display();
        return Err(Failure::new(match sys::process::is_this_program(pid) {
            true => format!("a server runs already: process {pid} (\"{file}\")"),
            false => format!("\"{file}\" names the process {pid}, which runs and is no {NAME}"),
        }));
    }
    greet(&cycle);
    let mut starter = None;
    if cycle.core.daemon() && !inheritance.is_upgrade() {
        let started = sys::process::daemonize();
        let failed = |e| Failure::new(format!("daemon() failed {}", sys::log::errno(&e)));
        starter = Some(started.map_err(failed)?);
    }
    if cycle.core.master_process() {
        // 10. A master with its workers …
        let (options, cycle) = (options.clone(), Rc::new(cycle));
        let master = Master::new(options, place, modules, cycle, inheritance, starter)?;
        drop(held);
        master.run()
    } else {
        // 11. … or this process alone.
        single::run(place, modules, Rc::new(cycle), starter, held)
    }
}

/// `-t` and `-T`: everything that a start checks before it opens files and sockets, and all that is wrong
/// with it, not just the first.
pub fn test(options: &Options, modules: Modules, dump: bool) -> Result<ExitCode, Failure> {
    let place = Place::find(options)?;
    let conf = place.conf.display();
    let failed = || {
        say(format_args!("{NAME}: configuration file {conf} test failed\n"));
        Ok(ExitCode::FAILURE)
    };
    let checked = cycle::parse(&place).and_then(|tree| {
        let findings = Cycle::check(&place, &tree, modules)?;
        Ok((tree, findings))
    });
    let (tree, findings) = match checked {
        Ok(checked) => checked,
        Err(failure) => {
            failure.report();
            return failed();
        }
    };
    say(format_args!("{}", findings.report()));
    if options.lint {
        for lint::Warning { check, error } in lint::look(&tree) {
            say(format_args!("{NAME}: [lint] {}: {}\n", check.name, error.render()));
        }
    }
    if !findings.faults.is_empty() {
        return failed();
    }
    if !options.quiet {
        say(format_args!(
            "{NAME}: the configuration file {conf} syntax is ok\n\
             {NAME}: configuration file {conf} test is successful\n"
        ));
    }
    if dump {
        let written = tree.files.dump(&mut std::io::stdout().lock());
        written.map_err(|e| Failure::new(format!("write() failed {}", sys::log::errno(&e))))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn greet(cycle: &Cycle) {
    sys::log!(Notice, "using the \"epoll\" event method");
    sys::log!(Notice, "{NAME}/{VERSION}");
    for request in &cycle.requests {
        sys::log!(Notice, "{}", welcome::listening(request));
    }
    sys::log!(Notice, "getrlimit(RLIMIT_NOFILE): {}", sys::process::file_limit());
    let limit = cycle.core.worker_rlimit_nofile.or_default(sys::process::file_limit());
    let slots = cycle.core.events.or_default(Default::default()).loop_config().slots;
    if u64::from(slots) > limit {
        sys::log!(Warn, "{slots} worker_connections exceed open file resource limit: {limit}");
    } else if let Some(what) = cycle.connects
        && 2 * u64::from(slots) > limit
    {
        let sockets = format!("{slots} worker_connections and as many sockets of {what}");
        sys::log!(
            Warn,
            "{sockets} exceed open file resource limit: {limit}, see worker_rlimit_nofile"
        );
    }
}
