//! A worker that is stopped (a debugger, a freezer, a page that does not come) while it has the lock of a zone.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use broadcast::Zone;
use shm::{Holder, Region};
use support::{Server, proc, process, start};

use crate::client::{publish, subscribe};
use crate::conf;

/// Who has the lock of a server's zone.
struct Look(Zone);

impl Look {
    fn at(server: &Server) -> Look {
        let folder = format!("/proc/{}/fd", server.pid());
        let entries = std::fs::read_dir(folder).expect("descriptors").flatten();
        let memory = entries.map(|entry| entry.path()).find(|path| {
            std::fs::read_link(path)
                .is_ok_and(|to| to.to_string_lossy().starts_with("/memfd:rserve-sse_zone.z"))
        });
        let memory = memory.expect("the zone's memory");
        let file = std::fs::File::options().read(true).write(true).open(memory).expect("opened");
        let region = Region::inherit(OwnedFd::from(file)).expect("mapped");
        Look(Zone::open(Arc::new(region)).expect("a zone"))
    }

    fn holder(&self) -> Option<u32> {
        let mut holder = Holder::default();
        // Whoever has it at both looks, and did not give it back in between.
        self.0.look(&mut holder, 0, 0);
        self.0.look(&mut holder, 1, 0).map(|pid| pid as u32)
    }
}

/// Publishes without a pause, on some connections, until it is dropped.
struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Load {
    fn on(server: &Server) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let port = server.port();
        let work = |number: usize| {
            let stop = stop.clone();
            move || {
                let request = format!(
                    "POST /events/c{number} HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n{}",
                    "x".repeat(4000)
                );
                let requests = request.repeat(20);
                while !stop.load(Ordering::Relaxed) {
                    let Ok(mut socket) = std::net::TcpStream::connect(("127.0.0.1", port)) else {
                        continue;
                    };
                    let _ = socket.set_read_timeout(Some(std::time::Duration::from_millis(200)));
                    let mut answers = [0; 4096];
                    for _ in 0..50 {
                        let sent = std::io::Write::write_all(&mut socket, requests.as_bytes());
                        let read = std::io::Read::read(&mut socket, &mut answers);
                        if sent.is_err() || read.is_err() || stop.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                }
            }
        };
        let threads = (0..3).map(|number| std::thread::spawn(work(number))).collect();
        Load { stop, threads }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

/// Stops a worker that has the lock. Gives it.
#[track_caller]
fn stop_one(server: &Server) -> u32 {
    let look = Look::at(server);
    let _load = Load::on(server);
    let stopped = Mutex::new(None);
    server.wait_for("a worker that has the lock", || {
        for worker in server.workers() {
            process::signal(worker, "STOP");
            while proc::field(worker, "State").first().is_some_and(|state| state != "T") {}
            if look.holder() == Some(worker) {
                *stopped.lock().expect("one thread") = Some(worker);
                return true;
            }
            process::signal(worker, "CONT");
        }
        false
    });
    stopped.into_inner().expect("one thread").expect("a worker")
}

#[test]
fn the_others_go_on_and_the_master_stays_in_charge() {
    let server = start!(conf("sse_start oldest;"));
    publish(&server, "/events/kept", "1");
    let stopped = stop_one(&server);
    // The master ends it; until then nobody gets at the zone, and then everybody.
    publish(&server, "/events/kept", "2");
    subscribe(&server, "/events/kept", "").until("data: 2\n\n");
    assert!(!process::is_alive(stopped));
    assert!(server.error_log().contains(&format!("process {stopped} keeps a lock")));
    server.wait_for("another worker in its place", || server.workers().len() == 2);
}

#[test]
fn a_reload_and_an_end_are_heard() {
    let mut server = start!(format!("worker_ready_timeout 10s; {}", conf("")));
    stop_one(&server);
    let output = server.command(&["-s", "reload"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    publish(&server, "/events/kept", "1");
    stop_one(&server);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_zone_can_be_changed_though_one_stands_still() {
    let server = start!(conf("sse_start oldest;"));
    publish(&server, "/events/kept", "1");
    stop_one(&server);
    server.set_conf(crate::with_zone("z 128m", "sse_start oldest;"));
    let reload = || server.command(&["-s", "reload"]).status.success();
    // The first may come before the master has ended it: then it says so, and nothing is changed.
    assert!(reload() || reload());
    subscribe(&server, "/events/kept", "").until("data: 1\n\n");
}
