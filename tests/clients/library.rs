//! The libraries, and their programs while they run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::{Dir, comes};

/// In `node/`: they listen to a channel.
pub const NODE: &[&str] = &[
    "event-source-plus",
    "event-source-polyfill",
    "eventsource",
    "eventsource-client",
    "eventsource-parser",
    "fetch-event-source",
    "launchdarkly-eventsource",
    "react-native-sse",
    "reconnecting-eventsource",
    "reconnecting-websocket",
    "sse.js",
    "undici",
];

/// In `python/`, likewise.
pub const PYTHON: &[&str] = &[
    "aiohttp_sse_client_",
    "aiosseclient_",
    "httpx_sse_",
    "ld_eventsource_",
    "requests_sse_",
    "sseclient_old",
    "sseclient_py",
    "websocket_client",
    "websockets_",
];

/// They take a stream as a whole, and do not come back.
pub const WHOLE: &[&str] = &["axios.mjs", "openai.mjs", "openai_.py"];

/// What they are told before what is to come.
pub const HELLO: &str = "hello";

/// Where `tests/clients/install` has put the libraries.
fn installed() -> PathBuf {
    // This program is in TARGET/PROFILE/deps.
    let program = std::env::current_exe().expect("a path");
    let target = program.ancestors().nth(3).expect("the build directory").join("clients");
    let hint = "run tests/clients/install (it needs nodejs, npm, python3-venv and the registries)";
    assert!(target.join("installed").exists(), "no clients in {}: {hint}", target.display());
    target
}

/// A running client. It is killed when the value goes away.
pub struct Client {
    pub name: String,
    child: Child,
    said: PathBuf,
    errors: PathBuf,
}

impl Client {
    /// Starts the program `NAME.mjs` or `NAME.py` with an address; `dir` gets what it says.
    pub fn start(dir: &Dir, program: &str, url: &str) -> Client {
        let target = installed();
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
        let mut command = if program.ends_with(".py") {
            let mut command = Command::new(target.join("python/bin/python3"));
            command.arg("-B").arg(here.join("python").join(program));
            command
        } else {
            // A module finds packages from where it is: so it must be where they are.
            let beside = target.join("node").join(program);
            for name in [program, "take.mjs", "xhr.mjs"] {
                put(&here.join("node").join(name), &target.join("node").join(name));
            }
            let mut command = Command::new("node");
            command.arg(beside);
            command
        };
        let said = dir.path(&format!("logs/{program}.said"));
        let errors = dir.path(&format!("logs/{program}.errors"));
        let child = command
            .arg(url)
            .env("PYTHONUNBUFFERED", "1")
            .stdin(Stdio::null())
            .stdout(File::create(&said).expect("a file"))
            .stderr(File::create(&errors).expect("a file"))
            .spawn()
            .unwrap_or_else(|e| panic!("{program}: {e} (Debian: nodejs, python3-venv)"));
        Client { name: program.to_owned(), child, said, errors }
    }

    /// What it has said: a line `ID DATA` for each event, or `GAP`.
    pub fn said(&self) -> Vec<String> {
        fs::read_to_string(&self.said).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Whether it has come to its end.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("wait").is_some()
    }

    /// What is wrong, if not each of these was said, once, in this order, and nothing else.
    pub fn fault(&mut self, wanted: &[String]) -> Option<String> {
        let ended = comes(|| self.has_ended());
        let said = self.said();
        let data: Vec<&str> = said
            .iter()
            .map(|line| line.split_once(' ').map_or(&**line, |(_, data)| data))
            .filter(|data| !data.starts_with(HELLO))
            .collect();
        let mut known = std::collections::HashSet::new();
        let twice = data.iter().filter(|one| !known.insert(**one)).count();
        let gaps = data.iter().filter(|one| **one == "GAP").count();
        let missing: Vec<&String> = wanted.iter().filter(|one| !known.contains(&***one)).collect();
        if data == wanted && ended {
            return None;
        }
        let errors = fs::read_to_string(&self.errors).unwrap_or_default();
        Some(format!(
            "{}: {} of {}, {gaps} gaps, {twice} twice, ended: {ended}, missing {:?}\n{}",
            self.name,
            wanted.len() - missing.len(),
            wanted.len(),
            missing.iter().take(5).collect::<Vec<_>>(),
            errors.lines().rev().take(6).collect::<Vec<_>>().join("\n")
        ))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Copies a program, if it is not there as it is: another may be reading it.
fn put(from: &Path, to: &Path) {
    let text = fs::read(from).unwrap_or_else(|e| panic!("{}: {e}", from.display()));
    if fs::read(to).is_ok_and(|there| there == text) {
        return;
    }
    let part = to.with_extension(format!("{:?}.part", std::thread::current().id()));
    fs::write(&part, text).expect("a copy");
    fs::rename(&part, to).expect("a copy in its place");
}
