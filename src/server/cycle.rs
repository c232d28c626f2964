//! A cycle: one loaded configuration, with all that it opened.

use std::any::Any;
use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use conf::{Contexts, Env, Error, Setting, Table, Tree, erase};
use module::{Folder, Inherited, Instance, Logs, Regions, Request, Role, Setup, Sockets};
use sys::log::Log;
use sys::unix::SocketFile;
use sys::user::Identity;

use crate::core_conf::CoreConf;
use crate::findings::Findings;
use crate::place::Place;
use crate::{Failure, Modules, NAME, say};

/// What the directives of the main context have set, of the core and of each module.
type Confs = (CoreConf, Vec<Box<dyn Any>>);

/// Sets every directive of the main context; blocks set theirs.
fn read(tree: &Tree, modules: Modules, env: &Env<'_>) -> Result<Confs, Error> {
    let mut table = Table::new();
    table.add(0, erase(CoreConf::DIRECTIVES))?;
    for (at, module) in modules.iter().enumerate() {
        table.add(at + 1, module.directives())?;
    }
    let mut core = CoreConf::default();
    let mut confs: Vec<_> = modules.iter().map(|module| module.create()).collect();
    for node in &tree.root {
        let setting = Setting::new(node, Contexts::MAIN, env);
        let set = table.find(&setting).and_then(|found| match found {
            Some(found) if found.owner == 0 => found.entry.set(&mut core, &setting),
            Some(found) => found.entry.set(&mut *confs[found.owner - 1], &setting),
            None => Ok(()),
        });
        env.settle(set)?;
    }
    Ok((core, confs))
}

/// The number among the workers of a process with a role of its own.
pub const fn number_of(role: Role) -> usize {
    usize::MAX - role as usize
}

/// The role of the process with a number; `None`: it is a worker.
pub fn role_of(number: usize) -> Option<Role> {
    Role::ALL.into_iter().find(|&role| number_of(role) == number)
}

/// A configuration that is ready to be opened and run.
pub struct Cycle {
    /// The main context.
    pub core: CoreConf,
    /// The process's own error logs.
    pub log: Vec<Arc<Log>>,
    /// All log files.
    pub logs: Logs,
    /// The shared memory asked for.
    pub regions: Regions,
    /// The folders asked for.
    pub folders: Vec<Folder>,
    /// The sockets asked for.
    pub requests: Vec<Request>,
    /// The sockets, once open.
    pub sockets: RefCell<Sockets>,
    /// The files of the Unix sockets that no configuration before had.
    pub new_files: Vec<SocketFile>,
    /// The modules, configured.
    pub instances: Vec<Box<dyn Instance>>,
    /// The pid file.
    pub pid: PathBuf,
    /// What opens sockets of its own.
    pub connects: Option<&'static str>,
    /// What was warned of.
    pub warnings: Vec<conf::Error>,
}

/// Step 4: reads and parses the configuration file.
pub fn parse(place: &Place) -> Result<Tree, Failure> {
    let tree = Tree::load_with(&place.conf, &place.globals);
    Ok(tree.map_err(|error| match place.conf.exists() {
        true => error,
        false => error.with_hint("-c names another file, -p another directory; -h tells more"),
    })?)
}

impl Cycle {
    /// Steps 3 and 5: creates the modules' configurations, sets every directive, lets the modules
    /// check them. Nothing is opened.
    pub fn load(place: &Place, tree: &Tree, modules: Modules) -> Result<Cycle, Failure> {
        let conf_dir = std::path::absolute(&tree.dir).unwrap_or_else(|_| tree.dir.clone());
        let env = Env::new(&tree.files, &place.prefix, &conf_dir);
        let (core, confs) = read(tree, modules, &env)?;
        if !core.events.is_set() {
            return Err(Failure::new("no \"events\" section in configuration"));
        }
        Ok(Cycle::init(place, modules, core, confs, env)?)
    }

