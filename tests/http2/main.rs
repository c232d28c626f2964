//! HTTP/2, most of it on plain ports: everything that goes over HTTP/1 goes over a stream, and no client takes more than its share.
//!
//! The clients in `python/` decide over each frame (Debian: python3-h2 has what they need); curl and h2load are those of others.

mod answers;
mod conformance;
mod drain;
mod floods;
mod live;
mod silent;
mod twin;
mod words;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use support::transport::Transport;
use support::{Answer, Server, Start, bytes, process};

/// The server of most scenarios, with these directives in it.
fn conf(main: &str, settings: &str) -> String {
    format!(
        r#"user root; events {{ worker_connections 4096; }}
        {main}
        http {{
            access_log logs/access.log combined buffer=0;
            limit_req_zone $uri zone=slow:1m rate=1r/m;
            sse_zone z 64m;
            server {{
                listen 127.0.0.1:{{port}};
                http2 on;
                {settings}
                location / {{ root html; }}
                location = /says {{ return 200 "$request_uri|$request_method|$http_cookie|$http_x_test|$http2|$server_protocol"; }}
                location = /again {{ error_page 404 /page; root html; }}
                location = /page {{ return 200 "page 404"; }}
                location = /slow {{ limit_req zone=slow burst=10000; alias html/trailers/says; }}
                location /up/ {{ root html; dav_methods PUT DELETE; create_full_put_path on; client_max_body_size 100k; }}
                location /trailers/ {{ add_trailer X-Sum $uri; alias html/trailers/; }}
                location ~ ^/events/(?<channel>[^/]+)$ {{ sse_subscribe $channel; sse_publish $channel; }}
            }}
            server {{ listen 127.0.0.1:{{port}}; server_name other.test; return 200 other; }}
        }}"#
    )
}

/// That server, with its files.
#[track_caller]
fn up(main: &str, settings: &str) -> Server {
    up_over(Transport::Plain, main, settings)
}

/// The same: by prior knowledge, or by ALPN over TLS.
#[track_caller]
fn up_over(transport: Transport, main: &str, settings: &str) -> Server {
    let conf = conf(main, settings).replace(
        "http2 on;",
        match transport {
            Transport::Plain => "http2 on;",
            // It says so itself.
            Transport::Tls | Transport::H2 => "",
        },
    );
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).over(transport).conf(conf);
    let server = start.start();
    server.file("html/file", bytes(3_000_000));
    server.file("html/cut", bytes(3_000_000));
    server.file("html/trailers/file", bytes(100_000));
    server.file("html/trailers/says", "says");
    server
}

fn is_encrypted(server: &Server) -> bool {
    server.url("/").starts_with("https:")
}

fn command(server: &Server, program: &str, scenario: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("/usr/bin/python3");
    command.arg(format!("{}/tests/http2/python/{program}.py", env!("CARGO_MANIFEST_DIR")));
    command.args([scenario, &server.port().to_string()]).args(arguments);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    if is_encrypted(server) {
        command.env("RSERVE_TLS", "1");
    }
    command
}

/// Runs a scenario to its end.
#[track_caller]
fn python(server: &Server, program: &str, scenario: &str, arguments: &[&str]) {
    let output = process::run(&mut command(server, program, scenario, arguments));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {scenario} (python3-h2 is needed): {said}");
}

/// A scenario that says a word, and goes on when it is told to.
struct Scenario {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Scenario {
    #[track_caller]
    fn start(server: &Server, program: &str, scenario: &str, arguments: &[&str]) -> Scenario {
        let mut command = command(server, program, scenario, arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("python3");
        let said = BufReader::new(child.stdout.take().expect("a pipe"));
        Scenario { child, said }
    }

    /// Waits for its next word; empty: it has ended.
    fn word(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("a line");
        line.trim().to_owned()
    }

    fn go_on(&mut self) {
        let _ = self.child.stdin.as_mut().expect("a pipe").write_all(b"\n");
    }

    /// Waits for its end, which must be a good one.
    #[track_caller]
    fn ends(self) {
        let output = self.child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }
}

/// curl, by prior knowledge, or by ALPN.
fn curl(server: &Server, arguments: &[&str], path: &str) -> Answer {
    let all: Vec<&str> = [if is_encrypted(server) { "--http2" } else { "--http2-prior-knowledge" }]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    server.curl(&all, path)
}
