//! One address of a stream: every form has every frame, the same clients get it, and what becomes of workers, publishers and
//! readers does to it what it does to FLV.

#[path = "../rtmp/client/mod.rs"]
#[allow(dead_code, reason = "it can do more than is asked for here")]
mod client;
mod codecs;
#[path = "../hls/coded.rs"]
#[allow(dead_code, reason = "there are more codecs than are sent here")]
mod coded;
mod copies;
#[path = "../hls/film.rs"]
#[allow(dead_code, reason = "it can do more than is asked for here")]
mod film;
mod forms;
#[path = "../rtmp/frames.rs"]
#[allow(dead_code, reason = "there are more kinds of frames than are sent here")]
mod frames;
mod guards;
mod life;
mod names;
mod pictures;
#[path = "../rtmp/program.rs"]
#[allow(dead_code, reason = "it can do more than is asked for here")]
mod program;
mod viewers;
mod whole;

use std::time::Duration;

use support::{Server, site, start, wait_for};

/// What comes is sent on at once.
const PUT_OFF: Option<Duration> = None;

/// Two workers; an application `live` with these settings, all of whose streams are at `/live/NAME`. HTTP has the first port,
/// RTMP the second.
fn conf(settings: &str) -> String {
    with_web(settings, "")
}

/// The same, with these lines in the location.
fn with_web(settings: &str, web: &str) -> String {
    let web = format!(
        "location ~ ^/live/(?<name>.*)$ {{ stream_live live/$name; {web} }}
         location /stat {{ rtmp_stat all; }}
         location /control {{ rtmp_control all; }}"
    );
    format!(
        "worker_processes 2; events {{ worker_connections 1000; }}
         {}
         rtmp {{ rtmp_zone 64m; hls_zone 64m;
             server {{ listen 127.0.0.1:{{port2}};
                 application live {{ live on; {settings} }} }} }}",
        site(&web)
    )
}

#[track_caller]
fn up(settings: &str) -> Server {
    with_both_workers(start!(conf(settings)))
}

/// A server answers before the last of its workers is there.
#[track_caller]
fn with_both_workers(server: Server) -> Server {
    wait_for("the workers", || server.workers().len() == 2);
    server
}

/// What is refused, or sent, for each form: the addresses behind `/live/NAME`.
const FORMS: &[&str] = &[
    "",
    ".flv",
    ".ts",
    ".mp4",
    ".m3u8",
    ".mpd",
    "/thumbnail.mp4",
    "/video.m3u8",
    "/index.m3u8",
    "/index.mpd",
];
