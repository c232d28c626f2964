//! Live video: what one publishes others get, whole, in order and in time, whatever clients do.

mod access;
mod chunks;
mod client;
mod commands;
mod config;
mod corners;
mod ffmpeg;
mod flv;
mod frames;
mod groups;
mod guards;
mod handshake;
mod hooks;
mod http_flv;
mod lenient;
mod limits;
mod messages;
mod names;
mod players;
mod program;
mod publisher;
mod refusals;
mod reload;
mod stat;
mod tracks;
mod well_formed;

use support::{Server, start, wait_for};

/// A configuration of two workers, with an application `live` that has these settings, and by HTTP
/// `/flv`, `/stat` and `/control`. HTTP has the first port, RTMP the second.
fn conf(settings: &str) -> String {
    with_server("", &format!("application live {{ live on; {settings} }}"))
}

/// The same, with these lines in `rtmp {}`, and these in the server there.
fn with_server(rtmp: &str, server: &str) -> String {
    let web = "location /flv { flv_live on; flv_allow_origin *; }
         location ~ ^/live/(?<name>[^/]+)[.]flv$ { flv_live live/$name; }
         location /stat { rtmp_stat all; }
         location /control { rtmp_control all; }";
    format!(
        "worker_processes 2; events {{ worker_connections 1000; }}
         {}
         rtmp {{ rtmp_zone 32m; access_log logs/rtmp.log; {rtmp}
             server {{ listen 127.0.0.1:{{port2}}; {server} }} }}",
        support::site(web)
    )
}

/// A server whose application `live` has these settings.
#[track_caller]
fn up(settings: &str) -> Server {
    with_both_workers(start!(conf(settings)))
}

/// A server with these lines in `rtmp {}`, whose application `live` has no settings of its own.
#[track_caller]
fn up_with(rtmp: &str) -> Server {
    with_both_workers(start!(with_server(rtmp, "application live { live on; }")))
}

/// A server answers before the last of its workers is there.
#[track_caller]
fn with_both_workers(server: Server) -> Server {
    wait_for("the workers", || server.workers().len() == 2);
    server
}
