//! Programs that are asked and told by HTTP: quick, slow, silent, broken.

use std::time::Duration;

use proto::rtmp::amf::Value;
use support::{Server, start, wait_for};

use crate::client::Client;
use crate::flv::Flv;
use crate::frames::key;
use crate::program::Program;
use crate::with_server;

/// A server whose hooks these are: a line for each, `{hook}` being the program's address.
#[track_caller]
fn up(program: &Program, rtmp: &str, live: &str) -> Server {
    let app = format!("application live {{ live on; {live} }}");
    let timeout = if rtmp.contains("netcall_timeout") { "" } else { "netcall_timeout 500ms;" };
    let conf = with_server(&format!("{timeout} {rtmp}"), &app);
    start!(conf.replace("{hook}", &program.url()))
}

const OK: &str = "HTTP/1.0 200 OK\r\n\r\n";
const NO: &str = "HTTP/1.0 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";

#[test]
fn programs_let_clients_in() {
    let program = Program::answering(OK);
    let server = up(
        &program,
        "on_connect {hook}/connect;",
        "on_publish {hook}/publish; on_play {hook}/play?x=y;",
    );
    let mut publisher = Client::open(server.port2());
    let more = [
        ("flashVer", "FMLE/3.0 (a&b)"),
        ("tcUrl", "rtmp://x/live"),
        ("pageUrl", "http://p/"),
        ("swfUrl", "http://s/"),
    ];
    publisher.connect_to("live?token=a%20b&addr=1.2.3.4", &more);
    assert_eq!(publisher.answer(), "NetConnection.Connect.Success");
    let asked = program.next();
    assert!(asked.head.starts_with("POST /connect HTTP/1.0\r\n"), "{}", asked.head);
    assert!(asked.head.contains("Content-Type: application/x-www-form-urlencoded\r\n"));
    let words = asked.words();
    for (name, value) in [
        ("call", "connect"),
        ("app", "live"),
        ("flashver", "FMLE/3.0 (a&b)"),
        ("tcurl", "rtmp://x/live"),
        ("pageurl", "http://p/"),
        ("swfurl", "http://s/"),
        ("addr", "127.0.0.1"),
        ("token", "a b"),
    ] {
        assert_eq!(words.iter().filter(|(word, _)| word == name).count(), 1, "{name}: {words:?}");
        assert!(words.contains(&(name.into(), value.into())), "{name}: {words:?}");
    }
    assert!(words.iter().any(|(name, value)| name == "clientid" && value.parse::<u64>().is_ok()));
    assert!(words.iter().any(|(name, _)| name == "epoch"));
    // A client cannot speak for the server.
    publisher.publish("s?pass=x%26call%3Dplay&name=other&call=play&app=a&type=b");
    let words = program.next().words();
    let get = |name: &str| -> Vec<&str> {
        words.iter().filter(|(word, _)| word == name).map(|(_, value)| value.as_str()).collect()
    };
    assert_eq!((get("call"), get("name"), get("type")), (vec!["publish"], vec!["s"], vec!["live"]));
    assert_eq!((get("app"), get("pass")), (vec!["live"], vec!["x&call=play"]));
    let mut player = Client::open(server.port2());
    player.connect_to("live", &[]);
    player.expect("NetConnection.Connect.Success");
    program.next();
    player.create_stream();
    player.call(1, "play", &[Value::Null, "s?a=b".into(), (-1.0).into(), 5.0.into(), false.into()]);
    player.expect("NetStream.Play.Start");
    let asked = program.next();
    assert!(asked.head.starts_with("POST /play?x=y HTTP/1.0\r\n"), "{}", asked.head);
    let words = asked.words();
    for (name, value) in [
        ("call", "play"),
        ("name", "s"),
        ("start", "-1"),
        ("duration", "5"),
        ("reset", "0"),
        ("a", "b"),
    ] {
        assert!(words.contains(&(name.into(), value.into())), "{name}: {words:?}");
    }
    publisher.video(0, &key(1));
    assert_eq!(player.frames(1), ["k1@0"]);
}

#[test]
fn arguments_may_stand_in_the_address() {
    let program = Program::answering(OK);
    let server = up(&program, "", "on_publish {hook}/p?x=y; notify_method get;");
    Client::publisher(&server, "s?a=b");
    let asked = program.next();
    let line = asked.head.lines().next().expect("a line").to_owned();
    assert!(line.starts_with("GET /p?x=y&call=publish&app=live&"), "{line}");
    assert!(line.contains("&name=s&type=live&a=b HTTP/1.0"), "{line}");
    assert_eq!(asked.body, "");
}

