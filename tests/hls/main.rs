//! HLS: what is published can be watched by HTTP, in segments whose numbers never break, whatever becomes of workers.

mod beside;
mod captions;
mod checker;
#[path = "../rtmp/client/mod.rs"]
#[allow(dead_code, reason = "it can do more than is asked for here")]
mod client;
mod clocks;
mod codecs;
mod coded;
mod continuity;
mod cues;
mod dash;
mod encoders;
mod event_files;
mod events;
mod eviction;
mod ffmpeg;
mod files;
mod film;
#[path = "../rtmp/frames.rs"]
#[allow(dead_code, reason = "there are more kinds of frames than are sent here")]
mod frames;
mod hostile;
mod hours;
mod keys;
mod labels;
mod low_latency;
mod mpd;
mod paced;
mod playlist;
#[path = "../rtmp/program.rs"]
#[allow(dead_code, reason = "it can do more than is asked for here")]
mod program;
mod shortage;
mod times;
mod ts;
mod tsreport;
mod unbroken;
mod variants;
mod watching;
mod window;

use std::time::Duration;

use support::{Server, site, start, wait_for};

/// The server gives what comes to those who cut it with less delay than this: a film that comes as fast as it can waits so long for them.
const PUT_OFF: Option<Duration> = Some(Duration::from_millis(110));

/// Two workers; an application `live` with these settings, served below `/hls/NAME/`. HTTP has the first port, RTMP the
/// second.
fn conf(settings: &str) -> String {
    let web = "location ~ ^/hls/(?<name>[^/]+)/ { hls_live live/$name; }
         location ~ ^/dash/(?<name>[^/]+)/ { dash_live live/$name; }
         location /files/ { root .; }
         location /stat { rtmp_stat all; }";
    format!(
        "worker_processes 2; events {{ worker_connections 1000; }}
         {}
         rtmp {{ rtmp_zone 64m; hls_zone 64m;
             server {{ listen 127.0.0.1:{{port2}}; application live {{ live on; hls on; {settings} }} }} }}",
        site(web)
    )
}

#[track_caller]
fn up(settings: &str) -> Server {
    let server = start!(conf(settings));
    wait_for("the workers", || server.workers().len() == 2);
    server
}