    /// The same, to find everything that is wrong: nothing of it is kept.
    pub fn check(place: &Place, tree: &Tree, modules: Modules) -> Result<Findings, Failure> {
        let conf_dir = std::path::absolute(&tree.dir).unwrap_or_else(|_| tree.dir.clone());
        let env = Env::new(&tree.files, &place.prefix, &conf_dir).thorough();
        let (core, confs) = read(tree, modules, &env)?;
        let directives = env.directives.get();
        let mut faults = env.take_faults();
        let mut warnings = env.warnings.take();
        if faults.is_empty() && !core.events.is_set() {
            faults.push(Error::new("no \"events\" section in configuration"));
        }
        // With a directive missing the rest need not fit together.
        if faults.is_empty() {
            match Cycle::init(place, modules, core, confs, env) {
                Ok(cycle) => warnings.extend(cycle.warnings),
                Err(error) => faults.push(error),
            }
        }
        Ok(Findings { faults, warnings, directives })
    }

    /// Lets the modules check what was set, and collects what they ask for.
    fn init(
        place: &Place,
        modules: Modules,
        core: CoreConf,
        confs: Vec<Box<dyn Any>>,
        env: Env<'_>,
    ) -> Result<Cycle, Error> {
        let mut setup = Setup::new(&env, core.workers());
        let log = core.main_logs(&mut setup, place.error_log.clone());
        let mut instances = Vec::new();
        for (module, conf) in modules.iter().zip(confs) {
            instances.push(module.init(conf, &mut setup)?);
        }
        let Setup { listeners, logs, regions, folders, connects, .. } = setup;
        let pid = place.prefix.join("logs/rserve.pid");
        Ok(Cycle {
            log,
            logs,
            regions,
            folders,
            requests: listeners,
            sockets: RefCell::default(),
            new_files: Vec::new(),
            instances,
            connects,
            pid: core.pid.or_default(pid),
            core,
            warnings: env.warnings.into_inner(),
        })
    }

    /// Step 6: opens the log files, makes the folders, and gives both to the workers' user.
    pub fn open_files(&self) -> Result<(), Failure> {
        let user = self.user();
        for folder in &self.folders {
            let made = match folder.shared {
                Some(mode) => sys::folder::make(&folder.path, mode, user.as_ref()),
                None => sys::private::folder(&folder.path, user.as_ref()),
            };
            made.map_err(|error| {
                let (path, wanted_by) = (folder.path.display(), &folder.wanted_by);
                let errno = sys::log::errno(&error);
                Failure::new(format!("the folder \"{path}\" of {wanted_by} cannot be used {errno}"))
            })?;
        }
        self.logs.open().map_err(|(path, error)| {
            let errno = sys::log::errno(&error);
            Failure::new(format!("open() \"{}\" failed {errno}", path.display()))
        })?;
        self.give_logs_away();
        Ok(())
    }

    /// Step 6: makes the shared memory that is not there `before`, and was not handed over.
    pub fn open_regions(&self, before: &Regions, inherited: Vec<Inherited>) -> Result<(), Failure> {
        self.regions.open(before, inherited).map_err(|(name, error)| {
            let errno = sys::log::errno(&error);
            Failure::new(format!("the shared memory of \"{name}\" cannot be made {errno}"))
        })
    }

    /// Starts the modules in worker `number`, whose loop exists; when all have, they listen.
    pub fn start(&'static self, number: usize) -> Result<(), String> {
        self.instances.iter().try_for_each(|instance| instance.started())?;
        let sockets = self.sockets.borrow();
        self.instances.iter().try_for_each(|instance| instance.listen(&sockets, number))
    }

    /// Whether the modules have something to do for a process beside the workers.
    pub fn needs(&self, role: Role) -> bool {
        self.instances.iter().any(|instance| instance.needs(role))
    }

    /// Starts what such a process does, whose loop exists.
    pub fn assist(&'static self, role: Role) {
        self.instances.iter().for_each(|instance| instance.assist(role));
    }

    /// The numbers of the processes that serve this configuration: its workers, and those beside them.
    pub fn numbers(&self) -> Vec<usize> {
        let beside = Role::ALL.into_iter().filter(|&role| self.needs(role));
        (0..self.workers()).chain(beside.map(number_of)).collect()
    }

    /// Tells the modules that this process stops accepting.
    pub fn drain(&'static self, within: Option<u64>) {
        self.instances.iter().for_each(|instance| instance.draining(within));
    }

