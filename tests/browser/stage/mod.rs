//! The page that plays live streams, on a server of its own, and who publishes to it.

mod seen;

#[allow(unused_imports, reason = "the tests of players name it")]
pub use seen::Seen;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::{Server, Start, http, is_listening, process};

use crate::chromium::Chromium;

/// Strict, to see that the page gets along with it. `'self'` stands for the WebSocket, too.
const POLICY: &str = "default-src 'self'; media-src blob:; base-uri 'none'; form-action 'none'";
const BARS: &[&str] = &[
    "-re",
    "-f",
    "lavfi",
    "-i",
    "smptehdbars=size=640x360:rate=25",
    "-f",
    "lavfi",
    "-i",
    "sine=frequency=330",
];
pub const CODECS: &[&str] = &[
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-tune",
    "zerolatency",
    "-pix_fmt",
    "yuv420p",
    "-colorspace",
    "bt709",
    "-c:a",
    "aac",
];

/// What a player of segments may hold back: dash.js and Shaka take several segments, and one more for each stall.
pub const LONGEST_HELD_BACK: Duration = Duration::from_secs(25);

/// A filter of ffmpeg that draws the time of each frame in milliseconds, a bit for each of 32 fields: the wall's time is never
/// the same again.
pub fn clock() -> String {
    let bits: String = (0..32)
        .map(|bit| {
            format!(
                ",drawbox=x={}:y=310:w=20:h=50:color=white:t=fill:\
                 enable='mod(floor(t*1000/pow(2,{bit})),2)'",
                20 * bit
            )
        })
        .collect();
    format!("settb=1/1000,drawbox=x=0:y=300:w=640:h=60:color=black:t=fill{bits}")
}

/// The same with the wall's time, drawn when a frame is about to be encoded: the source is read ahead. And one more filter.
fn wall_clock(filter: &str) -> String {
    format!("settb=1/1000,setpts=RTCTIME/1000,{},{filter},setpts=40*N", clock())
}

/// A server, and a browser that is to open its page.
pub struct Stage {
    pub server: Server,
    pub chromium: Chromium,
}

/// ffmpeg; it ends with the value.
pub struct Publisher(Child);

impl Stage {
    pub fn new() -> Stage {
        Stage::with(|conf| conf)
    }

    /// With another configuration.
    pub fn with(change: impl Fn(String) -> String) -> Stage {
        let conf = http(&format!(
            "include mime.types; sse_zone events 4m;
            server {{ listen 127.0.0.1:{{port}};
                location / {{ root html; add_header Content-Security-Policy \"{POLICY}\"; }}
                location ~ ^/events/(?<channel>[\\w.-]+)$ {{ sse_subscribe $channel; sse_history 100 1h; sse_figures all; }}
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
        Stage::of(server)
    }

    /// A browser that is to open a page of this server.
    pub fn of(server: Server) -> Stage {
        let chromium = Chromium::start();
        chromium.run_in_pages(include_str!("observer.js"));
        Stage { server, chromium }
    }

    /// Publishes what these arguments of ffmpeg make.
    pub fn ffmpeg(&self, name: &str, arguments: &[&str]) -> Publisher {
        self.ffmpeg_to("live", name, arguments)
    }

    /// The same to another application.
    pub fn ffmpeg_to(&self, application: &str, name: &str, arguments: &[&str]) -> Publisher {
        self.send(&[arguments, &["-f", "flv", &self.address(application, name)]].concat())
    }

    fn address(&self, application: &str, name: &str) -> String {
        format!("rtmp://127.0.0.1:{}/{application}/{name}", self.server.port2())
    }

    fn send(&self, arguments: &[&str]) -> Publisher {
        let mut command = Command::new("ffmpeg");
        command.args(["-loglevel", "error"]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Publisher(command.spawn().expect("ffmpeg (Debian: apt install ffmpeg)"))
    }

    /// Plays the stream by RTMP, and throws it away.
    pub fn viewer(&self, name: &str) -> Publisher {
        let address = self.address("live", name);
        let mut command = Command::new("ffmpeg");
        command.args([
            "-nostdin",
            "-loglevel",
            "error",
            "-i",
            &address,
            "-c",
            "copy",
            "-f",
            "null",
            "-",
        ]);
        command.stdout(Stdio::null());
        Publisher(command.spawn().expect("ffmpeg (Debian: apt install ffmpeg)"))
    }

    /// Bars, and below them the wall's time in milliseconds, a bit for each of 32 fields; and a tone.
    pub fn publish(&self, name: &str) -> Publisher {
        self.publish_as(name, "null", &["-g", "50"])
    }

    /// The same, by one more filter, and with more arguments for the encoder.
    pub fn publish_as(&self, name: &str, filter: &str, encoder: &[&str]) -> Publisher {
        self.ffmpeg(name, &[BARS, &["-vf", &wall_clock(filter)], CODECS, encoder].concat())
    }

    /// Bars and the time, to several applications at once.
    pub fn publish_to(&self, applications: &[&str], name: &str) -> Publisher {
        let output = |one: &&str| format!("[f=flv]{}", self.address(one, name));
        let outputs: Vec<String> = applications.iter().map(output).collect();
        let all = ["-g", "50", "-flags", "+global_header", "-map", "0:v", "-map", "1:a"];
        let tee = ["-f", "tee", &outputs.join("|")];
        self.send(&[BARS, &["-vf", &wall_clock("null")], CODECS, &all, &tee].concat())
    }

    pub fn open(&self, query: &str) {
        self.chromium.open(&self.server.url(&format!("/live.html{query}")));
    }

    pub fn said(&self, id: &str) -> String {
        self.chromium.text(&format!("document.getElementById('{id}').textContent"))
    }

    pub fn video(&self, member: &str) -> f64 {
        self.chromium.number(&format!("document.getElementById('video').{member}"))
    }

    /// The names in the list of what runs.
    pub fn list(&self) -> String {
        self.chromium.text(
            "[...document.querySelectorAll('#streams a')].map(link => link.dataset.stream).join()",
        )
    }

    pub fn hidden(&self, id: &str) -> String {
        self.chromium.text(&format!("document.getElementById('{id}').hidden"))
    }

    /// How many elements there are of that kind.
    pub fn count(&self, selector: &str) -> f64 {
        self.chromium.number(&format!("document.querySelectorAll('{selector}').length"))
    }

    /// How often the player has connected.
    pub fn connections(&self) -> f64 {
        self.chromium.number("document.querySelectorAll('#line .open').length")
    }
}

impl Publisher {
    /// Ends as a publisher does that wants to.
    pub fn end(mut self) {
        process::signal(self.0.id(), "INT");
        let _ = self.0.wait();
    }

    /// Waits until all of it is published; whether it could be.
    pub fn ends(mut self) -> bool {
        self.0.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
