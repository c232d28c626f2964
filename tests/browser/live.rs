//! The page that plays live streams: ffmpeg publishes a picture with a clock in it, the page plays it.

use std::process::{Child, Command, Stdio};

use support::{Server, Start, comes, http, is_listening, process};

use crate::chromium::Chromium;
use crate::refuser::Refuser;

/// Strict, to see that the page gets along with it. `'self'` stands for the WebSocket, too.
const POLICY: &str = "default-src 'self'; media-src blob:; base-uri 'none'; form-action 'none'";
/// `of(X, Y)` is the colour of the picture there, `clock` the milliseconds that are drawn in it.
const PICTURE: &str = "const canvas = new OffscreenCanvas(640, 360).getContext('2d', { willReadFrequently: true }); \
    canvas.drawImage(document.getElementById('video'), 0, 0, 640, 360); \
    const of = (x, y) => [...canvas.getImageData(x, y, 1, 1).data].slice(0, 3); \
    let clock = 0; \
    for (let bit = 0; bit < 16; bit++) if (of(40 * bit + 20, 335)[0] > 128) clock += 2 ** bit;";

/// A server, and a browser that is to open its page.
struct Stage {
    server: Server,
    chromium: Chromium,
}

/// ffmpeg; it ends with the value.
struct Publisher(Child);

impl Stage {
    fn new() -> Stage {
        Stage::with(|conf| conf)
    }

