//! The server that is put to the test. The rest of the checker speaks HTTP and signals, and asks here
//! for what differs.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use support::{Server, Start};

use crate::ids::{self, Epoch};
use crate::load::Load;

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
    epoch: Epoch,
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
    /// Starts it.
    pub fn start(load: &Load) -> Rserve {
        let conf =
            CONF.replace("{workers}", &load.workers.to_string()).replace("{zone}", load.zone);
        let server = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).start();
        server.wait_for("the workers", || server.workers().len() == load.workers);
        let (port, dir) = (server.port(), server.path(""));
        Rserve { server: Mutex::new(server), port, dir, epoch: Epoch::default() }
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
        self.epoch.place(id).map(Some)
    }

    fn answered(&self, body: &str) -> Option<String> {
        ids::answered(body)
    }

    fn told(&self, gap: &str) -> Option<(u64, u64)> {
        let place = |field: &str| {
            let (_, rest) = gap.split_once(&format!("\"{field}\":\""))?;
            self.epoch.place(rest.split('"').next()?).ok()
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

    /// By turns with a beginning of their names, and without.
    fn all(&self, reader: usize) -> &'static str {
        ["/all", "/every"][reader % 2]
    }
}
