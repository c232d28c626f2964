//! What an operator is told when somebody is refused: why, and what was asked for. And that whatever is not understood
//! refuses.

use std::net::TcpListener;

use proto::rtmp::amf::Value;
use support::{start, wait_for};

use crate::client::Client;
use crate::frames::key;
use crate::program::Program;
use crate::{up, with_server};

fn redirect(location: &str) -> String {
    format!("HTTP/1.0 302 Found\r\nLocation: {location}\r\n\r\n")
}

/// Frameworks make `Location` absolute. Whoever hides a key by a redirect must not have it published instead.
#[test]
fn a_location_that_is_no_name_lets_nobody_in() {
    let program = Program::answering("");
    let url = program.url();
    let server = up(&format!("on_publish {url}/; on_play {url}/; notify_relay_redirect on;"));
    let own = format!("rtmp://127.0.0.1:{}/live/public", server.port2());
    let bad = [
        "http://127.0.0.1:8000/public",
        "https://x/public",
        "//x/public",
        "rtmp://192.0.2.1/live/public",
        "rtmp://127.0.0.1/live/public",
        "/",
        "?a=b",
        "a\tb",
        // RFC 3986, sections 3 and 4.2: schemes, fragments, relative parts, escapes.
        "http:/x/y",
        "mailto:x",
        "#frag",
        "public#x",
        "./public",
        "..%2fa b",
        "\\\\h\\public",
        "HTTP%3a//h/public",
    ];
    for location in bad {
        program.set(&redirect(location));
        let mut client = Client::connect(&server, "live");
        assert_eq!(client.try_publish("S3CRET"), "NetStream.Publish.Denied", "{location}");
        assert_eq!(client.rest(), [""; 0]);
        let mut client = Client::connect(&server, "live");
        assert_eq!(client.try_play("S3CRET"), "NetStream.Play.Failed", "{location}");
        assert_eq!(server.get("/live/S3CRET.flv").status, 403, "{location}");
    }
    assert!(!server.get("/stat").text().contains("S3CRET"));
    let log = server.error_log();
    assert!(log.contains("on_publish refuses: the Location \"http://127.0.0.1:8000/public\" is an address, no name"), "{log}");
    assert!(
        log.contains(
            "\"rtmp://192.0.2.1/live/public\" is no listen or server_name of this server with the application \"live\""
        ),
        "{log}"
    );
    // What names do mean.
    let good = ["public", "/public", "public?u=7", "/live/public", own.as_str()];
    for (n, location) in good.into_iter().enumerate() {
        program.set(&redirect(location));
        let mut client = Client::open(server.port2());
        let url = format!("rtmp://127.0.0.1:{}/live", server.port2());
        client.connect_to("live", &[("tcUrl", &url)]);
        client.expect("NetConnection.Connect.Success");
        client.publish("S3CRET");
        client.video(0, &key(n as u32));
        client.sync();
        program.set("HTTP/1.0 200 OK\r\n\r\n");
        let mut player = Client::player(&server, "public");
        assert_eq!(player.frames(1), [format!("k{n}@0")], "{location}");
        client.call(0, "deleteStream", &[Value::Null, 1.0.into()]);
        client.expect("NetStream.Unpublish.Success");
    }
}

