//! Event streams and a page that listens to one: what it got, and how its connection fared.

use support::{Server, Start, http};

use crate::chromium::Chromium;

/// `listen.html?ADDRESS`, with `#credentials` for those.
const SCRIPT: &str = "'use strict';
const got = [], states = [];
const withCredentials = location.hash === '#credentials';
const source = new EventSource(decodeURIComponent(location.search.slice(1)), { withCredentials });
const take = e => got.push([e.type, e.lastEventId, encodeURIComponent(e.data)].join('|'));
for (const type of ['message', 'tick', 'gap', 'end']) source.addEventListener(type, take);
source.onopen = () => states.push('open');
source.onerror = () => states.push(['', 'closed', 'lost'][[1, 2, 0].indexOf(source.readyState)]);
";

/// Starts a server: `body` is what stands in its `http` block, beside a zone.
pub fn start(body: &str) -> Server {
    let conf = http(&format!("sse_zone z 4m; sse_retry 100ms;\n{body}"));
    Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(format!("worker_processes 2;\n{conf}"))
        .file("html/listen.html", "<!doctype html><script src=listen.js></script>")
        .file("html/listen.js", SCRIPT)
        .start()
}

/// A server whose channels are under `/streams/`.
pub fn start_channels(extra: &str) -> Server {
    start(&format!(
        "server {{ listen 127.0.0.1:{{port}}; {extra}
            location ~ ^/streams/(?<channel>\\w+)$ {{ sse_subscribe $channel; sse_publish $channel; }}
            location = /status {{ sse_status; }}
        }}"
    ))
}

/// Publishes, again if there is no answer, and gives the event's id.
pub fn publish(server: &Server, path: &str, data: &str) -> String {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let key = format!("Idempotency-Key: {number}");
    let mut id = None;
    server.wait_for("the event to be published", || {
        let answer = server.curl(&["-H", &key, "-H", "Expect:", "--data-binary", data], path);
        assert!(matches!(answer.status, 0 | 201 | 202), "{path}: {answer:?}");
        let text = answer.text();
        id = text
            .split("\"id\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .map(str::to_owned);
        id.is_some()
    });
    id.unwrap_or_default()
}

/// An event as a page got it: type, id, data.
pub type Got = (String, String, String);

/// The page that listens, in the browser's tab.
pub struct Listener<'a> {
    chromium: &'a Chromium,
    server: &'a Server,
}

impl<'a> Listener<'a> {
    /// Listens to that stream, in this tab.
    pub fn new(chromium: &'a Chromium, server: &'a Server, stream: &str) -> Listener<'a> {
        chromium.open(&server.url(&format!("/listen.html?{stream}")));
        Listener { chromium, server }
    }

    /// Listens to that stream, in this tab, by a page of this address.
    pub fn at(chromium: &'a Chromium, server: &'a Server, page: &str) -> Listener<'a> {
        chromium.open(page);
        Listener { chromium, server }
    }

    /// What became of the connection: `open`, `lost` (it comes back), `closed` (it does not).
    pub fn states(&self) -> Vec<String> {
        let states = self.chromium.text("states.join(' ')");
        states.split_whitespace().map(str::to_owned).collect()
    }

    /// How often it was in this state.
    pub fn count(&self, state: &str) -> usize {
        self.states().iter().filter(|found| *found == state).count()
    }

    /// Waits for that.
    pub fn wait_for(&self, state: &str) {
        self.server.wait_for(state, || self.count(state) > 0);
    }

    /// The events that it has got.
    pub fn got(&self) -> Vec<Got> {
        let part =
            |words: &mut std::str::Split<'_, char>| words.next().unwrap_or_default().to_owned();
        let event = |word: &str| {
            let mut words = word.split('|');
            (part(&mut words), part(&mut words), unescape(&part(&mut words)))
        };
        self.chromium.text("got.join(' ')").split_whitespace().map(event).collect()
    }

    /// Waits for so many events.
    pub fn wait_for_events(&self, count: usize) -> Vec<Got> {
        let what = format!("{count} events");
        self.server.wait_for(&what, || self.chromium.number("got.length") >= count as f64);
        self.got()
    }
}

/// Undoes encodeURIComponent.
pub fn unescape(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).expect("UTF-8")
}
