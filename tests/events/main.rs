//! Event streams: what is published reaches whoever subscribes, once, in order, whatever happens to
//! the processes between.

mod bad_input;
mod client;
mod cursors;
mod figures;
mod frames;
mod generations;
mod guard;
mod gzip;
mod limits;
mod manage;
mod processes;
mod publish;
mod retries;
mod slow;
mod stopped;
mod strangers;
mod subscribe;
mod talk;
mod templates;
mod websocket;
mod words;

use support::{Server, http, start};

/// A configuration with a zone, `/events/CHANNEL` for both directions with these settings, and
/// `/status`.
fn conf(settings: &str) -> String {
    with_zone("z 64m", settings)
}

/// The same with a zone of another kind.
fn with_zone(zone: &str, settings: &str) -> String {
    let main = "worker_processes 2; events { worker_connections 2000; }";
    let body = format!(
        "sse_zone {zone};
         server {{ listen 127.0.0.1:{{port}};
             location ~ ^/events/(?<channel>[^/]+)$ {{
                 sse_subscribe $channel; sse_publish $channel; {settings} }}
             location /some {{ sse_subscribe $arg_c; sse_split on; {settings} }}
             location = /below {{ sse_subscribe a.b.*; {settings} }}
             location = /old {{ return 307 /events/c; }}
             location = /status {{ sse_status; }} }}"
    );
    format!("{main}\n{}", http(&body))
}

/// A server of that configuration.
#[track_caller]
fn up(settings: &str) -> Server {
    start!(conf(settings))
}