/// A client chooses what it says of the address by which it came; `listen` and `server_name` are the operator's.
#[test]
fn an_address_in_a_location_must_be_this_servers() {
    let program = Program::answering("");
    let app =
        format!("application live {{ live on; publish_grace 0; on_publish {}/; }}", program.url());
    let names =
        "listen 127.0.0.1:{port2}; server_name other.example; application live { live on; }";
    let conf = with_server("", &format!("server_name me.example; {app} }} server {{ {names}"));
    let server = start!(conf);
    let port = server.port2();
    let publishes = |host: &str, location: &str| {
        program.set(&redirect(location));
        let mut client = Client::open(port);
        client.connect_to("live", &[("tcUrl", &format!("rtmp://{host}/live"))]);
        client.expect("NetConnection.Connect.Success");
        let said = client.try_publish("S3CRET");
        drop(client);
        wait_for("its end", || !server.get("/stat").text().contains("<publishing/>"));
        said == "NetStream.Publish.Start"
    };
    assert!(publishes("me.example", &format!("rtmp://ME.example:{port}/live/public")));
    assert!(publishes("evil.example", &format!("rtmp://me.example:{port}/live/public")));
    assert!(publishes("evil.example", &format!("rtmp://127.0.0.1:{port}/live/public")));
    for location in [
        "rtmp://evil.example/live/public".to_owned(),
        format!("rtmp://evil.example:{port}/live/public"),
        format!("rtmp://other.example:{port}/live/public"),
        format!("rtmp://x@me.example:{port}/live/public"),
        format!("rtmp://me.example:{port}/vod/public"),
        format!("rtmp://me.example:{port}/live/"),
        "rtmp://me.example/live/public".to_owned(),
    ] {
        assert!(!publishes(&format!("evil.example:{port}"), &location), "{location}");
    }
}

#[test]
fn an_application_may_be_named_with_arguments() {
    let program = Program::answering(&redirect("/live?x=1"));
    let app = "application live { live on; stream_key publish * K; }";
    let server = start!(with_server(&format!("on_connect {}/;", program.url()), app));
    let mut client = Client::connect(&server, "elsewhere?key=K");
    assert_eq!(client.try_publish("s"), "NetStream.Publish.Denied", "its arguments are others now");
    program.set(&redirect("live"));
    let mut client = Client::connect(&server, "elsewhere?key=K");
    client.publish("s");
    program.set(&redirect("http://x/live"));
    let mut client = Client::open(server.port2());
    client.connect_to("live", &[]);
    assert_eq!(client.answer(), "NetConnection.Connect.Rejected");
    wait_for("its line", || {
        server
            .error_log()
            .contains("on_connect refuses: the Location \"http://x/live\" is an address, no name")
    });
}

/// As nginx-rtmp's `recv() failed (111: Connection refused)`, `timed out`, and the status.
#[test]
fn it_is_told_how_a_hook_fails() {
    let program = Program::answering("");
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let app = |url: &str| {
        format!(
            "application live {{ live on; on_publish {url}/ask; on_play_done http://{gone}/done; }}"
        )
    };
    let server = start!(with_server("netcall_timeout 300ms;", &app(&program.url())));
    let said = |answer: &str, why: &str| {
        program.set(answer);
        let mut client = Client::connect(&server, "live");
        assert_eq!(client.try_publish("cam"), "NetStream.Publish.Denied", "{answer}");
        let line = format!(
            "on_publish refuses: {why}, {}/ask, client: 127.0.0.1, application: live, stream: \"cam\"",
            program.url()
        );
        wait_for(&line, || server.error_log().contains(&line));
    };
    said("HTTP/1.1 403 Forbidden\r\n\r\n", "the answer is 403");
    said("HTTP/1.1 500 Oops\r\n\r\n", "the answer is 500");
    said("hello\r\n\r\n", "the answer is not HTTP");
    said("", "closed without an answer");
    said("HTTP/1.1 200 OK\r\nX-Part", "closed before the end of the answer's head");
    said("SILENT", "no answer within 300 ms (netcall_timeout)");
    drop(Client::player(&server, "cam"));
    wait_for("a hook that was not told", || {
        server.error_log().contains(&format!(
            "on_play_done was not told: connect({gone}) failed (111: Connection refused)"
        ))
    });
    let server = start!(with_server("", &app(&format!("http://{gone}"))));
    assert_eq!(Client::connect(&server, "live").try_publish("cam"), "NetStream.Publish.Denied");
    let line = format!("on_publish refuses: connect({gone}) failed (111: Connection refused)");
    wait_for(&line, || server.error_log().contains(&line));
}

