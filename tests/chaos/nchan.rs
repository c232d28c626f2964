//! nginx with nchan: the same run, to compare with.

use std::path::PathBuf;
use std::process::Command;

use support::{Dir, comes, free_port, is_listening, process};

use crate::load::{self, Load};
use crate::target::Target;
use crate::{ids, processes};

/// nginx, in the background: in the foreground it ignores USR2.
pub struct Nchan {
    dir: Dir,
    port: u16,
}

/// Everything is kept long enough, and who comes without an id gets all: no loss is its choice.
const CONF: &str = r"
    load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
    worker_processes {workers};
    pid {dir}/logs/nginx.pid;
    error_log {dir}/logs/error.log notice;
    events { worker_connections 1024; }
    http {
        access_log off;
        nchan_shared_memory_size 256m;
        client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c;
        uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e;
        client_body_buffer_size 64k;
        nchan_message_buffer_length 100000;
        nchan_message_timeout 1h;
        server {
            listen 127.0.0.1:{port} backlog=1024;
            nchan_subscriber_first_message oldest;
            nchan_channel_id_split_delimiter ,;
            location ~ ^/events/(?<channel>[\w.,-]+)$ {
                nchan_pubsub http eventsource;
                nchan_channel_id $channel;
            }
            location = /all { nchan_subscriber eventsource; nchan_channel_id {all}; }
        }
    }";

impl Nchan {
    /// Starts it.
    pub fn start(load: &Load) -> Nchan {
        let nchan = Nchan { dir: Dir::new(), port: free_port() };
        let all: Vec<String> = (0..load.channels).map(load::channel).collect();
        let conf = CONF
            .replace("{workers}", &load.workers.to_string())
            .replace("{dir}", &nchan.dir.path("").to_string_lossy())
            .replace("{port}", &nchan.port.to_string())
            .replace("{all}", &all.join(","));
        let file = nchan.dir.file("nginx.conf", conf);
        let log = nchan.dir.path("logs/error.log");
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-p").arg(nchan.dir()).arg("-c").arg(file).arg("-e").arg(log);
        let output = process::run(&mut command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "nginx with libnginx-mod-nchan: {said}");
        support::wait_for("nginx", || nchan.master().is_some() && is_listening(nchan.port));
        nchan
    }
}

impl Target for Nchan {
    fn name(&self) -> &'static str {
        "nchan"
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn dir(&self) -> PathBuf {
        self.dir.path("")
    }

    fn pid_file(&self) -> &'static str {
        "logs/nginx.pid"
    }

    fn place(&self, id: &str) -> Result<Option<u64>, String> {
        ids::nchan(id)
    }

    /// The channel's last message need not be the one that is answered.
    fn answered(&self, _: &str) -> Option<String> {
        None
    }

    fn knows_keys(&self) -> bool {
        false
    }

    fn tells_place(&self) -> bool {
        false
    }

    fn total_order(&self) -> bool {
        false
    }
}

impl Drop for Nchan {
    fn drop(&mut self) {
        for signal in ["TERM", "KILL"] {
            let left = processes::all(&self.dir());
            left.iter().for_each(|&pid| process::signal(pid, signal));
            if comes(|| processes::all(&self.dir()).is_empty()) {
                return;
            }
        }
    }
}
