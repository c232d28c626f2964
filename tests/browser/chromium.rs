//! Chromium, by the WebDriver protocol: small JSON over HTTP, sent by curl.

use std::process::{Child, Command, Stdio};

use support::{Dir, curl, is_listening, wait_for};

/// One window.
pub struct Chromium {
    driver: Child,
    port: u16,
    session: String,
    _profile: Dir,
}

/// Quiet, without a screen, and without a word to anybody but the server under test.
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
];

impl Chromium {
    /// Opens a window with a profile of its own.
    pub fn start() -> Chromium {
        let profile = Dir::new();
        let port = support::free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .env("HOME", profile.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let driver = driver.unwrap_or_else(|e| {
            panic!("chromedriver: {e} (Debian: apt install chromium chromium-driver)")
        });
        let mut chromium = Chromium { driver, port, session: String::new(), _profile: profile };
        wait_for("chromedriver", || is_listening(port));
        let data = format!("--user-data-dir={}", chromium._profile.path("profile").display());
        let flags: Vec<String> = FLAGS
            .iter()
            .copied()
            .chain([data.as_str()])
            .map(|flag| format!("\"{flag}\""))
            .collect();
        let options = format!("{{\"args\":[{}]}}", flags.join(","));
        // What the pages log is read back with `complaints`.
        let wanted = format!(
            "{{\"capabilities\":{{\"alwaysMatch\":{{\"goog:chromeOptions\":{options},\
             \"goog:loggingPrefs\":{{\"browser\":\"WARNING\"}}}}}}}}"
        );
        let answer = chromium.ask("/session", &wanted);
        let id = answer.split("\"sessionId\":\"").nth(1).and_then(|rest| rest.split('"').next());
        chromium.session = id.unwrap_or_else(|| panic!("no session: {answer}")).to_owned();
        chromium
    }

    fn ask(&self, path: &str, json: &str) -> String {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        curl(&["-H", "Content-Type: application/json", "-d", json, &url]).text()
    }

    fn command(&self, name: &str, json: &str) -> String {
        let answer = self.ask(&format!("/session/{}/{name}", self.session), json);
        let value = answer.strip_prefix("{\"value\":").and_then(|rest| rest.strip_suffix('}'));
        value.unwrap_or_else(|| panic!("{name}: {answer}")).to_owned()
    }

    /// Goes to a page and waits until it is loaded.
    pub fn open(&self, url: &str) {
        self.command("url", &format!("{{\"url\":\"{url}\"}}"));
    }

    /// What an expression gives, as text. It must do without double quotes and backslashes.
    pub fn text(&self, expression: &str) -> String {
        let json = format!("{{\"script\":\"return String({expression})\",\"args\":[]}}");
        let value = self.command("execute/sync", &json);
        let text = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        text.unwrap_or_else(|| panic!("{expression}: {value}")).to_owned()
    }

    /// What an expression gives, as a number.
    pub fn number(&self, expression: &str) -> f64 {
        let text = self.text(expression);
        text.parse().unwrap_or_else(|_| panic!("{expression}: {text}"))
    }

    /// What the browser complains of, as JSON: missing files, faults in scripts.
    pub fn complaints(&self) -> String {
        self.command("se/log", "{\"type\":\"browser\"}")
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let url = format!("http://127.0.0.1:{}/session/{}", self.port, self.session);
        curl(&["-X", "DELETE", &url]);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
