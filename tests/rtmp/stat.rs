//! What operators see and do: figures, admin commands, events, logs; the same from every worker.

use proto::rtmp::amf::Value;
use support::{Server, proc, start, wait_for};

use crate::client::Client;
use crate::flv::Flv;
use crate::frames::{aac, aac_header, avc_header, inter, key, metadata};
use crate::{conf, up, well_formed, with_server};

/// Asks on a connection of each worker.
#[track_caller]
fn from_all_workers(server: &Server, path: &str, mut each: impl FnMut(String)) {
    for worker in server.workers() {
        // All of them answer: what the others know is asked for.
        let mut wire = server.only(worker, || {
            let wire = server.wire();
            server.wait_for("the connection", || proc::connections(worker) > 0);
            wire
        });
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        each(wire.answer().text());
    }
}

#[test]
fn figures_are_complete_from_every_worker() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    publisher.data(0, &metadata(640.0));
    publisher.video(0, &avc_header(1));
    publisher.audio(0, &aac_header(1));
    publisher.video(0, &key(1));
    publisher.audio(10, &aac(1));
    publisher.video(40, &inter(2));
    let mut players: Vec<Client> = (0..6).map(|_| Client::player(&server, "s")).collect();
    let mut http = Flv::get(&server, "/live/s.flv");
    let mut socket = Flv::socket(&server, "/live/s.flv", "");
    players.iter_mut().for_each(|player| drop(player.frames_to("p2")));
    assert_eq!(http.frames(6), socket.frames(6));
    let _waits = Client::player(&server, "nothing");
    from_all_workers(&server, "/stat", |xml| {
        well_formed::xml(&xml);
        assert!(xml.contains("<application>\n<name>live</name>\n<live>\n<stream>"), "{xml}");
        assert!(
            xml.contains("<nclients>9</nclients>\n<publishing/>\n<active/>\n</stream>"),
            "{xml}"
        );
        assert!(xml.contains("<nclients>10</nclients>\n</live>"), "{xml}");
        assert!(xml.contains("<naccepted>8</naccepted>"), "{xml}");
        for text in [
            "<codec>H264</codec>\n<profile>Baseline</profile>",
            "<level>3.0</level>",
            "<codec>AAC</codec>\n<profile>LC</profile>\n<channels>2</channels>\n<sample_rate>44100</sample_rate>",
            "<width>640</width>\n<height>480</height>",
            "<address>127.0.0.1</address>",
        ] {
            assert!(xml.contains(text), "{text} {xml}");
        }
    });
    from_all_workers(&server, "/stat?format=json", |json| {
        well_formed::json(&json);
        assert_eq!(json.matches("\"publishing\":true").count(), 2, "{json}");
        for (protocol, count) in [("rtmp", 8), ("http-flv", 1), ("websocket-flv", 1)] {
            let word = format!("\"protocol\":\"{protocol}\"");
            assert_eq!(json.matches(&word).count(), count, "{json}");
        }
        assert!(json.contains("\"frames\":2"), "{json}");
    });
    let answer = server.curl(&["-H", "Accept: application/json"], "/stat");
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    assert_eq!(server.get("/stat").header("Content-Type"), Some("text/xml"));
    drop((players, publisher, http, socket));
    wait_for("all to be gone", || {
        server.get("/stat?format=json").text().matches("\"address\"").count() == 1
    });
}

#[test]
fn a_style_sheet_is_named_and_json_may_be_the_rule() {
    let conf = conf("").replace("rtmp_stat all;", "rtmp_stat all; rtmp_stat_stylesheet 'a&b.xsl';");
    let server = start!(conf);
    let xml = server.get("/stat").text();
    assert!(xml.contains("<?xml-stylesheet type=\"text/xsl\" href=\"a&amp;b.xsl\"?>"), "{xml}");
    let conf = crate::conf("").replace("rtmp_stat all;", "rtmp_stat all; rtmp_stat_format json;");
    let server = start!(conf);
    well_formed::json(&server.get("/stat").text());
}

