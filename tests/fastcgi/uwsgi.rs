//! uWSGI with an application in Python, by its own protocol and by SCGI.

use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use support::{Dir, process, wait_for};

/// What it runs: it tells what it was given.
const APPLICATION: &str = r#"
import hashlib, os, signal, time

def application(env, start):
    uri = env.get('REQUEST_URI', '')
    body = env['wsgi.input'].read(int(env.get('CONTENT_LENGTH') or 0))
    fields = [('Content-Type', 'text/plain')]
    def say(status, text, more=[]):
        start(status, fields + more)
        return [text.encode()]
    if uri.startswith('/told'):
        return say('200 OK', 'x' * 100000, [('Content-Length', '100000'), ('Date', 'x'), ('Server', 'own')])
    if uri.startswith('/long'):
        start('200 OK', fields)
        return (('%d' % at).rjust(99, '.').encode() + b'\n' for at in range(20000))
    if uri.startswith('/status'):
        return say(uri.split('?')[1].replace('+', ' '), 'told')
    if uri.startswith('/to'):
        return say('302 Found', '', [('Location', '/x')])
    if uri.startswith('/elsewhere'):
        return say('200 OK', 'gone', [('X-Accel-Redirect', '/inside/secret.txt'), ('Set-Cookie', 'a=b')])
    if uri.startswith('/body'):
        return say('200 OK', '%d %s %s' % (len(body), hashlib.md5(body).hexdigest(), env.get('CONTENT_LENGTH')))
    if uri.startswith('/die'):
        os.kill(os.getpid(), signal.SIGKILL)
    own = ('wsgi.', 'uwsgi.', 'x-wsgiorg', 'REMOTE_PORT')
    lines = ['%s=%s' % (name, env[name]) for name in sorted(env) if not name.startswith(own)]
    return say('200 OK', '\n'.join(lines), [('X-Two', '1'), ('X-Two', '2')])
"#;

/// It listens at sockets in its directory.
pub struct Uwsgi {
    child: Child,
    dir: Dir,
}

impl Uwsgi {
    /// Starts it.
    pub fn start() -> Uwsgi {
        let dir = Dir::new();
        let script = dir.file("application.py", APPLICATION);
        let log = std::fs::File::create(dir.path("logs/uwsgi.log")).expect("a file");
        let errors = log.try_clone().expect("a file");
        let child = Command::new("uwsgi")
            .args(["--plugin", "python3", "--master", "--processes", "3", "--chmod-socket=666"])
            .args(["--need-app", "--disable-logging", "--die-on-term", "--buffer-size", "65535"])
            .arg("--socket")
            .arg(dir.path("uwsgi"))
            .arg("--scgi-socket")
            .arg(dir.path("scgi"))
            .arg("--wsgi-file")
            .arg(script)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|e| panic!("uwsgi: {e} (Debian: apt install uwsgi-core)"));
        let mut uwsgi = Uwsgi { child, dir };
        wait_for("uWSGI to come up", || {
            let ended = uwsgi.child.try_wait().expect("wait").is_some();
            assert!(!ended, "uWSGI did not start: {}", uwsgi.dir.text("logs/uwsgi.log"));
            let is_up = |name: &str| UnixStream::connect(uwsgi.dir.path(name)).is_ok();
            is_up("uwsgi") && is_up("scgi")
        });
        uwsgi
    }

    /// Where it speaks a protocol, for a configuration.
    pub fn address(&self, protocol: &str) -> String {
        format!("unix:{}", self.dir.path(protocol).display())
    }
}

impl Drop for Uwsgi {
    fn drop(&mut self) {
        process::signal(self.child.id(), "TERM");
        let _ = self.child.wait();
    }
}
