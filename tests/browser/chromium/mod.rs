//! Chromium, by the DevTools protocol.

mod pipe;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Dir, comes};

use pipe::Pipe;

/// A browser; what is asked goes to the tab, or window, that was opened last.
pub struct Chromium {
    pipe: RefCell<Pipe>,
    /// A session for each, in the order in which they were opened.
    tabs: RefCell<Vec<String>>,
    /// Which of them is asked.
    tab: Cell<usize>,
    /// What runs in each page before its own scripts.
    script: RefCell<String>,
    /// When something was last asked in a tab.
    asked: RefCell<HashMap<(usize, String), Instant>>,
    // It goes when the browser has ended.
    _profile: Dir,
}

/// Quiet, and without a word to anybody but the server under test.
const FLAGS: &[&str] = &[
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

/// Who waits asks the same again and again: not sooner than after this, since each answer takes time from the page.
const PAUSE: Duration = Duration::from_millis(50);

/// Why there is no answer from a page that is left.
const LEFT: &[&str] =
    &["Inspected target navigated", "context was destroyed", "Cannot find default"];

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
        let data = format!("--user-data-dir={}", profile.path("profile").display());
        let pipe = Pipe::start(&[FLAGS, more, &[&data]].concat(), &profile.path(""));
        let chromium = Chromium {
            pipe: RefCell::new(pipe),
            tabs: RefCell::default(),
            tab: Cell::new(0),
            script: RefCell::default(),
            asked: RefCell::default(),
            _profile: profile,
        };
        chromium.open_tab();
        chromium
    }

    fn try_command(&self, name: &str, parameters: &Value) -> Result<Value, String> {
        let session = self.session();
        self.pipe.borrow_mut().command(&session, name, parameters)
    }

    fn session(&self) -> String {
        self.tabs.borrow().get(self.tab.get()).cloned().unwrap_or_default()
    }

    /// A command of the DevTools protocol, to the tab.
    pub fn devtools(&self, name: &str, parameters: &Value) -> Value {
        let result = self.try_command(name, parameters);
        result.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Goes to a page and waits until it is loaded.
    pub fn open(&self, url: &str) {
        self.pipe.borrow_mut().events.retain(|event| event["method"] != LIFE);
        let went = self.devtools("Page.navigate", &json!({ "url": url }));
        assert!(went.get("errorText").is_none(), "{url}: {went}");
        // Without one it is the same page: another part of it.
        if let Some(load) = went.get("loaderId") {
            self.pipe.borrow_mut().wait_for(url, |event| {
                let about = &event["params"];
                event["method"] == LIFE && about["name"] == "load" && about["loaderId"] == *load
            });
        }
    }

    /// Opens another tab.
    pub fn open_tab(&self) {
        self.open_another(false);
    }

    /// Opens another window, which is seen as the others are; it is asked from now on.
    pub fn open_window(&self) -> usize {
        self.open_another(true)
    }

    fn open_another(&self, window: bool) -> usize {
        let wanted = json!({ "url": "about:blank", "newWindow": window });
        let browser = |name, parameters| {
            let result = self.pipe.borrow_mut().command("", name, &parameters);
            result.unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        let made = browser("Target.createTarget", wanted);
        let target = json!({ "targetId": made["targetId"], "flatten": true });
        let attached = browser("Target.attachToTarget", target);
        let session = attached["sessionId"].as_str().expect("a session").to_owned();
        let tab = self.tabs.borrow().len();
        self.tabs.borrow_mut().push(session);
        self.tab.set(tab);
        for part in ["Page", "Runtime", "Log"] {
            self.devtools(&format!("{part}.enable"), &json!({}));
        }
        self.devtools("Page.setLifecycleEventsEnabled", &json!({ "enabled": true }));
        self.prepare();
        tab
    }

    /// In each page that is opened from now on this runs before its own scripts.
    pub fn run_in_pages(&self, script: &str) {
        self.script.replace(script.to_owned());
        for tab in 0..self.tabs() {
            self.go_to(tab);
            self.prepare();
        }
    }

    fn prepare(&self) {
        let script = self.script.borrow();
        if !script.is_empty() {
            self.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": *script }));
        }
    }

    /// How many tabs there are: their names are numbers, from 0, in the order in which they were opened.
    pub fn tabs(&self) -> usize {
        self.tabs.borrow().len()
    }

    /// Asks this tab, or window, from now on.
    pub fn go_to(&self, tab: usize) {
        self.tab.set(tab);
    }

    /// What an expression gives, as JSON; who asks for the same again waits until this time has passed since.
    pub fn value(&self, expression: &str, pause: Duration) -> Value {
        let question = (self.tab.get(), expression.to_owned());
        let asked = self.asked.borrow().get(&question).copied();
        if let Some(rest) = asked.and_then(|asked| pause.checked_sub(asked.elapsed())) {
            thread::sleep(rest);
        }
        let mut answer = self.evaluate(expression);
        self.asked.borrow_mut().insert(question, Instant::now());
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// A page that is left meanwhile gives no answer: then the next one is asked.
    fn evaluate(&self, expression: &str) -> Value {
        let wanted = json!({ "expression": expression, "returnByValue": true });
        let mut answer = Ok(Value::Null);
        let is_answered = || {
            answer = self.try_command("Runtime.evaluate", &wanted);
            !answer.as_ref().is_err_and(|error| LEFT.iter().any(|left| error.contains(left)))
        };
        assert!(comes(is_answered), "{expression}: {answer:?}");
        answer.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// What an expression gives, as text.
    pub fn text(&self, expression: &str) -> String {
        let value = self.value(&format!("String({expression})"), PAUSE);
        value.as_str().unwrap_or_else(|| panic!("{expression}: {value}")).to_owned()
    }

    /// What an expression gives, as a number.
    pub fn number(&self, expression: &str) -> f64 {
        let text = self.text(expression);
        text.parse().unwrap_or_else(|_| panic!("{expression}: {text}"))
    }

    /// What is opened from now on has this width, in pixels, and this theme: `light` or `dark`.
    pub fn look(&self, width: u32, theme: &str) {
        let scheme = json!({ "name": "prefers-color-scheme", "value": theme });
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": [scheme] }));
        let screen =
            json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &screen);
    }

    /// Who looks at what is opened from now on does not like it to move.
    pub fn keep_still(&self) {
        let wish = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": [wish] }));
    }

    /// The upper part of the page as a PNG.
    pub fn picture(&self, width: u32, height: u32) -> Vec<u8> {
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let wanted = json!({ "captureBeyondViewport": true, "clip": clip });
        let answer = self.devtools("Page.captureScreenshot", &wanted);
        base64(answer["data"].as_str().unwrap_or_else(|| panic!("no picture: {answer}")))
    }

    /// What the browser has complained of in this tab since it was last asked, as JSON: missing files, faults in scripts.
    pub fn complaints(&self) -> String {
        // What the page has told before it answers has come with the answer.
        self.evaluate("0");
        let session = self.session();
        let events = std::mem::take(&mut self.pipe.borrow_mut().events);
        let (ours, others) =
            events.into_iter().partition::<Vec<Value>, _>(|event| event["sessionId"] == session);
        self.pipe.borrow_mut().events = others;
        json!(ours.iter().filter_map(complaint).collect::<Vec<&Value>>()).to_string()
    }
}

/// How far a page has come.
const LIFE: &str = "Page.lifecycleEvent";

/// What an event complains of, if it does.
fn complaint(event: &Value) -> Option<&Value> {
    let about = &event["params"];
    let is_one_of =
        |value: &Value, bad: &[&str]| value.as_str().is_some_and(|it| bad.contains(&it));
    match event["method"].as_str()? {
        "Log.entryAdded" => {
            is_one_of(&about["entry"]["level"], &["warning", "error"]).then_some(&about["entry"])
        }
        "Runtime.consoleAPICalled" => {
            is_one_of(&about["type"], &["warning", "error", "assert"]).then_some(&about["args"])
        }
        "Runtime.exceptionThrown" => Some(&about["exceptionDetails"]),
        _ => None,
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
