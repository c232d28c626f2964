//! The page that plays live streams: ffmpeg publishes a picture with a clock in it, the page plays it.

use std::time::SystemTime;

use support::process;

use crate::refuser::Refuser;
use crate::shipped;
use crate::stage::Stage;

#[test]
fn a_stream_is_seen_live_and_a_reload_does_not_touch_it() {
    let stage = Stage::new();
    let _publisher = stage.publish("clock");
    stage.open("?stream=clock");
    stage.watch_live("the stream");
    assert_eq!(stage.said("transport"), "WebSocket");
    assert_eq!(stage.said("picture"), "H.264 640×360 25/s");
    assert_eq!(stage.said("sound"), "AAC 44.1 kHz");

    // The bars: grey, yellow, cyan, green, magenta, red, blue, at three quarters.
    let bars = [
        [191, 191, 191],
        [191, 191, 0],
        [0, 191, 191],
        [0, 191, 0],
        [191, 0, 191],
        [191, 0, 0],
        [0, 0, 191],
    ];
    for (at, wanted) in bars.iter().enumerate() {
        let x = 80 + 69 * at as u32 + 34;
        let seen = stage.colour(x, 60);
        let near = seen.iter().zip(wanted).all(|(seen, wanted)| (seen - wanted).abs() <= 12);
        assert!(seen.len() == 3 && near, "bar {at}: {seen:?}, not {wanted:?}");
    }

    let old = stage.server.workers();
    stage.server.signal("HUP");
    stage.server.wait_for("the new workers", || {
        stage.server.workers().iter().filter(|worker| !old.contains(worker)).count() == 2
    });
    stage.watch_live("the stream, after a reload");
    assert_eq!(stage.connections(), 1.0, "{}", stage.said("line"));
    assert_eq!(stage.chromium.complaints(), "[]");
}

#[test]
fn without_web_sockets_it_is_fetched() {
    let stage = Stage::new();
    let _publisher = stage.publish("clock");
    let proxy = Refuser::start(stage.server.port());
    stage.chromium.open(&format!("http://127.0.0.1:{}/live.html?stream=clock", proxy.port()));
    stage.watch_live("the stream by HTTP");
    assert_eq!(stage.said("transport"), "HTTP");
    assert!(proxy.refused() > 0);
    assert!(stage.said("line").contains("openby HTTP: a WebSocket was refused"));

    stage.open("?stream=clock&transport=http");
    stage.watch_live("the stream by HTTP, as asked");
    assert_eq!(stage.said("transport"), "HTTP");
}

#[test]
fn the_list_follows_the_streams() {
    let stage = Stage::new();
    stage.open("");
    let hint = || stage.chromium.text("document.getElementById('hint').hidden");
    stage.server.wait_for("the hint", || hint() == "false");
    assert!(stage.said("hint").contains("Nobody publishes a stream."), "{}", stage.said("hint"));
    // How to publish here: the port that the configuration has.
    let address = format!("rtmp://127.0.0.1:{}/live", stage.server.port2());
    stage.server.wait_for("the address", || stage.said("obs-server") == address);
    let command = stage.said("command");
    assert!(
        command.starts_with("ffmpeg -re") && command.ends_with(&format!("{address}/test")),
        "{command}"
    );
    // The first that comes is played.
    let first = stage.publish("first");
    stage.server.wait_for("the first", || stage.list() == "first");
    stage.watch_live("the first");
    assert_eq!(hint(), "true");
    let _second = stage.publish("second");
    stage.server.wait_for("the second", || stage.list() == "first,second");
    stage.chromium.text("document.querySelector('#streams [data-stream=second]').click()");
    stage.watch_live("the second");
    assert_eq!(stage.chromium.text("location.search"), "?stream=second");
    first.end();
    stage.server.wait_for("the end of the first", || stage.list() == "second");
    assert_eq!(stage.chromium.complaints(), "[]");
}

#[test]
fn it_comes_back_when_workers_die() {
    let stage = Stage::new();
    let publisher = stage.publish("clock");
    stage.open("?stream=clock");
    stage.watch_live("the stream");
    process::kill(&stage.server.workers());
    stage.server.wait_for("the break", || stage.said("line").contains("reconnecting"));
    drop(publisher);
    let begun = SystemTime::now();
    let _publisher = stage.publish("clock");
    stage.wait_for_picture_since("the next publisher's picture", begun);
    stage.watch_live("the stream, from another worker");
    assert!(stage.connections() >= 2.0, "{}", stage.said("line"));
}

