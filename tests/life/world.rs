//! The real processes: what a step does to them, and what can be seen of them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Output, Stdio};

use support::{Dir, comes, free_port, process};

use crate::model::{Conf, Fate, Model};
use crate::steps::{Signal, Step, Who};

const BINARY: &str = env!("CARGO_BIN_EXE_rserve");
pub(crate) const PID: &str = "run/rserve.pid";
pub(crate) const OLD: &str = "run/rserve.pid.oldbin";
pub(crate) const SOCKET: &str = "run/web.sock";

/// What is not the server's, beside its files: (path, content).
pub(crate) const STRANGERS: &[(&str, &str)] =
    &[("run/rserve.pid.bak", "a copy"), ("run/web", "a file"), ("logs/notes", "notes")];

/// A directory, a port, and all processes that were ever seen.
pub struct World {
    pub(crate) dir: Dir,
    pub(crate) port: u16,
    children: Vec<Child>,
    pub(crate) seen: BTreeSet<u32>,
    /// Whether `run/` is a file system of its own that can be filled.
    mounted: bool,
    _stranger: UnixListener,
}

/// Why a step or a check failed.
pub(crate) type Outcome = Result<(), String>;

impl World {
    pub fn new() -> World {
        let dir = Dir::new();
        fs::create_dir(dir.path("run")).expect("a directory");
        let run = dir.path("run");
        let options = ["-t", "tmpfs", "-o", "size=64k", "tmpfs"];
        let mounted = Command::new("mount").args(options).arg(&run).output();
        let mounted = mounted.is_ok_and(|output| output.status.success());
        for (path, content) in STRANGERS {
            dir.file(path, content);
        }
        let stranger = UnixListener::bind(dir.path("run/other.sock")).expect("a socket");
        let world = World {
            dir,
            port: free_port(),
            children: Vec::new(),
            seen: BTreeSet::new(),
            mounted,
            _stranger: stranger,
        };
        world.write(Model::default().conf);
        world
    }

    /// Does a step, tells the model, and waits until the processes have heard of it.
    pub fn take(&mut self, step: Step, model: &mut Model) -> Outcome {
        self.remember(model);
        if model.disk_full {
            // A file that went away has left room.
            self.fill(true);
        }
        match step {
            Step::Write(conf) => {
                self.write(conf);
                model.conf = conf;
                Ok(())
            }
            Step::Fill(full) => {
                model.disk_full = self.mounted && full;
                self.fill(model.disk_full);
                Ok(())
            }
            Step::Start => self.start(model),
            Step::Signal(who, signal) => self.signal(who, signal, model),
            Step::KillWorker(who) => self.kill_worker(who, model),
            Step::CrashIn(side, micros) => self.crash_in(side, micros, model),
            Step::Command(word) => self.command(word, model),
        }
    }

    fn write(&self, conf: Conf) {
        let good = |word: u32, unix: bool, main: &str| {
            let dir = self.dir.path("");
            let (dir, port) = (dir.display(), self.port);
            let unix = if unix { format!("listen unix:{dir}/{SOCKET};") } else { String::new() };
            format!(
                "daemon off; worker_processes 2; pid {PID}; error_log logs/error.log notice; {main}
                 events {{ worker_connections 64; }}
                 http {{ access_log off;
                     server {{ listen 127.0.0.1:{port}; {unix} return 200 {word}; }} }}"
            )
        };
        let text = match conf {
            Conf::Good { word, unix } => good(word, unix, ""),
            Conf::Broken => good(0, false, "a_word_of_a_newer_binary on;"),
            Conf::CannotServe => good(0, true, "working_directory no/such/directory;"),
            Conf::Missing => {
                let _ = fs::remove_file(self.dir.path("rserve.conf"));
                return;
            }
        };
        self.dir.file("rserve.conf", text);
    }

    fn fill(&self, full: bool) {
        let path = self.dir.path("run/ballast");
        if !full {
            let _ = fs::remove_file(&path);
            return;
        }
        // Until nothing more fits: the error is what is wanted.
        let ballast = fs::File::options().append(true).create(true).open(&path);
        let _ = ballast.and_then(|mut ballast| ballast.write_all(&vec![0; 1 << 20]));
    }

