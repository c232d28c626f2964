//! The server that is put to the test. The rest of the checker speaks HTTP and signals, and asks here
//! for what differs.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use support::{Server, Start};

use crate::disk::Disk;
use crate::ids::{self, Epochs};
use crate::load::Load;
use crate::processes;

/// A running server of event streams: `/events/NAME` takes POST and GET, `/events/NAME,NAME` gives
/// several channels, `/all` gives all.
pub trait Target: Sync {
    fn name(&self) -> &'static str;
    fn port(&self) -> u16;
    /// Its own directory. Each of its processes has a file in it open.
    fn dir(&self) -> PathBuf;
    fn pid_file(&self) -> &'static str;
    /// Where an id stands in the order of all events: `None` if it does not tell.
    fn place(&self, id: &str) -> Result<Option<u64>, String>;
    /// The id in the answer to a publisher.
    fn answered(&self, body: &str) -> Option<String>;
    /// From where to where a gap is.
    fn told(&self, _gap: &str) -> Option<(u64, u64)> {
        None
    }
    /// A request with the same `Idempotency-Key` is the same message.
    fn knows_keys(&self) -> bool;
    /// A subscriber is told its place before the first event.
    fn tells_place(&self) -> bool;
    /// There is one order of all channels.
    fn total_order(&self) -> bool;

    /// Where a reader of all channels asks.
    fn all(&self, _reader: usize) -> &'static str {
        "/all"
    }

    /// Kills the master (`kill -9`), and starts the server again beside the workers that it has left.
    fn crash(&self) -> Result<(), String> {
        Err(format!("{} does not outlive its master", self.name()))
    }

    /// Cuts the power, and starts the server again.
    fn cut(&self) -> Result<(), String> {
        Err(format!("{} has no power to be cut", self.name()))
    }

    /// The disk of the events.
    fn disk(&self) -> Option<&Disk> {
        None
    }

    /// The master that serves; none in the middle of an upgrade.
    fn master(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.dir().join(self.pid_file())).ok()?;
        text.trim().parse().ok()
    }
}

/// rserve.
pub struct Rserve {
    server: Mutex<Server>,
    port: u16,
    dir: PathBuf,
    epochs: Epochs,
    disk: Option<Disk>,
    cuts: AtomicU32,
}

const CONF: &str = r"
    worker_processes {workers};
    worker_shutdown_timeout 1s;
    error_log logs/error.log notice;
    events { worker_connections 1024; }
    http {
        access_log off;
        sse_zone events {zone};
        server {
            listen 127.0.0.1:{port} backlog=1024;
            location ~ ^/events/(?<channel>[\w.-]+)$ {
                sse_subscribe $channel;
                sse_publish $channel;
                sse_history 100000 1h;
                client_max_body_size 1m;
            }
            location ~ ^/events/(?<channels>[\w.,-]+)$ { sse_subscribe $channels; sse_split on; }
            location = /all { sse_subscribe chaos.*; }
            location = /every { sse_subscribe *; }
        }
    }";

impl Rserve {
    /// Starts it. `None`: what its load needs is not to be had on this machine.
    pub fn start(load: &Load) -> Option<Rserve> {
        let conf =
            CONF.replace("{workers}", &load.workers.to_string()).replace("{zone}", load.zone);
        let mut start = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf);
        let mut disk = None;
        if load.has_disk() {
            let own = disk.insert(Disk::mount(&start.dir().path(""))?);
            let wrapper = own.wrapper();
            start = start.under(&wrapper.iter().map(String::as_str).collect::<Vec<_>>());
        }
        let server = start.start();
        server.wait_for("the workers", || server.workers().len() == load.workers);
        let (port, dir) = (server.port(), server.path(""));
        let epochs = Epochs::new(load.has_disk());
        let (server, cuts) = (Mutex::new(server), AtomicU32::new(0));
        Some(Rserve { server, port, dir, epochs, disk, cuts })
    }

    /// The server, for a look at it.
    pub fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target for Rserve {
    fn name(&self) -> &'static str {
        "rserve"
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn dir(&self) -> PathBuf {
        self.dir.clone()
    }

    fn pid_file(&self) -> &'static str {
        "logs/rserve.pid"
    }

    fn place(&self, id: &str) -> Result<Option<u64>, String> {
        self.epochs.place(id).map(Some)
    }

    fn answered(&self, body: &str) -> Option<String> {
        ids::answered(body)
    }

    fn told(&self, gap: &str) -> Option<(u64, u64)> {
        let place = |field: &str| {
            let (_, rest) = gap.split_once(&format!("\"{field}\":\""))?;
            self.epochs.place(rest.split('"').next()?).ok()
        };
        Some((place("requested")?, place("resumed_from")?))
    }

    fn knows_keys(&self) -> bool {
        true
    }

    fn tells_place(&self) -> bool {
        true
    }

    fn total_order(&self) -> bool {
        true
    }

    fn crash(&self) -> Result<(), String> {
        let mut server = self.server();
        server.kill_master();
        server.start_again()
    }

    fn cut(&self) -> Result<(), String> {
        let Some(disk) = &self.disk else { return Err("there is no disk".to_owned()) };
        let mut server = self.server();
        let cuts = 1 + self.cuts.fetch_add(1, Ordering::Relaxed);
        let end = || {
            server.wait_for_exit();
        };
        disk.cut(|| processes::all(&self.dir), cuts, end);
        server.start_again()
    }

    fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }

    /// By turns with a beginning of their names, and without.
    fn all(&self, reader: usize) -> &'static str {
        ["/all", "/every"][reader % 2]
    }
}
