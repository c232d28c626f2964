//! Answers that are kept: what is stored, found, given out though it is old, waited for, purged; and what becomes of it when
//! processes, disks and origins fail.

mod beside;
mod disk;
mod kept;
mod lock;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../proxy/origin.rs"]
mod origin;
mod purge;
mod safety;
mod slices;
mod stale;
mod survival;
mod variants;

use std::time::Duration;

use support::{Answer, Server, http, process, start};

use origin::Origin;

/// A server before an origin, with a cache.
struct Stage {
    origin: Origin,
    server: Server,
}

/// `path` is said of the cache, `settings` of the location.
fn stage_with(main: &str, path: &str, settings: &str, origin: Origin) -> Stage {
    let zone = if settings.contains("proxy_cache ") { "" } else { "proxy_cache z;" };
    let conf = http(&format!(
        "proxy_cache_path cache levels=1:2 keys_zone=z:1m {path};
         log_format told '$upstream_cache_status $status'; access_log logs/access.log told buffer=0;
         server {{ listen 127.0.0.1:{{port}};
             add_header X-Cache $upstream_cache_status always;
             location / {{ proxy_pass http://127.0.0.1:{}; {zone} {settings} }} }}",
        origin.port
    ));
    let server = start!(format!("{main} {conf}"));
    Stage { origin, server }
}

fn stage(settings: &str, origin: Origin) -> Stage {
    stage_with("", "", settings, origin)
}

/// An origin whose answers are numbered, valid as their path says: `/60` for a minute.
fn numbered() -> Origin {
    let number = std::sync::atomic::AtomicUsize::new(0);
    Origin::start(move |exchange| {
        let count = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let seconds = exchange.target().trim_start_matches('/').split(['/', '?']).next();
        let fields = format!("Cache-Control: max-age={}\r\n", seconds.unwrap_or("0"));
        exchange.answer("200 OK", &fields, format!("answer {count}"))
    })
}

impl Stage {
    /// What the cache has to do with an answer, and its body.
    #[track_caller]
    fn told(&self, args: &[&str], path: &str) -> (String, String) {
        let answer = self.server.curl(args, path);
        // Another thread may be about to keep it.
        process::come_to_rest("rserve", Duration::ZERO);
        (outcome(&answer), answer.text())
    }

    #[track_caller]
    fn get(&self, path: &str) -> (String, String) {
        self.told(&[], path)
    }

    /// Asks until the cache says that.
    #[track_caller]
    fn until(&self, path: &str, wanted: &str) -> String {
        let mut text = String::new();
        self.server.wait_for(wanted, || {
            let (outcome, body) = self.get(path);
            text = body;
            outcome == wanted
        });
        text
    }

    /// The processes with this title.
    fn processes(&self, title: &str) -> Vec<u32> {
        let all = self.server.workers().into_iter();
        all.filter(|pid| {
            let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline"));
            command.is_ok_and(|command| command.contains(title))
        })
        .collect()
    }

    /// The files of the cache.
    fn files(&self) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        walk(&self.server.path("cache"), &mut found);
        found.sort();
        found
    }
}

fn walk(directory: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.path().is_dir() {
            true => walk(&entry.path(), found),
            false => found.push(entry.path()),
        }
    }
}

fn outcome(answer: &Answer) -> String {
    answer.header("X-Cache").unwrap_or("-").to_owned()
}

/// So many bytes, none of them where another could be.
fn letters(count: usize) -> Vec<u8> {
    (0..count).map(|at| b'a' + (at % 23) as u8 + u8::from(at % 1009 == 0)).collect()
}
