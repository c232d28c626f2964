//! Zones in a file: what was acknowledged outlives the server, whatever happens to the file; and what did not is told.

mod changes;
mod client;
mod damage;
mod files;
mod orphans;
mod synced;

use support::{Server, http, start};

use client::{Reader, publish};

/// A configuration with a zone, `/events/CHANNEL` for both directions, and `/status`.
fn conf(zone: &str) -> String {
    let body = format!(
        "{zone}
         server {{ listen 127.0.0.1:{{port}};
             location ~ ^/events/(?<channel>[^/]+)$ {{
                 sse_subscribe $channel; sse_publish $channel; sse_history 1000 1h; }}
             location = /all {{ sse_subscribe *; }}
             location = /status {{ sse_status; }} }}"
    );
    format!("worker_processes 2; events {{ worker_connections 200; }}\n{}", http(&body))
}

#[track_caller]
fn up(zone: &str) -> Server {
    start!(conf(zone))
}

#[track_caller]
fn reload(server: &Server) {
    let output = server.command(&["-s", "reload"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "reload: {said}\n{}", server.error_log());
}

/// Publishes `count` events called `WORD 1` … on `/events/a`; gives their ids.
#[track_caller]
fn publish_some(server: &Server, word: &str, count: usize) -> Vec<String> {
    (1..=count)
        .map(|n| publish(server, "/events/a", &format!("{word} {n} {}", filler(n))))
        .collect()
}

/// Something that makes an event longer.
fn filler(n: usize) -> String {
    "x".repeat(600 + n)
}

/// What a reader of `/events/a` gets that comes back with `id`, up to an event that is published for it.
#[track_caller]
fn come_back(server: &Server, id: &str) -> Reader {
    let mut reader = Reader::open(server, "/events/a", id);
    publish(server, "/events/a", "the last");
    reader.read_to("the last");
    reader
}