#[test]
fn operators_drop_clients_of_all_workers() {
    let server = up("publish_grace 0;");
    let control = |path: &str| server.get(&format!("/control/{path}")).text();
    let publish = |name: &str| {
        let mut publisher = Client::publisher(&server, name);
        publisher.video(0, &key(1));
        publisher.sync();
        publisher
    };
    let (mut s, mut t) = (publish("s"), publish("t"));
    let play = |name: &str| {
        let mut player = Client::player(&server, name);
        player.frames(1);
        player
    };
    let mut players: Vec<Client> = (0..6).map(|_| play("s")).collect();
    let mut other = play("t");
    let mut http = Flv::get(&server, "/live/s.flv");
    http.frames(1);
    assert_eq!(control("drop/subscriber?app=live&name=none"), "0");
    assert_eq!(control("drop/subscriber?app=other&name=s"), "0");
    assert_eq!(control("drop/subscriber?srv=1&app=live&name=s"), "0");
    assert_eq!(control("drop/subscriber?app=live&name=s&addr=10.0.0.1"), "0");
    assert_eq!(control("drop/subscriber?app=live&name=s&addr=127.0.0.1"), "7");
    players.iter_mut().for_each(|player| drop(player.rest()));
    assert!(http.ends());
    s.video(40, &inter(2));
    s.sync();
    t.video(40, &inter(2));
    assert_eq!(other.frames(1), ["p2@40"]);
    assert_eq!(control("drop/publisher?app=live&name=s"), "1");
    s.rest();
    let json = server.get("/stat?format=json").text();
    let id = json.split("\"publishing\":true").nth(2).and_then(|rest| rest.split("\"id\":").nth(1));
    let id = id.and_then(|rest| rest.split(',').next()).expect("an id");
    assert_eq!(control(&format!("drop/client?clientid={id}")), "1");
    t.rest();
    assert_eq!(control("drop/client?app=live"), "1");
    other.rest();
    for path in
        ["drop/nobody", "fly/publisher", "redirect/publisher?app=live", "record/start?app=live"]
    {
        assert_eq!(server.get(&format!("/control/{path}")).status, 404, "{path}");
    }
}

#[test]
fn operators_send_clients_to_another_stream() {
    let server = up("publish_grace 0;");
    let mut s = Client::publisher(&server, "s");
    let mut t = Client::publisher(&server, "t");
    s.video(0, &key(1));
    t.video(7000, &key(2));
    t.sync();
    let mut player = Client::player(&server, "s");
    assert_eq!(player.frames(1), ["k1@0"]);
    assert_eq!(server.get("/control/redirect/subscriber?app=live&name=s&newname=t").text(), "1");
    let frame = player.frame();
    assert_eq!(frame.payload, key(2));
    t.video(7040, &inter(3));
    let next = player.frame();
    assert_eq!((next.payload, next.time), (inter(3), frame.time + 40));
    // A publisher goes on under another name; what is taken it does not get.
    assert_eq!(server.get("/control/redirect/publisher?app=live&name=s&newname=u").text(), "1");
    s.expect("NetStream.Publish.Start");
    s.video(40, &key(4));
    assert_eq!(Client::player(&server, "u").frames(1), ["k4@0"]);
    assert_eq!(server.get("/control/redirect/publisher?app=live&name=u&newname=t").text(), "1");
    s.expect("NetStream.Publish.BadName");
}

#[test]
fn what_happens_is_told_as_events() {
    let text = conf("rtmp_events z:live; publish_grace 0;");
    let text =
        text.replace("location /flv", "location /events { sse_subscribe live; } location /flv");
    let server = start!(text.replace("http {", "http { sse_zone z 16m;"));
    let mut events = server.wire();
    events.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    events.until("id: ");
    let mut publisher = Client::publisher(&server, "s");
    let head = "\"app\":\"live\",\"name\":\"s\"";
    let mut next = |name: &str| {
        events.until(&format!("event: {name}\n"));
        let data = events.until("\n\n");
        let data = data.split("data: ").nth(1).expect("data").trim().to_owned();
        well_formed::json(&data);
        // Everybody may read it: no client is named.
        assert!(data.contains(head) && !data.contains("127.0.0.1"), "{data}");
        data
    };
    next("publish");
    publisher.video(0, &avc_header(1));
    publisher.video(0, &key(1));
    publisher.sync();
    let player = Client::player(&server, "s");
    next("play");
    drop(player);
    next("stop");
    let http = Flv::get(&server, "/live/s.flv");
    next("play");
    drop(http);
    next("stop");
    publisher.reset();
    next("unpublish");
}

