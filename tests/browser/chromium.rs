//! Chromium, by the WebDriver protocol: small JSON over HTTP, sent by curl.

use std::process::{Child, Command, Stdio};

use support::{Dir, curl, is_listening, wait_for};

/// A browser; what is asked goes to the tab, or window, that was opened last.
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
        Chromium::with(&[])
    }

    /// The same, which takes any certificate.
    pub fn trusting() -> Chromium {
        Chromium::with(&["--ignore-certificate-errors"])
    }

    fn with(more: &[&str]) -> Chromium {
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
            .chain(more.iter().copied())
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

    /// Opens another tab.
    pub fn open_tab(&self) {
        self.open_another("tab");
    }

    /// Opens another window, which is seen as the others are; its name.
    pub fn open_window(&self) -> String {
        self.open_another("window")
    }

    fn open_another(&self, kind: &str) -> String {
        let made = self.command("window/new", &format!("{{\"type\":\"{kind}\"}}"));
        let handle = made.split("\"handle\":\"").nth(1).and_then(|rest| rest.split('"').next());
        let handle = handle.unwrap_or_else(|| panic!("no {kind}: {made}"));
        self.go_to(handle);
        handle.to_owned()
    }

    /// The names of all tabs.
    pub fn tabs(&self) -> Vec<String> {
        let url = format!("http://127.0.0.1:{}/session/{}/window/handles", self.port, self.session);
        let names = curl(&[&url]).text();
        let names = names.split('[').nth(1).and_then(|rest| rest.split(']').next());
        names.unwrap_or_default().split(',').map(|name| name.trim_matches('"').to_owned()).collect()
    }

    /// Asks this tab, or window, from now on.
    pub fn go_to(&self, tab: &str) {
        self.command("window", &format!("{{\"handle\":\"{tab}\"}}"));
    }

    /// What an expression gives, as text.
    pub fn text(&self, expression: &str) -> String {
        let escaped = expression.replace('\\', "\\\\").replace('"', "\\\"");
        let json = format!("{{\"script\":\"return String({escaped})\",\"args\":[]}}");
        let value = self.command("execute/sync", &json);
        let text = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        text.unwrap_or_else(|| panic!("{expression}: {value}")).to_owned()
    }

    /// What an expression gives, as a number.
    pub fn number(&self, expression: &str) -> f64 {
        let text = self.text(expression);
        text.parse().unwrap_or_else(|_| panic!("{expression}: {text}"))
    }

    /// A command of the DevTools protocol; `parameters` is JSON.
    pub fn devtools(&self, name: &str, parameters: &str) -> String {
        self.command("goog/cdp/execute", &format!("{{\"cmd\":\"{name}\",\"params\":{parameters}}}"))
    }

    /// What is opened from now on has this width, in pixels, and this theme: `light` or `dark`.
    pub fn look(&self, width: u32, theme: &str) {
        let scheme = format!("{{\"name\":\"prefers-color-scheme\",\"value\":\"{theme}\"}}");
        self.devtools("Emulation.setEmulatedMedia", &format!("{{\"features\":[{scheme}]}}"));
        let size = format!("\"width\":{width},\"height\":800,\"deviceScaleFactor\":1");
        let screen = format!("{{{size},\"mobile\":false}}");
        self.devtools("Emulation.setDeviceMetricsOverride", &screen);
    }

    /// Who looks at what is opened from now on does not like it to move.
    pub fn keep_still(&self) {
        let wish = "{\"features\":[{\"name\":\"prefers-reduced-motion\",\"value\":\"reduce\"}]}";
        self.devtools("Emulation.setEmulatedMedia", wish);
    }

    /// The upper part of the page as a PNG.
    pub fn picture(&self, width: u32, height: u32) -> Vec<u8> {
        let size = format!("\"width\":{width},\"height\":{height},\"scale\":1");
        let clip =
            format!("{{\"captureBeyondViewport\":true,\"clip\":{{\"x\":0,\"y\":0,{size}}}}}");
        let answer = self.devtools("Page.captureScreenshot", &clip);
        let data = answer.split("\"data\":\"").nth(1).and_then(|rest| rest.split('"').next());
        base64(data.unwrap_or_else(|| panic!("no picture: {answer}")))
    }

    /// What the browser complains of, as JSON: missing files, faults in scripts.
    pub fn complaints(&self) -> String {
        self.command("se/log", "{\"type\":\"browser\"}")
    }
}

fn base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'=').map(value).collect();
    let group = |four: &[u8]| {
        let bits = four.iter().fold(0u32, |bits, digit| bits << 6 | u32::from(*digit));
        let bits = bits << (6 * (4 - four.len()));
        bits.to_be_bytes()[1..four.len()].to_vec()
    };
    digits.chunks(4).flat_map(group).collect()
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let url = format!("http://127.0.0.1:{}/session/{}", self.port, self.session);
        curl(&["-X", "DELETE", &url]);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
