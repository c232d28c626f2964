//! Names that nobody would give a stream (case 36 of the reference).

use proto::rtmp::amf::Value;
use support::{start, wait_for};

use crate::client::Client;
use crate::frames::key;
use crate::program::Program;
use crate::{up, well_formed, with_server};

const MARKUP: &str = "</name><x>&\"'\u{7FF}";

#[test]
fn odd_names_are_names() {
    let server = up("publish_grace 0;");
    let long = "x".repeat(160);
    let names = [
        "..",
        "../../etc/passwd",
        "%2e%2e%2f",
        "a/b/c",
        "ünïcödé 🎥",
        "a b",
        "%00",
        "%20",
        "&amp;",
        MARKUP,
        "\\",
        "~",
        "*",
        "$name",
        "{}",
        "'; drop table",
        "-rf",
        &long,
    ];
    let mut publishers = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let mut publisher = Client::publisher(&server, name);
        publisher.video(0, &key(n as u32));
        publisher.sync();
        publishers.push(publisher);
    }
    for (n, name) in names.iter().enumerate() {
        let mut player = Client::player(&server, name);
        assert_eq!(player.frames(1), [format!("k{n}@0")], "{name}");
    }
    let stat = server.get("/stat").text();
    well_formed::xml(&stat);
    assert!(stat.contains("<name>&lt;/name&gt;&lt;x&gt;&amp;&quot;&apos;\u{7FF}</name>"), "{stat}");
    let json = server.get("/stat?format=json").text();
    well_formed::json(&json);
    assert!(json.contains("\"name\":\"</name><x>&\\\"'\u{7FF}\""), "{json}");
    // The same name with another slash, and what stands behind a question mark.
    let mut player = Client::player(&server, "/..?x=y");
    assert_eq!(player.frames(1), ["k0@0"]);
}

#[test]
fn what_is_no_name_is_refused() {
    let server = up("");
    let mut client = Client::connect(&server, "live");
    let long = "x".repeat(161);
    for name in ["a\0b", "a\nb", "\u{1B}[31m", "a\x7F", &long] {
        assert_eq!(client.try_publish(name), "NetStream.Publish.BadName", "{name:?}");
        client.call(0, "deleteStream", &[Value::Null, 1.0.into()]);
        assert_eq!(client.try_play(name), "NetStream.Play.StreamNotFound", "{name:?}");
        client.call(0, "deleteStream", &[Value::Null, 1.0.into()]);
    }
    for path in ["/live/%00.flv", "/live/a%0Ab.flv", "/flv?app=live", "/flv?app=live&stream=%1B"] {
        assert_eq!(server.get(path).status, if path.contains("%00") { 400 } else { 404 }, "{path}");
    }
    // As with nginx-rtmp, what is published to the application's address alone is a stream without a name.
    for (n, name) in ["", "?a=b", "/"].into_iter().enumerate() {
        let n = n as u32;
        let mut publisher = Client::next_publisher(&server, name);
        let mut player = Client::player(&server, "/?x=y");
        publisher.video(0, &key(n));
        publisher.audio(0, &crate::frames::aac(n));
        player.frames_to(&format!("k{n}"));
        let mut http = crate::flv::Flv::get(&server, "/flv?app=live&stream=");
        assert_eq!(http.frames(1), [format!("k{n}@0")]);
        publisher.call(0, "deleteStream", &[Value::Null, 1.0.into()]);
        publisher.expect("NetStream.Unpublish.Success");
    }
    // Bytes that are no UTF-8 are bytes.
    let mut publisher = Client::connect(&server, "live");
    publisher.create_stream();
    publisher.call(1, "publish", &[Value::Null, (&b"\xFF\xFE"[..]).into()]);
    publisher.expect("NetStream.Publish.Start");
    well_formed::xml(&server.get("/stat").text());
    well_formed::json(&server.get("/stat?format=json").text());
}

#[test]
fn what_a_client_says_of_itself_stays_where_it_is_put() {
    let program = Program::answering("HTTP/1.0 200 OK\r\n\r\n");
    let hooks = format!("application live {{ live on; on_publish {}/; }}", program.url());
    let server = start!(with_server("", &hooks));
    let evil = "<script>\"'&\r\n\u{1B}[2J\0 - [x] call=play";
    let mut client = Client::open(server.port2());
    let more = [("flashVer", evil), ("pageUrl", evil), ("tcUrl", evil), ("swfUrl", evil)];
    client.connect_to(&format!("live?{}", "a=b&".repeat(300)), &more);
    client.expect("NetConnection.Connect.Success");
    client.publish(&format!("s?x={evil}&addr=1.2.3.4"));
    let asked = program.next();
    assert!(!asked.body.contains(['\r', '\n', '\0', ' ', '<', '"']), "{}", asked.body);
    let words = asked.words();
    assert!(words.contains(&("flashver".into(), evil.into())), "{words:?}");
    assert_eq!(words.iter().filter(|(name, _)| name == "call").count(), 1);
    well_formed::xml(&server.get("/stat").text());
    well_formed::json(&server.get("/stat?format=json").text());
    drop(client);
    wait_for("its line", || server.dir().text("logs/rtmp.log").contains("PUBLISH"));
    let log = server.dir().text("logs/rtmp.log");
    let line = log.lines().find(|line| line.contains("PUBLISH")).expect("a line");
    assert!(!line.contains(['\u{1B}', '\0']) && line.contains("\\x1B"), "{line}");
    assert_eq!(line.matches('"').count(), 10, "{line}");
    assert!(line.ends_with("s)"), "{line}");
}

