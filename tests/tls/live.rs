//! What is live, encrypted: event streams, and RTMP by others' programs.

use std::process::{Command, Stdio};
use std::sync::Arc;

use support::{Wire, process, wait_for};

use crate::client::{config, start};

#[test]
fn events_reach_encrypted_subscribers_from_any_worker() {
    let (server, _) = start(
        "worker_processes 2; events { worker_connections 256; }
        http { {tls} access_log off; sse_zone events 8m;
        server { listen 127.0.0.1:{port} ssl;
            location ~ ^/e/(?<channel>.+)$ { sse_subscribe $channel; sse_publish $channel; } } }",
    );
    let client = Arc::new(config(None));
    let mut readers: Vec<Wire> = (0..40)
        .map(|_| {
            let mut wire = Wire::open(server.port()).with_tls(client.clone(), "a.example");
            wire.send("GET /e/x HTTP/1.1\r\nHost: a.example\r\n\r\n");
            wire.until("\n\n");
            wire
        })
        .collect();
    for count in 0..50 {
        let mut wire = Wire::open(server.port()).with_tls(client.clone(), "a.example");
        let body = format!("event {count}");
        wire.send(format!(
            "POST /e/x HTTP/1.1\r\nHost: a.example\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ));
        assert_eq!(wire.answer().status, 201);
    }
    for reader in &mut readers {
        for count in 0..50 {
            reader.until(&format!("data: event {count}\n"));
        }
    }
}

/// ffmpeg publishes by rtmps, and others watch by rtmps and by https.
#[test]
fn video_goes_over_tls() {
    let (server, _) = start(
        "worker_processes 2; rtmp { {tls} server { listen 127.0.0.1:{port2} ssl; application live { live on; } } }
        http { {tls} access_log off; server { listen 127.0.0.1:{port} ssl;
            location ~ ^/live/(?<stream>.*)\\.flv$ { flv_live live/$stream; } } }",
    );
    let rtmps = format!("rtmps://127.0.0.1:{}/live/x", server.port2());
    let mut publisher = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-re",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=160x120:rate=25",
            "-f",
            "lavfi",
        ])
        .args(["-i", "sine", "-t", "60", "-c:v", "libx264", "-preset", "ultrafast", "-g", "12"])
        .args(["-c:a", "aac", "-f", "flv", &rtmps])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("ffmpeg");
    let streams = |url: &str| {
        let mut command = Command::new("timeout");
        command.args(["10", "ffprobe", "-v", "error", "-tls_verify", "0"]);
        command.args(["-show_entries", "stream=codec_name", "-of", "csv=p=0", url]);
        String::from_utf8_lossy(&process::run(&mut command).stdout).into_owned()
    };
    wait_for("the stream by rtmps", || streams(&rtmps).contains("h264\naac"));
    let https = format!("https://127.0.0.1:{}/live/x.flv", server.port());
    wait_for("the stream by https", || streams(&https).contains("h264\naac"));
    process::signal(publisher.id(), "KILL");
    let _ = publisher.wait();
}
