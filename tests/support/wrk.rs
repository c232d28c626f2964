//! wrk: many requests, and a count of those that failed.

use std::process::{Child, Command, Stdio};

use crate::process;

/// Longer than any test: it ends when the test has seen enough.
const LONG: &str = "300s";

/// wrk, running.
pub struct Wrk(Option<Child>);

/// What it counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Answers.
    pub requests: u64,
    /// Answers of another status than 2xx and 3xx.
    pub bad_status: u64,
    /// Connections that were not made.
    pub connect: u64,
    /// Connections that broke off before an answer was complete.
    pub read: u64,
    /// Requests that could not be sent.
    pub write: u64,
    /// Answers that took too long.
    pub timeout: u64,
}

impl Wrk {
    /// Starts wrk with so many connections and further arguments, the URL among them.
    pub fn start(connections: u32, args: &[&str]) -> Wrk {
        let mut command = Command::new("wrk");
        command.args(["-t1", "-c", &connections.to_string(), "-d", LONG, "--timeout", "20s"]);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn();
        Wrk(Some(child.unwrap_or_else(|e| panic!("wrk: {e} (Debian: apt install wrk)"))))
    }

    /// Ends it and gives its count.
    pub fn stop(mut self) -> Report {
        let child = self.0.take().expect("it runs");
        process::signal(child.id(), "INT");
        let output = child.wait_with_output().expect("wrk ends");
        parse(&String::from_utf8_lossy(&output.stdout))
    }
}

impl Report {
    /// Whether every request was answered, and well.
    pub fn is_clean(&self) -> bool {
        let Report { requests, .. } = *self;
        requests > 0 && *self == Report { requests, ..Report::default() }
    }
}

impl Drop for Wrk {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn parse(text: &str) -> Report {
    let mut report = Report::default();
    for line in text.lines().map(str::trim) {
        let number = |text: &str| text.trim().parse().unwrap_or_else(|_| panic!("wrk: {line}"));
        if let Some((count, _)) = line.split_once(" requests in ") {
            report.requests = number(count);
        } else if let Some(count) = line.strip_prefix("Non-2xx or 3xx responses: ") {
            report.bad_status = number(count);
        } else if let Some(errors) = line.strip_prefix("Socket errors: ") {
            for error in errors.split(", ") {
                let (name, count) = error.split_once(' ').unwrap_or((error, ""));
                match name {
                    "connect" => report.connect = number(count),
                    "read" => report.read = number(count),
                    "write" => report.write = number(count),
                    _ => report.timeout = number(count),
                }
            }
        }
    }
    report
}

#[test]
fn reports_are_read() {
    let text = "Running 1s test\n  12 requests in 1.00s, 2KB read\n  \
                Socket errors: connect 1, read 2, write 3, timeout 4\n  \
                Non-2xx or 3xx responses: 5\n";
    let wanted = Report { requests: 12, bad_status: 5, connect: 1, read: 2, write: 3, timeout: 4 };
    assert_eq!(parse(text), wanted);
    assert!(!wanted.is_clean() && parse("1 requests in 1.00s, 2KB read").is_clean());
}