/// A client that connects with this `app` and publishes `name`.
fn publish_as(server: &support::Server, app: &str, name: &str) -> Client {
    let mut client = Client::connect(server, app);
    client.set_chunk_size(60_000);
    assert_eq!(client.try_publish(name), "NetStream.Publish.Start", "{app} {name}");
    client
}

/// OBS with the whole address in "Server" and no key: SRS publishes `obs2`, and so do its players ask for it. HTTP joins
/// slashes, so no part of a name is empty.
#[test]
fn names_are_put_together_from_their_parts() {
    let server = up("publish_grace 0;");
    let cases = [
        ("live/obs2", "", "obs2"),
        ("live/obs2/", "", "obs2"),
        ("live//room1", "x", "room1/x"),
        ("live/room1", "/x/", "room1/x"),
        ("live/room1//", "y", "room1/y"),
        ("live", "x/", "x"),
        ("live", "room1//x", "room1/x"),
        ("live/_definst_", "z", "z"),
    ];
    for (n, (app, name, wanted)) in cases.into_iter().enumerate() {
        let n = n as u32;
        let mut publisher = publish_as(&server, app, name);
        publisher.video(0, &key(n));
        publisher.sync();
        let mut player = Client::player(&server, wanted);
        assert_eq!(player.frames(1), [format!("k{n}@0")], "{app} {name}");
        // The same address, as players take it apart.
        let mut same = Client::connect(&server, app);
        same.play(name);
        assert_eq!(same.frames(1), [format!("k{n}@0")], "{app} {name}");
        let stat = server.get("/stat?format=json").text();
        assert!(stat.contains(&format!("\"name\":\"{wanted}\",\"publishing\":true")), "{stat}");
        publisher.call(0, "deleteStream", &[Value::Null, 1.0.into()]);
        publisher.expect("NetStream.Unpublish.Success");
    }
}

/// The longest application that fits; FFmpeg cuts an address at its second slash, and the rest of the application's name comes
/// with the stream's.
#[test]
fn applications_may_have_slashes() {
    let apps = "application test { live on; } application test/my/path { live on; }
                application far/away { live on; } application far/off { live on; }";
    let server = start!(with_server("", apps));
    let mut publisher = publish_as(&server, "test/my/path", "cam");
    publisher.video(0, &key(1));
    publisher.sync();
    for (app, name) in [("test/my/path", "cam"), ("test/my/path/", "cam")] {
        let mut player = Client::connect(&server, app);
        player.play(name);
        assert_eq!(player.frames(1), ["k1@0"], "{app} {name}");
    }
    let mut publisher = publish_as(&server, "test/room", "cam");
    publisher.video(0, &key(2));
    publisher.sync();
    let mut player = Client::connect(&server, "test");
    player.play("room/cam");
    assert_eq!(player.frames(1), ["k2@0"]);
    let only = "application test/my/path { live on; } application far/away { live on; } application far/off { live on; }";
    let server = start!(with_server("", only));
    let mut publisher = publish_as(&server, "test/my", "path/cam");
    publisher.video(0, &key(3));
    publisher.sync();
    let mut player = Client::connect(&server, "test/my/path");
    player.play("cam");
    assert_eq!(player.frames(1), ["k3@0"]);
    let mut other = Client::connect(&server, "test/my");
    assert_eq!(other.try_publish("elsewhere/cam"), "NetStream.Publish.BadName");
    // Which of two is meant nobody knows.
    for app in ["far", "tes", "nowhere/x"] {
        let mut client = Client::open(server.port2());
        client.connect_to(app, &[]);
        assert_eq!(client.answer(), "NetConnection.Connect.Rejected", "{app}");
    }
    // The answer is sent before the line is written.
    let refused = "a connection is refused: there is no application \"tes\" here, client: 127.0.0.1, application: tes";
    server.wait_for("the refusal in the log", || server.error_log().contains(refused));
}