#[test]
fn a_stream_may_change_and_lack_a_track() {
    let stage = Stage::new();
    let video = |size: &str| format!("testsrc2=size={size}:rate=25");
    let x264: &[&str] =
        &["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"];
    let publish = |size: &str, more: &[&str]| {
        let source = video(size);
        stage
            .ffmpeg("s", &[&["-re", "-f", "lavfi", "-i", source.as_str()][..], x264, more].concat())
    };
    // Without sound, and with frames that refer to later ones.
    let publisher = publish("320x240", &["-bf", "3"]);
    stage.open("?stream=s");
    stage.watch("the video", 1.0);
    assert_eq!((stage.video("videoWidth"), stage.said("sound")), (320.0, "–".into()));
    publisher.end();

    // The next one has another size and another profile.
    let publisher = publish("400x300", &["-profile:v", "baseline"]);
    stage.server.wait_for("the size", || stage.video("videoWidth") == 400.0);
    stage.watch("another video", 1.0);
    publisher.end();

    // Sound alone.
    let tone: &[&str] = &["-re", "-f", "lavfi", "-i", "sine=frequency=330", "-c:a", "aac"];
    let _publisher = stage.ffmpeg("tone", tone);
    stage.open("?stream=tone");
    stage.server.wait_for("the sound", || stage.video("currentTime") > 2.0);
    let begin = stage.video("currentTime");
    stage.server.wait_for("more of it", || stage.video("currentTime") > begin + 1.0);
    assert_eq!((stage.said("picture"), stage.said("sound")), ("–".into(), "AAC 44.1 kHz".into()));
    assert_eq!(stage.said("instead"), "Sound only: this stream has no picture.");
    assert_eq!(stage.hidden("instead"), "false");
}

/// What is published is played, whatever its name: those of rooms, with signs, in other scripts, escaped by the client.
#[test]
fn any_name_is_played() {
    let stage = Stage::new();
    let names = ["room1/cam", "a+b", "cam@home", "камера", "x%20y", "50%", ""];
    let small: &[&str] = &[
        "-re",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=160x120:rate=10",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv420p",
        "-g",
        "10",
    ];
    for name in names {
        let publisher = stage.ffmpeg(name, small);
        stage.open("");
        let listed = if name.is_empty() { "" } else { name };
        stage.server.wait_for(name, || stage.count("#streams a") == 1.0 && stage.list() == listed);
        // Chosen by itself, as the first of the list, and by its address.
        stage.watch(name, 0.5);
        let link = stage.chromium.text("document.querySelector('#streams a').href");
        stage.chromium.open(&link);
        stage.watch(name, 0.5);
        assert_eq!(stage.said("problem"), "");
        publisher.end();
        stage.server.wait_for("its end", || {
            !stage.server.get("/streams?format=json").text().contains("\"publishing\":true")
        });
    }
}

/// The page that `docs/live.md` shows, as it stands.
#[test]
fn a_page_of_ones_own_plays_with_this_player() {
    let docs = include_str!("../../docs/live.md");
    let page = docs.split("```html\n").nth(1).and_then(|rest| rest.split("```").next());
    let stage = Stage::of(shipped());
    stage.server.file("conf/html/watch.html", page.expect("a page"));
    let _publisher = stage.publish("cam");
    stage.chromium.open(&stage.server.url("/watch.html"));
    let plays = || stage.video("currentTime") > 0.5 && stage.video("videoWidth") == 640.0;
    stage.server.wait_for("the picture", plays);
    // Where the cores are busy it may wait again for a moment.
    stage.server.wait_for("its word", || stage.chromium.text("document.title") == "playing");
    assert_eq!(stage.said("told"), "");
}

/// A configuration that has no address for a name that runs is told of: it is not "nobody publishes this".
#[test]
fn a_stream_without_an_address_is_told() {
    let stage = Stage::with(|conf| conf.replace("(?<stream>.*)", "(?<stream>[a-z]+)"));
    let _publisher = stage.publish("room1/cam");
    stage.open("");
    stage.server.wait_for("the problem", || {
        stage.said("problem").contains("the server has no address for it")
    });
    stage.server.wait_for("it in the stage", || stage.hidden("instead") == "false");
}

