//! Recording: what is published is in files, whole and once, whatever becomes of workers, disks and clocks.
//!
//! | what went wrong elsewhere | where it is tried |
//! |---|---|
//! | an end of zeros, half a tag or box | `repair`, and each of the last 4096 bytes beside `file/open.rs` |
//! | a publisher's clock that jumps, wraps | `clocks` |
//! | a track that is announced and silent; sound alone; headers over and over | `odd` |
//! | names of another day: local time, a clock that is set | `odd`, `clocks` |
//! | H.265 whose key frames are not known: one file for ever | `odd` |
//! | what describes a movie is in memory until the end, and lost | `fragments`, `movies` |
//! | codecs that FLV has no number for; sound that is late, or begins without its header | `codecs` |
//! | FLV that cannot be sought in, or stops early | `cuts` |
//! | a disk that is full or read-only, a directory that goes, a file that is replaced | `trouble`, `movies` |
//! | a disk that hangs | `hung` |
//! | a worker, or all, killed in the middle: frames missing or twice | `lives`, `fragments`, `movies` |
//! | a server that ends: what was collected is lost | `lives`, `fragments` |
//! | names that lead elsewhere, links, pipes, strangers' files | `names`, `played/guards` |
//! | a journal that is torn, held, killed over | `played/list`, and beside `file/journal.rs` |
//! | a file that grows while it is read by parts | `played/files`, `played/flv` |
//! | files that are cut, damaged, full of holes, others', played; arguments without sense | `played/spans`, `played/flv`, `played/hostile` |
//! | hundreds at once; what a loss of power leaves | `many` |

mod beside;
#[path = "../rtmp/client/mod.rs"]
#[allow(dead_code, reason = "it is for other tests, too")]
mod client;
mod clocks;
mod codecs;
#[path = "../hls/coded.rs"]
#[allow(dead_code, reason = "it is for other tests, too")]
mod coded;
mod cuts;
#[path = "../hls/film.rs"]
#[allow(dead_code, reason = "it is for other tests, too")]
mod film;
mod fragments;
#[path = "../rtmp/frames.rs"]
#[allow(dead_code, reason = "it is for other tests, too")]
mod frames;
mod hung;
mod lives;
mod many;
mod movies;
mod names;
mod odd;
mod operators;
mod played;
#[path = "../rtmp/program.rs"]
#[allow(dead_code, reason = "it is for other tests, too")]
mod program;
mod recorded;
mod repair;
mod trouble;

use std::time::Duration;

use support::{Server, Start, site, wait_for};

/// Files grow each second: no publisher waits for that.
const PUT_OFF: Option<Duration> = None;

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
