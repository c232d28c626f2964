//! Recording: what is published is in files, whole and once, whatever becomes of workers, disks and clocks.

mod beside;
#[path = "../rtmp/client.rs"]
#[allow(dead_code, reason = "it is for other tests, too")]
mod client;
mod cuts;
#[path = "../hls/film.rs"]
#[allow(dead_code, reason = "it is for other tests, too")]
mod film;
mod fragments;
#[path = "../rtmp/frames.rs"]
#[allow(dead_code, reason = "it is for other tests, too")]
mod frames;
mod lives;
mod names;
mod operators;
mod played;
#[path = "../rtmp/program.rs"]
#[allow(dead_code, reason = "it is for other tests, too")]
mod program;
mod recorded;
mod repair;
mod trouble;

use support::{Server, Start, site, wait_for};

/// Two workers; an application `live` with these settings, whose recordings are in `rec`. HTTP has the first port, RTMP the
/// second.
fn conf(settings: &str) -> String {
    with("", settings)
}

/// The same, with these lines in `http {}`.
fn with(http: &str, settings: &str) -> String {
    let web = "location /stat { rtmp_stat all; }
         location /control { rtmp_control all; }
         location ~ ^/dvr/(?<s>[^/]+)/ { record_play live/$s; }
         location ~ ^/few/(?<s>[^/]+)/ { record_play live/$s; record_play_limit 3; }
         location ~ ^/one/(?<r>[^/]+)/(?<s>[^/]+)/ { record_play live/$s $r; }";
    let site = site(web).replacen("http {", &format!("http {{ {http} "), 1);
    format!(
        "worker_processes 2; events {{ worker_connections 1000; }}
         {site}
         rtmp {{ rtmp_zone 64m; record_path rec;
             server {{ listen 127.0.0.1:{{port2}}; application live {{ live on; {settings} }} }} }}"
    )
}

/// A server that is about to start, with a directory for recordings.
fn about_to(conf: String) -> Start {
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf);
    make(&start.dir().path("rec"));
    start
}

/// A directory into which workers may write, whoever they are.
fn make(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir(path).expect("a directory");
    let anybody = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(path, anybody).expect("its mode");
}

#[track_caller]
fn up(settings: &str) -> Server {
    up_with(conf(settings))
}

#[track_caller]
fn up_with(conf: String) -> Server {
    let server = about_to(conf).start();
    wait_for("the workers", || server.workers().len() == 2);
    server
}