/// Each time that a stream's tracks become others, in the middle, too; a header that is repeated is none.
#[test]
fn other_codecs_are_told_of() {
    let text = conf("rtmp_events z:live;");
    let text =
        text.replace("location /flv", "location /events { sse_subscribe live; } location /flv");
    let server = start!(text.replace("http {", "http { sse_zone z 16m;"));
    let mut events = server.wire();
    events.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    events.until("id: ");
    let mut publisher = Client::publisher(&server, "s");
    let avc = avc_header(1);
    // Enhanced RTMP: a sequence header, and what it is of.
    let av1 = [&[0x90], &b"av01"[..], &[0x81, 0, 0x0C, 0]].concat();
    let opus = [&[0x90], &b"Opus"[..], b"OpusHead\x01\x02\0\0\x80\xBB\0\0\0\0\0"].concat();
    let (aac, other) = (aac_header(1), vec![0xAF, 0, 0x11, 0x88]);
    publisher.video(0, &avc);
    publisher.audio(0, &aac);
    for time in 1..10 {
        publisher.video(time * 40, &avc);
        publisher.audio(time * 40, &aac);
        publisher.video(time * 40, &key(time));
    }
    publisher.audio(400, &other);
    publisher.video(440, &av1);
    publisher.audio(480, &opus);
    publisher.sync();
    for words in [
        &["\"codec\":\"H264\""][..],
        &["\"codec\":\"H264\"", "\"codec\":\"AAC\",\"channels\":2,\"sample_rate\":44100"],
        &["\"codec\":\"H264\"", "\"codec\":\"AAC\",\"channels\":1,\"sample_rate\":48000"],
        &["\"codec\":\"AV1\"", "\"codec\":\"AAC\""],
        &["\"codec\":\"AV1\"", "\"codec\":\"Opus\",\"channels\":2,\"sample_rate\":48000"],
    ] {
        events.until("event: metadata\n");
        let data = events.until("\n\n");
        assert!(words.iter().all(|word| data.contains(word)), "{words:?}: {data}");
    }
}

#[test]
fn each_connection_has_a_line() {
    let format = "log_format mine '$remote_addr|$app|$command|$name|$args|$bytes_sent|' \
         '$bytes_received|$flashver|$pageurl|$tcurl|$swfurl|${session_time}|$connection|$msec|end';";
    let server = start!(with_server(
        format,
        "application live { live on; access_log logs/mine.log mine; access_log logs/two.log; }
         application quiet { live on; access_log off; }"
    ));
    let line = |file: &str, text: &str| {
        let mut found = String::new();
        wait_for(text, || {
            let log = server.dir().text(file);
            found = log.lines().find(|line| line.contains(text)).unwrap_or_default().to_owned();
            !found.is_empty()
        });
        found
    };
    drop(Client::connect(&server, "quiet"));
    let mut client = Client::publisher(&server, "s?a=b");
    client.video(0, &key(1));
    client.sync();
    client.play("t?c=d");
    drop(client);
    let line_of_mine = line("logs/mine.log", "PLAY+PUBLISH");
    let words: Vec<&str> = line_of_mine.split('|').collect();
    assert_eq!(words[..5], ["127.0.0.1", "live", "PLAY+PUBLISH", "t", "c=d"], "{line_of_mine}");
    assert_eq!((words[7], words.last()), ("-", Some(&"end")), "{line_of_mine}");
    let bytes = |at: usize| words[at].parse::<u64>().expect("bytes");
    assert!(bytes(5) > 3073 && bytes(6) > 3073, "{line_of_mine}");
    let two = line("logs/two.log", "PLAY+PUBLISH \"live\" \"t\" \"c=d\" - ");
    assert!(two.starts_with("127.0.0.1 [") && two.ends_with(" \"-\" \"-\" (0s)"), "{two}");
    let mut client = Client::open(server.port2());
    client.connect_to("nowhere", &[]);
    drop(client.rest());
    line("logs/rtmp.log", "CONNECT-REFUSED \"nowhere\"");
    assert!(!server.dir().text("logs/rtmp.log").contains("quiet"));
    // Logs are reopened as the others are.
    let old = server.path("logs/two.log");
    std::fs::rename(&old, server.path("logs/old.log")).expect("rename");
    server.signal("USR1");
    wait_for("a new file", || old.exists());
    // The master is the first: a worker may write to the old one still.
    support::process::come_to_rest("rserve", std::time::Duration::ZERO);
    let mut client = Client::connect(&server, "live");
    client.call(0, "FCPublish", &[Value::Null, "s".into()]);
    drop(client);
    line("logs/two.log", "NONE \"live\"");
}