    /// Tells the modules that this process ends, and waits for a moment for what they still have to write.
    pub fn finish(&'static self) -> io::Result<()> {
        /// The master kills who takes twice as long.
        const MOST_MS: u64 = 1000;
        self.instances.iter().for_each(|instance| instance.stopping());
        rt::finish(MOST_MS)
    }

    /// Tells the modules that a worker has ended. `false`: one of them must be told again.
    pub fn worker_ended(&self, pid: i32) -> bool {
        // Each of them, whatever the others say.
        self.instances.iter().filter(|instance| !instance.worker_ended(pid)).count() == 0
    }

    /// At a reload: the workers of the next configuration are forked now; `back` if they did not come to serve.
    pub fn outgoing(&self, next: &Regions, back: bool) {
        self.instances.iter().for_each(|instance| instance.outgoing(next, back));
        self.regions.inherit_only(next, back);
    }

    /// At the start and at a reload: whether this configuration has come to serve.
    pub fn decided(&self, serves: bool) {
        self.instances.iter().for_each(|instance| instance.decided(serves));
    }

    /// The server has ended.
    pub fn close(&self) {
        self.instances.iter().for_each(|instance| instance.closed());
    }

    /// At a reload: workers with these regions serve now.
    pub fn replaced(&self, by: &Regions) {
        self.instances.iter().for_each(|instance| instance.replaced(by));
    }

    /// How many more processes there is room for in shared memory.
    pub fn capacity(&self) -> usize {
        self.instances.iter().map(|instance| instance.capacity()).min().unwrap_or(usize::MAX)
    }

    /// What is to be seen to from time to time.
    pub fn look(&self) {
        self.instances.iter().for_each(|instance| instance.look());
    }

    /// Files that were loaded are looked at again.
    pub fn refresh(&self) -> Result<(), Failure> {
        let faults: Vec<_> =
            self.instances.iter().flat_map(|instance| instance.refresh()).collect();
        match faults.is_empty() {
            true => Ok(()),
            false => Err(Failure::new(faults.join("\n"))),
        }
    }

    /// Processes that have a part in shared memory.
    pub fn attached(&self) -> Vec<i32> {
        self.instances.iter().flat_map(|instance| instance.attached()).collect()
    }

    /// Processes that keep others from shared memory.
    pub fn stuck(&self) -> Vec<i32> {
        self.instances.iter().flat_map(|instance| instance.stuck()).collect()
    }

    /// Whether processes share memory in which they can be in each other's way.
    pub fn shares_memory(&self) -> bool {
        self.regions.iter().next().is_some()
    }

    /// The workers reopen the logs by themselves (USR1), as their own user.
    pub fn give_logs_away(&self) {
        if let Some(user) = self.user()
            && let Err((path, error)) = self.logs.give_to(&user)
        {
            let errno = sys::log::errno(&error);
            sys::log!(Warn, "chown() of \"{}\" failed {errno}", path.display());
        }
    }

    /// Step 8: the modules see what was opened.
    pub fn init_modules(&self) -> Result<(), Failure> {
        for instance in &self.instances {
            instance.opened()?;
        }
        Ok(())
    }

    /// Writes the warnings where people see them.
    pub fn warn(&self, aloud: bool) {
        for warning in &self.warnings {
            if aloud {
                say(format_args!("{NAME}: [warn] {}\n", warning.render()));
            }
            sys::log::to_file(sys::log::Level::Warn, format_args!("{warning}"));
        }
    }

    /// How many workers run.
    pub fn workers(&self) -> usize {
        self.core.workers()
    }

    /// Whom the workers run as: nobody else than the master, unless that is root.
    pub fn user(&self) -> Option<Identity> {
        if !sys::user::is_root() {
            return None;
        }
        match self.core.user.get() {
            Some(user) => Some(user.clone()),
            None => Identity::find("nobody", None).ok(),
        }
    }
}

impl Cycle {
    /// Gives the cycle to the process for the rest of its life: a worker serves one configuration,
    /// and its handlers are plain references into it.
    pub fn keep(self: Rc<Cycle>) -> &'static Cycle {
        let cycle: &'static Rc<Cycle> = Box::leak(Box::new(self));
        cycle
    }
}
