//! php-fpm with processes of its own, which end with the value.

use std::process::{Child, Command, Stdio};

use support::{Dir, wait_for};

/// It listens at a socket in its directory.
pub struct Php {
    child: Child,
    dir: Dir,
}

impl Php {
    /// With so many processes.
    pub fn start(processes: usize) -> Php {
        let dir = Dir::new();
        let at = dir.path("");
        let at = at.display();
        let conf = format!(
            "[global]\nerror_log = {at}/logs/fpm.log\ndaemonize = no\n\
             [www]\nuser = root\ngroup = root\nlisten = {at}/php\nlisten.mode = 0666\npm = static\npm.max_children = {processes}\n\
             catch_workers_output = no\nphp_flag[display_errors] = off\n\
             php_admin_flag[log_errors] = on\nphp_value[upload_max_filesize] = 64M\nphp_value[post_max_size] = 64M\n"
        );
        dir.file("fpm.conf", conf);
        let child = Command::new(program())
            .args(["--nodaemonize", "--allow-to-run-as-root", "--fpm-config"])
            .arg(dir.path("fpm.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("php-fpm: {e} (Debian: apt install php-fpm)"));
        let mut php = Php { child, dir };
        wait_for("php-fpm to come up", || {
            let ended = php.child.try_wait().expect("wait").is_some();
            assert!(!ended, "php-fpm did not start: {}", php.log());
            std::os::unix::net::UnixStream::connect(php.dir.path("php")).is_ok()
        });
        php
    }

    /// Where it is, for a configuration.
    pub fn address(&self) -> String {
        format!("unix:{}", self.dir.path("php").display())
    }

    /// What it says itself.
    pub fn log(&self) -> String {
        self.dir.text("logs/fpm.log")
    }

    /// Its processes that run scripts.
    pub fn workers(&self) -> Vec<u32> {
        support::process::children(self.child.id())
    }
}

impl Drop for Php {
    fn drop(&mut self) {
        support::process::signal(self.child.id(), "TERM");
        let _ = self.child.wait();
    }
}

/// The newest that is installed: its name has the version in it.
fn program() -> String {
    let names = std::fs::read_dir("/usr/sbin").into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let found = names.filter(|name| name.starts_with("php-fpm")).max();
    format!("/usr/sbin/{}", found.as_deref().unwrap_or("php-fpm"))
}