/// What goes out is counted as it goes, not when somebody looks: a rate of twice the truth, or of nothing, comes of the latter.
#[test]
fn the_rate_of_what_goes_out_is_that_of_what_comes_in() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    let mut http = crate::flv::Flv::get(&server, "/live/s.flv");
    let of = |text: &str, name: &str| -> u64 {
        let rest = text.split(&format!("<{name}>")).nth(1).and_then(|rest| rest.split('<').next());
        rest.and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    let (begun, mut n) = (std::time::Instant::now(), 0);
    let looked = std::cell::Cell::new(0);
    wait_for("a rate", || {
        // As much in each second.
        while u128::from(n) * 20 < begun.elapsed().as_millis() {
            publisher.video(n * 20, &crate::frames::key_of(n, 2_000));
            http.frame();
            n += 1;
        }
        // Somebody looks every three seconds.
        let second = begun.elapsed().as_secs();
        if second < looked.get() + 3 {
            return false;
        }
        looked.set(second);
        let stat = server.get("/stat").text();
        let stream = stat.split("<name>s</name>").nth(1).unwrap_or_default();
        let (coming, going) = (of(stream, "bw_in"), of(stream, "bw_out"));
        assert!(going == 0 || going.abs_diff(800_000) < 200_000, "{going} of {coming}");
        going > 0
    });
}

/// nginx-rtmp's own style sheet shows versions and the day of the binary at its foot, under these names.
#[test]
fn the_style_sheet_of_nginx_rtmp_finds_its_elements() {
    let server = up("");
    let stat = server.get("/stat").text();
    for name in ["nginx_version", "nginx_rtmp_version", "built", "pid", "uptime"] {
        let value = stat.split(&format!("<{name}>")).nth(1).and_then(|rest| rest.split('<').next());
        assert!(value.is_some_and(|value| !value.is_empty()), "{name}: {stat}");
    }
}

/// What pages need to say where to publish, and how far players are behind.
#[test]
fn figures_in_json_tell_ports_and_who_is_behind() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    let mut player = Client::player(&server, "s");
    // Opus: two channels, and 48 kHz whatever the input had (RFC 7845 §5.1).
    publisher.audio(0, b"\x90OpusOpusHead\x01\x02\x38\x01\x44\xac\0\0\0\0\0");
    publisher.video(0, &key(1));
    publisher.video(40, &inter(2));
    player.frames_to("p2");
    publisher.sync();
    let json = server.get("/stat?format=json").text();
    well_formed::json(&json);
    assert!(json.contains(&format!("\"ports\":[{}],\"names\":[]", server.port2())), "{json}");
    assert!(json.contains("\"channels\":2,\"sample_rate\":48000,\"codec\":\"Opus\""), "{json}");
    assert!(json.contains("\"behind\":0"), "{json}");
}
