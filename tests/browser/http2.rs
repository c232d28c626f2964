//! Chromium over TLS and HTTP/2: more event streams than it would open connections, and a WebSocket beside them.

use std::os::unix::fs::PermissionsExt;

use support::certificates::Authority;
use support::{Start, curl};

use crate::chromium::Chromium;

/// Opens a hundred streams, and when they have had an event, a WebSocket.
const PAGE: &str = "<!doctype html><title>waits</title><script>
    let opened = 0, got = 0, heard = '';
    const show = () => {
        const name = performance.getEntriesByType('navigation')[0].nextHopProtocol;
        if (heard) document.title = name + ' ' + got + ' ' + heard.includes('second');
    };
    const socket = () => {
        const socket = new WebSocket('wss://' + location.host + '/events/page');
        socket.onopen = () => document.title = 'socket';
        socket.onmessage = message => { heard = message.data; show(); };
    };
    for (let count = 0; count < 100; count++) {
        const source = new EventSource('/events/page');
        source.onopen = () => { if (++opened === 100) document.title = 'open'; };
        source.onmessage = () => { if (++got === 100) socket(); show(); };
    }
</script>";

#[test]
fn a_hundred_event_streams_and_a_web_socket_share_a_connection() {
    let leaf = Authority::new("tests").server(&["localhost"]);
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).plain().conf(
        "events { worker_connections 1024; }
        http { ssl_certificate server.pem; ssl_certificate_key server.key; sse_zone z 16m; http2 on;
        access_log logs/access.log combined buffer=0;
        server { listen 127.0.0.1:{port} ssl; root html;
            location ~ ^/events/(?<channel>.+)$ { sse_subscribe $channel; sse_publish $channel; } } }",
    );
    let start = start.file("server.pem", &leaf.chain).file("html/page.html", PAGE);
    let key = start.dir().file("server.key", &leaf.key);
    std::fs::set_permissions(key, PermissionsExt::from_mode(0o600)).expect("chmod");
    let server = start.start();
    let address = format!("https://127.0.0.1:{}", server.port());
    let publish = |text: &str| {
        let status =
            curl(&["-k", "--http1.1", "-d", text, &format!("{address}/events/page")]).status;
        assert_eq!(status, 201);
    };
    let chromium = Chromium::trusting();
    chromium.open(&format!("{address}/page.html"));
    let title = |wanted: &str| {
        server.wait_for(wanted, || chromium.text("document.title") == wanted);
    };
    title("open");
    publish("first");
    title("socket");
    publish("second");
    title("h2 200 true");
    drop(chromium);
    let over = |line: &str| server.access_log().matches(line).count();
    server.wait_for("their lines in the log", || {
        over("\"GET /events/page HTTP/2.0\" 200 ") == 100
            && over("\"CONNECT /events/page HTTP/2.0\" 200 ") == 1
    });
}
