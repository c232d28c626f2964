//! Pages of other origins: what they may read and publish. The pages come from the second port.

use support::{Server, process};

use crate::chromium::Chromium;
use crate::listener::{Listener, publish, start};

fn server() -> Server {
    let location = |name: &str, allowed: &str| {
        format!(
            "location ~ ^/{name}/(?<{name}>\\w+)$ {{
                sse_subscribe ${name}; sse_publish ${name}; {allowed}
            }}\n"
        )
    };
    start(&format!(
        "server {{ listen 127.0.0.1:{{port}};\n{}{}{} }}\nserver {{ listen 127.0.0.1:{{port2}}; }}",
        location("nobody", ""),
        location("named", "sse_allow_origin http://127.0.0.1:{port2};"),
        location("all", "sse_allow_origin *;"),
    ))
}

/// A page of the other origin that listens to this stream.
fn foreign<'a>(
    chromium: &'a Chromium,
    server: &'a Server,
    stream: &str,
    credentials: bool,
) -> Listener<'a> {
    let hash = if credentials { "#credentials" } else { "" };
    let stream = server.url(stream);
    // Another query, so that another hash is another page.
    let page = format!("http://127.0.0.1:{}/listen.html?{stream}{hash}", server.port2());
    chromium.open("about:blank");
    Listener::at(chromium, server, &page)
}

#[test]
fn a_stream_is_read_by_those_who_are_named() {
    let server = server();
    let chromium = Chromium::start();
    for (stream, credentials) in [("/nobody/a", false), ("/nobody/a", true), ("/all/a", true)] {
        let page = foreign(&chromium, &server, stream, credentials);
        page.wait_for("closed");
        assert_eq!(page.states(), ["closed"], "{stream}, credentials: {credentials}");
    }
    for (stream, credentials) in [("/named/a", false), ("/named/a", true), ("/all/a", false)] {
        let page = foreign(&chromium, &server, stream, credentials);
        page.wait_for("open");
        let id = publish(&server, stream, stream);
        let expected = [("message".into(), id, stream.into())];
        assert_eq!(page.wait_for_events(1), expected, "credentials: {credentials}");
    }
    // The same page under the other name of this machine is of another origin.
    chromium.open(&format!(
        "http://localhost:{}/listen.html?{}",
        server.port2(),
        server.url("/named/a")
    ));
    server.wait_for("closed", || chromium.text("states.join()") == "closed");
}

#[test]
fn a_foreign_page_comes_back_without_a_preflight() {
    let server = server();
    let chromium = Chromium::start();
    let page = foreign(&chromium, &server, "/named/a", true);
    page.wait_for("open");
    publish(&server, "/named/a?id=x.y_z~1", "before");
    page.wait_for_events(1);
    process::kill(&server.workers());
    publish(&server, "/named/a", "meanwhile");
    let got = page.wait_for_events(2);
    assert!(got[0].1.ends_with("-x.y_z~1"), "{got:?}");
    assert_eq!(got[1].2, "meanwhile");
    assert!(!server.access_log().contains("OPTIONS "), "{}", server.access_log());
}

#[test]
fn a_foreign_script_reads_behind_an_id() {
    let server = server();
    let chromium = Chromium::start();
    let id = publish(&server, "/named/a", "before");
    publish(&server, "/named/a", "behind");
    chromium.open(&format!("http://127.0.0.1:{}/listen.html?about:blank", server.port2()));
    let read = |stream: &str| {
        let url = server.url(stream);
        chromium.text(&format!(
            "(window.said = '', fetch('{url}', {{ headers: {{ 'Last-Event-ID': '{id}' }} }}).then(\
             async answer => {{ \
                const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader(); \
                for (;;) window.said += (await reader.read()).value; \
             }}).catch(() => {{ window.said = 'refused'; }}))"
        ));
        server.wait_for("the answer", || {
            let said = chromium.text("said");
            said == "refused" || said.contains("data: ")
        });
        chromium.text("said")
    };
    let said = read("/named/a");
    assert!(said.contains("data: behind") && !said.contains("data: before"), "{said}");
    assert_eq!(server.access_log().matches("OPTIONS /named/a HTTP/1.1\" 204 ").count(), 1);
    assert_eq!(read("/nobody/a"), "refused");
    assert_eq!(server.access_log().matches("OPTIONS /nobody/a HTTP/1.1\" 204 ").count(), 1);
    assert!(!server.access_log().contains("GET /nobody/a"));
}

#[test]
fn a_foreign_page_publishes_only_where_it_may() {
    let server = server();
    let chromium = Chromium::start();
    chromium.open(&format!("http://127.0.0.1:{}/listen.html?about:blank", server.port2()));
    // How the post ended: its status, `opaque` (sent, the answer hidden), or `refused`.
    let post = |stream: &str, rest: &str| {
        let url = server.url(stream);
        chromium.text(&format!(
            "(window.end = '', fetch('{url}', {{ method: 'POST', body: 'x', {rest} }}).then(\
             answer => {{ window.end = answer.status || answer.type; }}, \
             () => {{ window.end = 'refused'; }}))"
        ));
        server.wait_for("the answer", || !chromium.text("end").is_empty());
        chromium.text("end")
    };
    let events = |stream: &str| {
        let answer = server.curl(&["-H", "Accept: application/vnd.rserve.channel+json"], stream);
        answer.text().split("\"published\":").nth(1).map_or(0, |rest| {
            rest.split(',').next().and_then(|number| number.parse().ok()).unwrap_or(0)
        })
    };
    // A form of any page could send this.
    assert_eq!(post("/nobody/b", "mode: 'no-cors'"), "opaque");
    assert_eq!(post("/nobody/b", ""), "refused");
    assert_eq!(events("/nobody/b"), 0);
    assert_eq!(server.access_log().matches("POST /nobody/b HTTP/1.1\" 403 ").count(), 2);
    assert_eq!(
        post("/named/b", "headers: { 'Event-Type': 'tick', 'Idempotency-Key': '1' }"),
        "202"
    );
    assert_eq!(post("/named/b", "credentials: 'include'"), "202");
    assert_eq!(events("/named/b"), 2);
}