/// Whatever is not a plain yes is a no, and nobody waits for longer than is allowed.
#[test]
fn programs_refuse_break_and_keep_silent() {
    let long = format!("HTTP/1.0 200 OK\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    let endless = format!("HTTP/1.0 200 {}", "x".repeat(20_000));
    let answers = [
        NO,
        "HTTP/1.1 500 Oops\r\n\r\n",
        "HTTP/1.0 404 Not Found\r\n\r\n",
        "",
        "hello\r\n\r\n",
        "HTTP/1.0\r\n\r\n",
        "HTTP/1.0 abc OK\r\n\r\n",
        "\0\0\0\0",
        "RESET",
        "SILENT",
        "HTTP/1.0 302 Found\r\n\r\n",
        "HTTP/1.0 302 Found\r\nLocation: \r\n\r\n",
        // What is cut off, or is not HTTP to the letter (RFC 9112, sections 4 and 8), is no yes.
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nX-Part",
        &endless,
        "HTTP/garbage 200 x\r\n\r\n",
        "HTTP/1.1 +200 OK\r\n\r\n",
        "HTTP/1.1 000200 OK\r\n\r\n",
        "HTTP/1.0 302 Found\r\nLocation: pub",
        "HTTP/1.0 302 Found\r\nLocation: a\r\nLocation: b\r\n\r\n",
    ];
    let program = Program::answering("");
    let server = up(&program, "", "on_publish {hook}/; on_play {hook}/;");
    for answer in answers {
        program.set(answer);
        let mut client = Client::connect(&server, "live");
        assert_eq!(client.try_publish("s"), "NetStream.Publish.Denied", "{answer:?}");
        assert_eq!(client.rest(), [""; 0]);
        let mut client = Client::connect(&server, "live");
        assert_eq!(client.try_play("s"), "NetStream.Play.Failed", "{answer:?}");
        assert_eq!(client.rest(), [""; 0]);
        assert_eq!(server.get("/live/s.flv").status, 403, "{answer:?}");
    }
    for answer in [OK, "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 201 Made\nA: b\n\n", &long] {
        program.set(answer);
        assert_eq!(Client::connect(&server, "live").try_publish("s"), "NetStream.Publish.Start");
        wait_for("its end", || !server.get("/stat").text().contains("<publishing/>"));
    }
    // Nobody listens there any more.
    drop(program);
    assert_eq!(Client::connect(&server, "live").try_publish("s"), "NetStream.Publish.Denied");
}

#[test]
fn a_refused_connection_is_told_so() {
    let program = Program::answering(NO);
    let server = up(&program, "on_connect {hook}/;", "");
    let mut client = Client::open(server.port2());
    client.connect_to("live", &[]);
    assert_eq!(client.answer(), "NetConnection.Connect.Rejected");
    assert_eq!(client.rest(), [""; 0]);
}

#[test]
fn programs_send_clients_elsewhere() {
    let program = Program::answering("HTTP/1.0 302 Found\r\nLocation: other\r\n\r\n");
    let server = up(&program, "", "on_publish {hook}/; on_play {hook}/;");
    let mut publisher = Client::publisher(&server, "s");
    program.set(OK);
    let mut player = Client::player(&server, "other");
    publisher.video(0, &key(1));
    assert_eq!(player.frames(1), ["k1@0"]);
    program.set("HTTP/1.0 302 Found\r\nlocation:other\r\n\r\n");
    let mut player = Client::player(&server, "elsewhere");
    assert_eq!(player.frames(1), ["k1@0"]);
    assert_eq!(Flv::get(&server, "/live/nowhere.flv").frames(1), ["k1@0"]);
    // The new name is taken.
    let mut second = Client::connect(&server, "live");
    assert_eq!(second.try_publish("third"), "NetStream.Publish.BadName");
    // Applications, too.
    let to_live = Program::answering("HTTP/1.0 302 Found\r\nLocation: live\r\n\r\n");
    let server = up(&to_live, "on_connect {hook}/;", "");
    let mut client = Client::connect(&server, "nothing-here");
    client.publish("s");
    to_live.set("HTTP/1.0 302 Found\r\nLocation: neither\r\n\r\n");
    let mut client = Client::open(server.port2());
    client.connect_to("live", &[]);
    assert_eq!(client.answer(), "NetConnection.Connect.Rejected");
}

#[test]
fn a_slow_program_holds_up_nobody_else() {
    let program = Program::answering("SILENT");
    let server = up(&program, "netcall_timeout 20s;", "on_publish {hook}/;");
    let mut slow: Vec<Client> = (0..4)
        .map(|n| {
            let mut client = Client::connect(&server, "live");
            client.create_stream();
            client.call(1, "publish", &[Value::Null, format!("slow{n}").as_str().into()]);
            client
        })
        .collect();
    (0..4).for_each(|_| drop(program.next()));
    program.set(OK);
    let mut publisher = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    publisher.video(0, &key(1));
    assert_eq!(player.frames(1), ["k1@0"]);
    // What they said meanwhile was not lost.
    slow.iter_mut().for_each(|client| client.video(0, &key(2)));
    program.release(OK);
    for (n, client) in slow.iter_mut().enumerate() {
        client.expect("NetStream.Publish.Start");
        client.sync();
        let mut player = Client::player(&server, &format!("slow{n}"));
        assert_eq!(player.frames(1), ["k2@0"], "{n}");
    }
}

/// A publisher that leaves while it is asked about leaves nothing behind.
#[test]
fn who_leaves_while_it_is_asked_about_keeps_no_name() {
    let program = Program::answering("SILENT");
    let server = up(
        &program,
        "netcall_timeout 20s;",
        "on_publish {hook}/; publish_grace 0; on_done {hook}/;",
    );
    let leave: &[fn(Client)] = &[drop, Client::reset];
    for leave in leave {
        program.set("SILENT");
        let mut client = Client::connect(&server, "live");
        client.create_stream();
        client.call(1, "publish", &[Value::Null, "s".into()]);
        program.next();
        leave(client);
        program.set(OK);
        program.release(OK);
        wait_for("the name to be free", || {
            let mut client = Client::connect(&server, "live");
            client.try_publish("s") == "NetStream.Publish.Start"
        });
        wait_for("its end", || !server.get("/stat").text().contains("<client>"));
        while program.next_within(Duration::from_millis(100)).is_some() {}
    }
}

/// Each end is told once.
#[test]
fn ends_are_told_once() {
    let program = Program::answering(OK);
    let server = up(
        &program,
        "on_disconnect {hook}/;",
        "on_publish_done {hook}/; on_play_done {hook}/; on_done {hook}/; publish_grace 0;",
    );
    let delete = |mut client: Client| {
        client.call(0, "deleteStream", &[Value::Null, 1.0.into()]);
        client.call(0, "FCUnpublish", &[Value::Null, "s".into()]);
        client.call(1, "closeStream", &[Value::Null]);
        client.sync();
    };
    let ends: &[&dyn Fn(Client)] = &[&delete, &drop, &Client::reset];
    for end in ends {
        for publishes in [true, false] {
            let client = match publishes {
                true => Client::publisher(&server, "s?a=b"),
                false => Client::player(&server, "s?a=b"),
            };
            end(client);
            let mut calls: Vec<String> = (0..3)
                .map(|_| {
                    let words = program.next().words();
                    let find = |name: &str| words.iter().find(|(known, _)| known == name);
                    let call = find("call").expect("a call").1.clone();
                    if call != "disconnect" {
                        assert_eq!(find("name").map(|(_, name)| name.as_str()), Some("s"));
                        assert!(find("a").is_some());
                    }
                    call
                })
                .collect();
            calls.sort();
            let done = if publishes { "publish_done" } else { "play_done" };
            assert_eq!(calls, ["disconnect", "done", done]);
        }
    }
    // HTTP's players, too, who have no connection to be told of.
    drop(Flv::get(&server, "/live/s.flv"));
    let mut calls: Vec<String> = (0..2).map(|_| program.next().call()).collect();
    calls.sort();
    assert_eq!(calls, ["done", "play_done"]);
    let more = program.next_within(Duration::from_millis(200));
    assert!(more.is_none(), "{more:?}");
}

/// The last client of a worker that leaves: the worker stays until the programs are told.
#[test]
fn the_last_end_is_told_too() {
    let program = Program::answering(OK);
    let hooks = "on_publish_done {hook}/; on_done {hook}/; publish_grace 0;";
    let mut server = up(&program, "on_disconnect {hook}/;", hooks);
    let client = Client::publisher(&server, "s");
    server.signal("QUIT");
    wait_for("the end to begin", || server.error_log().contains("gracefully shutting down"));
    drop(client);
    let mut calls: Vec<String> = (0..3).map(|_| program.next().call()).collect();
    calls.sort();
    assert_eq!(calls, ["disconnect", "done", "publish_done"]);
    server.wait_for_exit();
}

#[test]
fn who_may_not_go_on_is_dropped() {
    let program = Program::answering(OK);
    let server =
        up(&program, "", "on_update {hook}/; notify_update_timeout 100ms; publish_grace 0;");
    let mut publisher = Client::publisher(&server, "s");
    publisher.video(0, &key(1));
    let mut player = Client::player(&server, "s");
    let mut http = Flv::get(&server, "/live/s.flv");
    assert_eq!((player.frames(1), http.frames(1)), (vec!["k1@0".into()], vec!["k1@0".into()]));
    let mut calls = std::collections::BTreeSet::new();
    while calls.len() < 2 {
        let words = program.next().words();
        assert!(words.iter().any(|(name, _)| name == "timestamp"), "{words:?}");
        calls.insert(words.into_iter().find(|(name, _)| name == "call").expect("a call").1);
    }
    assert_eq!(calls.into_iter().collect::<Vec<_>>(), ["update_play", "update_publish"]);
    // A redirect, or a word that is not a name, counts as a yes; a refusal is not.
    program.set("HTTP/1.0 302 Found\r\nLocation: x\r\n\r\n");
    program.clear();
    (0..6).for_each(|_| drop(program.next()));
    publisher.sync();
    program.set(NO);
    publisher.rest();
    player.rest();
    assert!(http.ends());
    wait_for("their end", || !server.get("/stat").text().contains("<client>"));
}