#[test]
fn who_may_not_go_on_is_not_said_to_be_dropped_by_an_operator() {
    let program = Program::answering("HTTP/1.0 404 Gone\r\n\r\n");
    let server = up(&format!("on_update {}/; notify_update_timeout 100ms;", program.url()));
    Client::publisher(&server, "s").rest();
    wait_for("its line", || server.error_log().contains("on_update refuses: the answer is 404"));
    assert!(!server.error_log().contains("an operator"));
    wait_for("its line", || server.dir().text("logs/rtmp.log").contains("PUBLISH \"live\" \"s\""));
}

/// A token that is cut off is a wrong token.
#[test]
fn arguments_are_whole_or_refused() {
    let program = Program::answering("HTTP/1.0 200 OK\r\n\r\n");
    let server = up(&format!("on_publish {}/;", program.url()));
    let token = format!("{}Z", "A".repeat(3000));
    Client::publisher(&server, &format!("cam?token={token}"));
    assert!(program.next().words().contains(&("token".into(), token)));
    let long = "A".repeat(8200);
    let mut client = Client::connect(&server, "live");
    assert_eq!(client.try_publish(&format!("cam?token={long}")), "NetStream.Publish.BadName");
    assert_eq!(client.try_play(&format!("cam?token={long}")), "NetStream.Play.StreamNotFound");
    for (name, value) in [("tcUrl", &long), ("pageUrl", &long), ("app", &format!("live?x={long}"))]
    {
        let mut client = Client::open(server.port2());
        match name {
            "app" => client.connect_to(value, &[]),
            name => client.connect_to("live", &[(name, value)]),
        }
        let refused = client.status().expect("an answer");
        assert_eq!(refused.info("code"), "NetConnection.Connect.Rejected", "{name}");
        assert!(
            refused.info("description").contains("longer than 8192 bytes (max_args)"),
            "{name}"
        );
    }
    let log = server.error_log();
    assert!(log.contains("publishing is refused: The arguments are too long (max_args)"), "{log}");
}

#[test]
fn every_refusal_has_its_line() {
    let server = start!(with_server(
        "",
        "application live { live on; idle_streams off; } application off { }"
    ));
    let _publisher = Client::publisher(&server, "cam");
    let mut client = Client::connect(&server, "live");
    assert_eq!(client.try_publish("cam"), "NetStream.Publish.BadName");
    assert_eq!(client.try_play("nobody"), "NetStream.Play.StreamNotFound");
    assert_eq!(client.try_publish("a\nb"), "NetStream.Publish.BadName");
    drop(client);
    assert_eq!(Client::connect(&server, "off").try_play("x"), "NetStream.Play.Failed");
    let mut client = Client::open(server.port2());
    client.connect_to("nosuch", &[]);
    assert_eq!(client.answer(), "NetConnection.Connect.Rejected");
    let lines = [
        "publishing is refused: Already publishing, client: 127.0.0.1, application: live, stream: \"cam\"",
        "playing is refused: No such stream, client: 127.0.0.1, application: live, stream: \"nobody\"",
        "publishing is refused: That is no name for a stream, client: 127.0.0.1, application: live",
        "playing is refused: The application is not live, client: 127.0.0.1, application: off, stream: \"x\"",
        "a connection is refused: there is no application \"nosuch\" here, client: 127.0.0.1, application: nosuch",
    ];
    for line in lines {
        wait_for(line, || server.error_log().contains(line));
    }
    for line in [
        "PLAY+PUBLISH-REFUSED \"live\"",
        "PLAY-REFUSED \"off\" \"x\"",
        "CONNECT-REFUSED \"nosuch\"",
    ] {
        wait_for(line, || server.dir().text("logs/rtmp.log").contains(line));
    }
}

/// TLS on RTMP's port, which RTMPS clients that have the wrong one say: told at once, as HTTP is.
#[test]
fn tls_is_cut_off_at_once() {
    let server = start!(with_server("handshake_timeout 1h;", "application live { live on; }"));
    let mut client = Client::wire(server.port2());
    client.send(&[0x16, 3, 1, 0, 150, 1, 0, 0, 146, 3, 3]);
    assert_eq!(client.rest(), [""; 0]);
    wait_for("its line", || server.error_log().contains("the client does not speak RTMP"));
}