    fn program(&self) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("-p").arg(self.dir.path("")).args(["-c", "rserve.conf"]);
        command.current_dir("/").stdin(Stdio::null());
        command
    }

    fn start(&mut self, model: &mut Model) -> Outcome {
        let stderr = fs::File::create(self.dir.path("logs/stderr")).map_err(|e| e.to_string())?;
        let mut child = self.program().stderr(stderr).spawn().map_err(|e| e.to_string())?;
        let pid = child.id();
        match model.start() {
            Fate::Done => {
                self.children.push(child);
                if let Some(first) = &mut model.first {
                    first.pid = pid;
                }
                comes_to("its pid file", || self.pid_in(PID) == Some(pid))
            }
            _ => {
                let ended = comes(|| matches!(child.try_wait(), Ok(Some(s)) if !s.success()));
                self.children.push(child);
                ended.then_some(()).ok_or_else(|| "a start that must fail did not".to_owned())
            }
        }
    }

    fn signal(&mut self, who: Who, signal: Signal, model: &mut Model) -> Outcome {
        let Some(master) = model.of(who) else { return Ok(()) };
        let pid = master.pid;
        let before = self.log();
        let said = |log: &str, words: &str| {
            let mark = format!(" {pid}#{pid}: ");
            log.lines().filter(|line| line.contains(&mark) && line.contains(words)).count()
        };
        let says = |words: &str| {
            let count = said(&before, words);
            comes_to(words, || said(&self.log(), words) > count)
        };
        let send = || process::signal(pid, signal.name());
        match signal {
            Signal::Hup => match model.reload(who) {
                Fate::Done => {
                    send();
                    says(" serves now")
                }
                Fate::Refused => {
                    send();
                    says("reload failed, the running configuration stays")
                }
                Fate::NotRead => {
                    send();
                    says("nothing is read")
                }
            },
            Signal::Usr1 => {
                send();
                says("reopening logs")
            }
            Signal::Usr2 => match model.upgrade(who) {
                Fate::Done => {
                    send();
                    says("is ready")?;
                    self.meet_second(model)
                }
                Fate::Refused => {
                    send();
                    says("the new binary is gone, this one stays")
                }
                Fate::NotRead => {
                    send();
                    says("the signal is ignored")
                }
            },
            Signal::Winch => {
                send();
                says("stop accepting connections")?;
                match who {
                    Who::First => model.first = Some(master_without_workers(master)),
                    Who::Second => model.second = Some(master_without_workers(master)),
                }
                Ok(())
            }
            Signal::Quit | Signal::Term | Signal::Kill => {
                send();
                model.ends(who, signal);
                self.has_ended(pid)
            }
        }
    }

    fn crash_in(&mut self, side: Who, micros: u64, model: &mut Model) -> Outcome {
        let Some(first) = model.first else { return Ok(()) };
        process::signal(first.pid, "USR2");
        let begun = std::time::Instant::now();
        while begun.elapsed().as_micros() < u128::from(micros) {
            std::hint::spin_loop();
        }
        if side == Who::First {
            process::signal(first.pid, "KILL");
            self.has_ended(first.pid)?;
            // Whoever is left comes to serve, or ends.
            let mut newer = None;
            comes_to("the newer master to serve or to end", || {
                let masters = self.masters();
                newer = self.pid_in(PID).filter(|pid| masters.contains(pid));
                newer.is_some() || masters.is_empty()
            })?;
            self.seen.extend(newer);
            model.lost_the_older(newer);
            return Ok(());
        }
        match self.masters().into_iter().find(|pid| *pid != first.pid) {
            Some(second) => {
                self.seen.insert(second);
                self.seen.extend(process::children(second));
                process::signal(second, "KILL");
                model.upgrade(Who::First);
                model.second = Some(crate::model::Master { pid: second, ..first });
                model.ends(Who::Second, Signal::Kill);
                self.has_ended(second)
            }
            // It was not there yet, or has ended by itself.
            None => match model.upgrade(Who::First) {
                Fate::Done => self.meet_second(model),
                _ => comes_to("the new one's end", || self.masters() == [first.pid]),
            },
        }
    }

    /// The masters of this directory, by their titles; one that is being started has the program's name.
    fn masters(&self) -> Vec<u32> {
        let dir = self.dir.path("");
        let dir = dir.to_string_lossy();
        let names = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = names.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let ours = |pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            let master = line.starts_with("rserve: master") || line.starts_with(BINARY);
            master && line.contains(&*dir) && process::is_alive(*pid)
        };
        pids.filter(ours).collect()
    }

    /// The newer master is whom the pid file names now.
    fn meet_second(&mut self, model: &mut Model) -> Outcome {
        let old = model.first.map(|first| first.pid);
        let mut new = None;
        comes_to("the new master's pid file", || {
            new = self.pid_in(PID).filter(|pid| Some(*pid) != old);
            new.is_some()
        })?;
        if let (Some(second), Some(pid)) = (&mut model.second, new) {
            second.pid = pid;
        }
        Ok(())
    }

    fn kill_worker(&mut self, who: Who, model: &Model) -> Outcome {
        let Some(master) = model.of(who) else { return Ok(()) };
        let workers = self.workers(master.pid, model);
        let Some(&worker) = workers.first() else { return Err("there is no worker".to_owned()) };
        process::signal(worker, "KILL");
        comes_to("a new worker", || {
            let now = self.workers(master.pid, model);
            now.len() == 2 && !now.contains(&worker)
        })
    }

    fn command(&mut self, word: &'static str, model: &mut Model) -> Outcome {
        // Without a file nobody can know where the pid file is.
        let named = model.named().filter(|_| model.conf != Conf::Missing);
        let Some(who) = named else {
            return self.runs(word, false);
        };
        let pid = model.of(who).map_or(0, |master| master.pid);
        match word {
            "reload" => {
                let done = model.reload(who) != Fate::Refused;
                self.runs(word, done)
            }
            "upgrade" => match model.upgrade(who) {
                Fate::Done => {
                    self.runs(word, true)?;
                    self.meet_second(model)?;
                    model.ends(Who::First, Signal::Quit);
                    self.has_ended(pid)
                }
                _ => self.runs(word, false),
            },
            "quit" | "stop" => {
                self.runs(word, true)?;
                model.ends(who, if word == "quit" { Signal::Quit } else { Signal::Term });
                self.has_ended(pid)
            }
            _ => self.runs(word, true),
        }
    }

    fn runs(&self, word: &str, well: bool) -> Outcome {
        let Output { status, stderr, .. } =
            self.program().args(["-s", word]).output().map_err(|e| e.to_string())?;
        match status.success() == well {
            true => Ok(()),
            false => {
                let said = String::from_utf8_lossy(&stderr);
                Err(format!("-s {word}: {status}, which is not as expected; it says: {said}"))
            }
        }
    }

    /// A process is gone, and so are the workers that it had.
    fn has_ended(&mut self, pid: u32) -> Outcome {
        comes_to(&format!("the end of {pid}"), || {
            self.children.iter_mut().for_each(|child| drop(child.try_wait()));
            !process::is_alive(pid)
        })
    }

    pub(crate) fn remember(&mut self, model: &Model) {
        for master in [model.first, model.second].into_iter().flatten() {
            self.seen.insert(master.pid);
            self.seen.extend(process::children(master.pid));
        }
    }

    /// The children of a master that are not the newer master.
    pub(crate) fn workers(&self, pid: u32, model: &Model) -> Vec<u32> {
        let second = model.second.map(|second| second.pid);
        process::children(pid).into_iter().filter(|child| Some(*child) != second).collect()
    }

    pub(crate) fn pid_in(&self, path: &str) -> Option<u32> {
        self.dir.text(path).trim().parse().ok()
    }

    pub(crate) fn log(&self) -> String {
        self.dir.text("logs/error.log")
    }

    /// The newest lines of the log, for a failure's message.
    pub fn log_tail(&self) -> String {
        let log = self.log() + &self.dir.text("logs/stderr");
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Ends whatever runs, in good order: then nothing is left.
    pub fn end(&mut self, model: &mut Model) -> Outcome {
        for _ in 0..2 {
            self.signal(Who::First, Signal::Quit, model)?;
        }
        self.check(model)?;
        let said = self.log() + &self.dir.text("logs/stderr");
        match said.contains("panicked") {
            true => Err("something panicked".to_owned()),
            false => Ok(()),
        }
    }
}

fn master_without_workers(master: crate::model::Master) -> crate::model::Master {
    crate::model::Master { workers: false, ..master }
}

pub(crate) fn comes_to(what: &str, ready: impl FnMut() -> bool) -> Outcome {
    comes(ready).then_some(()).ok_or_else(|| format!("waited in vain for {what}"))
}

impl Drop for World {
    fn drop(&mut self) {
        for pid in self.seen.iter().filter(|pid| process::is_alive(**pid)) {
            process::signal(*pid, "KILL");
        }
        self.children.iter_mut().for_each(|child| {
            let _ = child.kill();
            let _ = child.wait();
        });
        if self.mounted {
            let _ = Command::new("umount").arg("-l").arg(self.dir.path("run")).output();
        }
    }
}