    /// With another configuration.
    fn with(change: impl Fn(String) -> String) -> Stage {
        let conf = http(&format!(
            "include mime.types; sse_zone events 4m;
            server {{ listen 127.0.0.1:{{port}};
                location / {{ root html; add_header Content-Security-Policy \"{POLICY}\"; }}
                location ~ ^/events/(?<channel>[\\w.-]+)$ {{ sse_subscribe $channel; sse_history 100 1h; }}
                location ~ ^/live/(?<stream>.*)\\.flv$ {{ flv_live live/$stream; }}
                location = /streams {{ rtmp_stat live; }}
                location = /stat {{ rtmp_stat all; }}
                location /control/ {{ rtmp_control drop; }}
            }}"
        ));
        let home = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("conf");
        let read = |path: &std::path::Path| std::fs::read(path).expect("a file");
        let mut start = Start::new(env!("CARGO_BIN_EXE_rserve"))
            .file("mime.types", read(&home.join("mime.types")))
            .conf(change(format!(
                "worker_processes 2; events {{ worker_connections 256; }}
                rtmp {{ server {{ listen 127.0.0.1:{{port2}};
                    application live {{ live on; rtmp_events events:live; }} }} }}
                {conf}"
            )));
        for entry in std::fs::read_dir(home.join("html")).expect("a folder").flatten() {
            if entry.path().is_file() {
                let name = format!("html/{}", entry.file_name().to_string_lossy());
                start = start.file(&name, read(&entry.path()));
            }
        }
        let server = start.start();
        server.wait_for("RTMP", || is_listening(server.port2()));
        Stage { server, chromium: Chromium::start() }
    }

    /// Publishes what these arguments of ffmpeg make.
    fn ffmpeg(&self, name: &str, arguments: &[&str]) -> Publisher {
        let address = format!("rtmp://127.0.0.1:{}/live/{name}", self.server.port2());
        let mut command = Command::new("ffmpeg");
        command.args(["-loglevel", "error"]).args(arguments).args(["-f", "flv", &address]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Publisher(command.spawn().expect("ffmpeg (Debian: apt install ffmpeg)"))
    }

    /// Bars, and below them the wall's time in milliseconds, a bit for each of 16 fields; and a tone.
    fn publish(&self, name: &str) -> Publisher {
        let bits: String = (0..16)
            .map(|bit| {
                format!(
                    ",drawbox=x={}:y=310:w=40:h=50:color=white:t=fill:\
                     enable='mod(floor(t*1000/pow(2,{bit})),2)'",
                    40 * bit
                )
            })
            .collect();
        // Drawn when a frame is about to be encoded: the source is read ahead.
        let picture = format!(
            "settb=1/1000,setpts=RTCTIME/1000,\
             drawbox=x=0:y=300:w=640:h=60:color=black:t=fill{bits},setpts=40*N"
        );
        self.ffmpeg(
            name,
            &[
                &["-re", "-f", "lavfi", "-i", "smptehdbars=size=640x360:rate=25"][..],
                &["-f", "lavfi", "-i", "sine=frequency=330", "-vf", &picture],
                &["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"],
                &["-pix_fmt", "yuv420p", "-colorspace", "bt709", "-g", "50", "-c:a", "aac"],
            ]
            .concat(),
        )
    }

    fn open(&self, query: &str) {
        self.chromium.open(&self.server.url(&format!("/live.html{query}")));
    }

    fn said(&self, id: &str) -> String {
        self.chromium.text(&format!("document.getElementById('{id}').textContent"))
    }

    fn video(&self, member: &str) -> f64 {
        self.chromium.number(&format!("document.getElementById('video').{member}"))
    }

    fn frames(&self) -> f64 {
        self.video("getVideoPlaybackQuality().totalVideoFrames")
    }

    /// What is seen of the picture now.
    fn picture(&self, expression: &str) -> String {
        self.chromium.text(&format!("(() => {{ {PICTURE} return {expression}; }})()"))
    }

    /// Milliseconds from the drawing of a frame to its being seen.
    fn latency(&self) -> f64 {
        let text = self.picture("clock ? (Date.now() - clock) % 65536 : 65536");
        text.parse().unwrap_or_else(|_| panic!("latency: {text}"))
    }

    /// Waits until the stream has been played for some seconds more; the latencies meanwhile.
    fn watch(&self, what: &str, seconds: f64) -> Vec<f64> {
        let moving = || self.said("state") == "playing" && self.video("videoWidth") > 0.0;
        assert!(comes(moving), "waited in vain for: {what}\n{}", self.said("line"));
        let (begin, frames) = (self.video("currentTime"), self.frames());
        let mut latencies = Vec::new();
        let on = || {
            latencies.push(self.latency());
            self.video("currentTime") > begin + seconds && self.frames() > frames
        };
        assert!(comes(on), "{what}: it does not play on\n{}", self.said("line"));
        latencies.sort_by(f64::total_cmp);
        latencies
    }

    /// The same, and it is live.
    fn watch_live(&self, what: &str) {
        // It may have to catch up first.
        self.server.wait_for(what, || self.said("state") == "playing" && self.latency() < 1500.0);
        let latencies = self.watch(what, 2.0);
        let (median, worst) = (latencies[latencies.len() / 2], latencies[latencies.len() - 1]);
        println!(
            "{what}: latency {median} ms, at most {worst} ms, the page says {}",
            self.said("latency")
        );
        assert!(worst < 1500.0, "{what}: {latencies:?}");
    }

    /// The names in the list of what runs.
    fn list(&self) -> String {
        self.chromium.text(
            "[...document.querySelectorAll('#streams a')].map(link => link.dataset.stream).join()",
        )
    }

    fn hidden(&self, id: &str) -> String {
        self.chromium.text(&format!("document.getElementById('{id}').hidden"))
    }

    /// How many elements there are of that kind.
    fn count(&self, selector: &str) -> f64 {
        self.chromium.number(&format!("document.querySelectorAll('{selector}').length"))
    }

    /// How often the player has connected.
    fn connections(&self) -> f64 {
        self.chromium.number("document.querySelectorAll('#line .open').length")
    }
}

impl Publisher {
    /// Ends as a publisher does that wants to.
    fn end(mut self) {
        process::signal(self.0.id(), "INT");
        let _ = self.0.wait();
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

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
        let x = 80 + 69 * at + 34;
        let seen = stage.picture(&format!("of({x}, 60)"));
        let seen: Vec<i32> = seen.split(',').filter_map(|part| part.parse().ok()).collect();
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
    stage.server.workers().iter().for_each(|&worker| process::signal(worker, "KILL"));
    stage.server.wait_for("the break", || stage.said("line").contains("reconnecting"));
    drop(publisher);
    let _publisher = stage.publish("clock");
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
