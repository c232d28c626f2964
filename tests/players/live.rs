//! A live stream: HLS and DASH, and, by mpegts.js, files without an end.

use std::time::{Duration, Instant, SystemTime};

use support::{PATIENCE, comes, comes_within, process};

use crate::stage::{Publisher, Stage};
use crate::windows::{Player, Windows};
use crate::{alone, beside_others, stage};

/// Applications, each with its way to cut.
const APPLICATIONS: &[(&str, &str)] = &[
    ("parts", "hls_part 500ms;"),
    ("ts", "hls_format ts;"),
    ("fmp4", "hls_format fmp4;"),
    ("dash", "dash on; dash_fragment 2s;"),
    ("chunks", "dash on; dash_low_latency on; hls_part 500ms;"),
];

/// What a player can play: the application, what it asks for, and how late it may be then, in milliseconds.
type Play = (&'static str, &'static str, &'static str, f64);

const PLAYS: &[Play] = &[
    ("hls.js", "parts", "index.m3u8", 5000.0),
    ("hls.js", "ts", "index.m3u8", 10_000.0),
    ("hls.js", "fmp4", "index.m3u8", 10_000.0),
    ("shaka", "parts", "index.m3u8", 8000.0),
    ("shaka", "dash", "index.mpd", 15_000.0),
    ("dash.js", "dash", "index.mpd", 15_000.0),
    ("shaka", "chunks", "index.mpd", 8000.0),
    ("dash.js", "chunks", "index.mpd", 5000.0),
    ("mpegts.js", "parts", "clock.flv", 4000.0),
    ("mpegts.js", "parts", "clock.flv&socket", 4000.0),
    ("mpegts.js", "parts", "clock.ts", 4000.0),
];

/// Where that is.
fn address((player, application, file, _): &Play) -> String {
    match file.rsplit_once('.') {
        Some((_, "m3u8")) => format!("/hls/{player}/{application}/clock/{file}"),
        Some((_, "mpd")) => format!("/dash/{player}/{application}/clock/{file}"),
        _ => format!("/file/{player}/{application}/{file}"),
    }
}

/// As long as fifteen segments, as a minute is where segments are of usual length: players that count what fails have counted.
const SILENCE: Duration = Duration::from_secs(30);

/// A server of all applications, with these settings, too, and everybody who plays.
struct Live {
    windows: Windows,
    publisher: Option<Publisher>,
}

impl Live {
    fn start(settings: &str, plays: impl Fn(&Play) -> bool) -> Live {
        let common = format!("live on; hls on; hls_fragment 2s; publish_grace 3m; {settings}");
        let applications = APPLICATIONS
            .iter()
            .map(|(name, cut)| format!("application {name} {{ {common} {cut} }} "));
        // The player's name is in the address, for the log.
        let path = "(?<player>[^/]+)/(?<application>[^/]+)/(?<name>.+)";
        let locations = format!(
            "location ~ ^/hls/{path}/[^/]+$ {{ hls_live $application/$name; }}
            location ~ ^/dash/{path}/[^/]+$ {{ dash_live $application/$name; }}
            location ~ ^/file/{path}$ {{ stream_live $application/$name; }}"
        );
        let stage = stage(&applications.collect::<String>(), &locations);
        let mut live = Live { windows: Windows::new(stage), publisher: None };
        live.publish();
        let wanted = PLAYS.iter().filter(|play| plays(play));
        let addresses: Vec<_> = wanted.map(|play| (play.0, address(play))).collect();
        addresses.iter().for_each(|(_, address)| live.windows.stage.wait_for_segments(address));
        addresses.into_iter().for_each(|(player, address)| live.windows.play(player, address));
        live.windows.watch("the stream", 3.0);
        live
    }

    fn publish(&mut self) {
        let applications: Vec<&str> = APPLICATIONS.iter().map(|(name, _)| *name).collect();
        self.publisher = Some(self.windows.stage.publish_to(&applications, "clock"));
    }

    /// Another publisher comes, and each player shows what it sends.
    fn publish_again(&mut self) {
        let begun = SystemTime::now();
        self.publish();
        self.windows.wait_for_pictures_since("the next publisher's picture", begun);
    }
}

impl Stage {
    /// There is more than players hold back: dash.js, told to begin where the period does, asks Chromium for that by the
    /// address (`#t=`), which then waits for ever.
    fn wait_for_segments(&self, address: &str) {
        let count = || match address.ends_with(".mpd") {
            true => {
                let text = self.server.get(address).text();
                let value = |name: &str| {
                    let value = text.split(name).nth(1).and_then(|rest| rest.split('"').next());
                    value.and_then(|value| value.parse::<u64>().ok())
                };
                match value("startNumber=\"") {
                    None => value("r=\"").unwrap_or(0),
                    Some(first) => {
                        let fourth =
                            address.replace("index.mpd", &format!("video-{}.m4s", first + 3));
                        4 * u64::from(self.server.get(&fourth).status == 200)
                    }
                }
            }
            false if address.ends_with(".m3u8") => {
                4 * u64::from(self.server.get(address).status == 200)
            }
            // A file without an end is there when segments are.
            false => 4,
        };
        self.server.wait_for("segments", || count() >= 4);
    }

    /// How often a player has asked for the list at this address, and those beside it.
    fn asked(&self, address: &str) -> usize {
        let directory = &address[..address.rfind('/').expect("a path") + 1];
        let list = if address.ends_with(".mpd") { ".mpd" } else { ".m3u8" };
        let log = self.server.access_log();
        log.lines().filter(|line| line.contains(directory) && line.contains(list)).count()
    }

    /// Whether what is listed has no break in it any more.
    fn is_one_piece(&self, address: &str) -> bool {
        let list = address.replace("index.m3u8", "video.m3u8");
        let text = self.server.get(&list).text();
        let breaks = text.matches("#EXT-X-DISCONTINUITY\n").count();
        breaks == 0 && text.matches("<Period ").count() < 2
    }
}

#[test]
fn they_play_through_a_reload_and_go_on_when_workers_die() {
    let _processors = alone();
    let mut live = Live::start("", |_| true);
    is_not_seen(&live.windows);
    let windows = &live.windows;
    windows.wait_for("the live edge", |player, stage| {
        let play = PLAYS.iter().find(|play| address(play) == player.address);
        play.is_some_and(|(.., late)| stage.latency() < *late)
    });
    windows.players.iter().for_each(|player| println!("{}", windows.report(player)));

    let workers = windows.stage.server.workers();
    process::kill(&workers);
    live.publisher = None;
    live.publish_again();
    live.windows.watch("the next publisher", 3.0);
    live.windows.assert_well();
    // mpegts.js leaves it to its page to load again when the connection is gone.
    for player in live.windows.players.iter().filter(|player| player.name == "mpegts.js") {
        let stage = live.windows.look_at(player);
        assert!(stage.number("watched.loads") > 0.0, "{}", live.windows.report(player));
        let is_socket = stage.chromium.text("watched.player.statisticsInfo.loaderType");
        assert_eq!(is_socket == "websocket-loader", player.address.ends_with("socket"));
    }
}

/// A reload: nobody stalls, goes back or connects again, and there is no hole in what they have.
fn is_not_seen(windows: &Windows) {
    // Where the cores are busy with something else, the encoder may be late, or the browser: then another is looked at.
    let mut others: Vec<_> = windows.players.iter().collect();
    let stalls = |player: &&Player| windows.look_at(player).seen().stalls;
    let smooth = comes_within(4 * PATIENCE, || {
        let before: Vec<f64> = others.iter().map(stalls).collect();
        windows.stage.reload();
        windows.wait_for_pictures_since("a picture from after the reload", SystemTime::now());
        windows.watch("the stream after the reload", 3.0);
        let mut before = before.into_iter();
        others.retain(|player| Some(stalls(player)) != before.next());
        others.is_empty()
    });
    let others: String = others.iter().map(|player| windows.report(player)).collect();
    assert!(smooth, "they stall at each reload:{others}");
    windows.assert_well();
    // A hole would stay for as long as a player keeps what it has played: longer than is waited here. While something is
    // appended there may be two parts for a moment.
    windows.wait_for("one piece", |_, stage| stage.number("video.buffered.length") == 1.0);
    for player in &windows.players {
        let stage = windows.look_at(player);
        let loads = stage.number("watched.loads");
        assert!(loads == 0.0 && stage.seen().backwards == 0.0, "{}", windows.report(player));
    }
}

/// Nobody publishes for long, and then somebody does: players go on by themselves, and go on still when the break has left what
/// is listed. What they would not forgive is a list that ends with a gap (Shaka), and a period that lasts beyond its media (dash.js).
#[test]
fn they_wait_for_a_publisher_and_see_the_break_leave() {
    let _processors = beside_others();
    let short = "hls_playlist_length 6s; dash_playlist_length 12s;";
    let chosen = |(player, application, ..): &Play| {
        *player != "mpegts.js" && ["parts", "ts", "dash"].contains(application)
    };
    let mut live = Live::start(short, chosen);
    live.publisher = None;
    let silent = Instant::now();
    assert!(comes_within(2 * SILENCE, || silent.elapsed() > SILENCE));
    let asked = |player: &Player| live.windows.stage.asked(&player.address);
    let before: Vec<usize> = live.windows.players.iter().map(asked).collect();
    for (player, before) in live.windows.players.iter().zip(before) {
        let again = || asked(player) > before;
        assert!(comes(again), "it asks no more:{}", live.windows.report(player));
    }
    live.publish_again();
    live.windows.wait_for("one piece", |player, stage| stage.is_one_piece(&player.address));
    live.windows.watch("the next publisher", 3.0);
    live.windows.assert_well();
}
