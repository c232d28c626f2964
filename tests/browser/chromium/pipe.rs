//! The DevTools protocol (https://chromedevtools.github.io/devtools-protocol/) over a pair of pipes: JSON, and a zero byte behind
//! each message.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use support::comes_within;

/// Debian's, without what draws windows: it starts in a third of the time. What is in the PATH is a script that starts it and
/// stays its parent: who kills that one does not kill the browser.
const PROGRAM: &str = "/usr/lib/chromium/chromium-headless-shell";
/// It reads commands from descriptor 3 and writes its answers to descriptor 4.
const START: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;
/// After so long there will be no answer; it is longer than any wait of a test.
const LONGEST_WORK: Duration = Duration::from_secs(90);
/// What is to end may take so long.
const GRACE: Duration = Duration::from_secs(5);

/// A browser that does what it is told; it ends with the value.
pub struct Pipe {
    browser: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    last: u64,
    /// What it has told by itself, and nobody has looked at yet.
    pub events: Vec<Value>,
}

impl Pipe {
    /// Starts it with these flags.
    pub fn start(flags: &[&str], home: &std::path::Path) -> Pipe {
        assert!(
            std::path::Path::new(PROGRAM).exists(),
            "there is no {PROGRAM} (Debian: apt install chromium-headless-shell)"
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", START, PROGRAM, "--remote-debugging-pipe"]).args(flags);
        shell.env("HOME", home).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut browser = shell.spawn().expect("sh");
        let commands = browser.stdin.take().expect("a pipe");
        let answers = browser.stdout.take().expect("a pipe");
        let (sender, messages) = channel();
        thread::spawn(move || read(answers, &sender));
        Pipe { browser, commands, messages, last: 0, events: Vec::new() }
    }

    /// Gives a command, to a tab if there is its session, and waits for what it gives; an error is its reason.
    pub fn command(
        &mut self,
        session: &str,
        name: &str,
        parameters: &Value,
    ) -> Result<Value, String> {
        self.last += 1;
        let mut command = json!({ "id": self.last, "method": name, "params": parameters });
        if !session.is_empty() {
            command["sessionId"] = session.into();
        }
        let sent = self.commands.write_all(format!("{command}\0").as_bytes());
        sent.unwrap_or_else(|error| panic!("{name}: Chromium has ended: {error}"));
        loop {
            let mut message = self.next(name);
            if message["id"] != self.last {
                self.events.push(message);
                continue;
            }
            return match message.get("error") {
                Some(error) => Err(error.to_string()),
                None => Ok(message["result"].take()),
            };
        }
    }

    /// Waits until it has told something of that kind.
    pub fn wait_for(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) {
        while !self.events.iter().any(&is_it) {
            let message = self.next(what);
            self.events.push(message);
        }
    }

    fn next(&self, what: &str) -> Value {
        let message = self.messages.recv_timeout(LONGEST_WORK);
        message.unwrap_or_else(|error| panic!("{what}: no word from Chromium: {error}"))
    }
}

/// Passes its messages on until it ends, or nobody is there who takes them.
fn read(answers: ChildStdout, messages: &Sender<Value>) {
    let mut answers = BufReader::new(answers);
    let mut message = Vec::new();
    while answers.read_until(0, &mut message).is_ok_and(|length| length > 0) {
        message.pop();
        let value = serde_json::from_slice(&message);
        if value.ok().is_none_or(|value| messages.send(value).is_err()) {
            return;
        }
        message.clear();
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = self.commands.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let has_ended = || !matches!(self.browser.try_wait(), Ok(None));
        if !comes_within(GRACE, has_ended) {
            let _ = self.browser.kill();
            let _ = self.browser.wait();
        }
    }
}