/// MP3 has no place in MP4 that all browsers know; they take it as it is.
#[test]
fn mp3_is_played_alone_and_with_pictures() {
    let stage = Stage::new();
    let tone: &[&str] = &["-f", "lavfi", "-i", "sine=frequency=330"];
    let mp3: &[&str] = &["-c:a", "libmp3lame", "-ar", "44100"];
    let picture: &[&str] = &["-re", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=25"];
    let x264: &[&str] =
        &["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"];
    let publisher = stage.ffmpeg("s", &[picture, tone, x264, mp3].concat());
    stage.open("?stream=s");
    stage.watch("pictures and MP3", 3.0);
    assert_eq!(stage.said("sound"), "MP3 44.1 kHz");
    publisher.end();
    let _publisher = stage.ffmpeg("t", &[&["-re"][..], tone, mp3].concat());
    stage.open("?stream=t");
    stage.server.wait_for("the sound", || stage.video("currentTime") > 3.0);
    assert_eq!(
        (stage.said("sound"), stage.said("problem")),
        ("MP3 44.1 kHz".into(), String::new())
    );
}

/// The operators' page: who publishes and who plays, and a button that closes them, pressed twice.
#[test]
fn operators_see_and_close_clients() {
    let stage = Stage::new();
    let _publisher = stage.publish("room1/cam");
    stage.server.wait_for("the stream", || {
        stage.server.get("/streams?format=json").text().contains("room1")
    });
    let player = || {
        let mut wire = stage.server.wire();
        wire.send(
            "GET /live/room1%2Fcam.flv HTTP/1.1\r\nHost: x\r\nUser-Agent: <b>a player</b>\r\n\r\n",
        );
        wire.until("\r\n\r\n");
        wire
    };
    let mut players = [player(), player()];
    stage.chromium.open(&stage.server.url("/streams.html"));
    stage.server.wait_for("the clients", || stage.count(".clients tbody tr") == 3.0);
    let page = stage.chromium.text("document.getElementById('list').innerText");
    assert!(page.contains("live/room1/cam") && page.contains("127.0.0.1 publishes"), "{page}");
    assert!(page.contains("2 players"), "{page}");
    let agent = "[...document.querySelectorAll('.agent')].filter(one => one.textContent === '<b>a player</b>').length";
    assert_eq!(stage.chromium.number(agent), 2.0, "what a client says of itself is text");
    stage.server.wait_for("what it consists of", || {
        stage
            .chromium
            .text("document.querySelector('.what').textContent")
            .starts_with("H264 640×360 25/s · AAC 44.1 kHz · 2 players")
    });
    let press = || stage.chromium.text("document.querySelectorAll('.clients button')[2].click()");
    press();
    assert_eq!(
        stage.chromium.text("document.querySelectorAll('.clients button')[2].textContent"),
        "Really?"
    );
    press();
    stage.server.wait_for("its end", || stage.count(".clients tbody tr") == 2.0);
    // It is one of the two that was closed, and its connection has ended.
    let ended = players.iter_mut().filter(|player| {
        let _ = player.stream().set_nonblocking(true);
        loop {
            match std::io::Read::read(&mut player.stream(), &mut [0; 65536]) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    });
    assert_eq!(ended.count(), 1);
    assert_eq!(stage.chromium.complaints(), "[]");
}

/// A page of another site may know the address of the operator's server: its orders are not obeyed.
#[test]
fn pages_of_other_sites_close_nobody() {
    let stage = Stage::new();
    let _publisher = stage.publish("s");
    stage.server.wait_for("the stream", || {
        stage.server.get("/streams?format=json").text().contains("\"s\"")
    });
    let drop = "/control/drop/publisher?app=live&name=s";
    for from in
        ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example"]
    {
        assert_eq!(stage.server.curl(&["-H", from], drop).status, 403, "{from}");
    }
    assert_eq!(stage.server.curl(&["-H", "Sec-Fetch-Site: same-origin"], drop).text(), "1");
}

#[test]
fn what_it_cannot_play_it_tells() {
    let stage = Stage::new();
    let _publisher = stage.ffmpeg(
        "old",
        &["-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25", "-c:v", "flv1"],
    );
    stage.open("?stream=old");
    stage.server.wait_for("the problem", || {
        stage.said("problem") == "The video: this player cannot play Sorenson H.263."
    });
    // With sound that can be played: what is said of the picture stays.
    let _both = stage.ffmpeg(
        "both",
        &[
            &["-re", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25"][..],
            &["-f", "lavfi", "-i", "sine=frequency=330", "-c:v", "flv1", "-c:a", "aac"],
        ]
        .concat(),
    );
    stage.open("?stream=both");
    stage.server.wait_for("the sound", || stage.video("currentTime") > 3.0);
    let why = "The video: this player cannot play Sorenson H.263.";
    assert_eq!((stage.said("problem"), stage.said("instead")), (why.into(), why.into()));
    assert_eq!(stage.hidden("instead"), "false");
    assert_eq!(stage.chromium.complaints(), "[]");
}
