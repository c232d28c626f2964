//! Players go back: in a list that is longer than memory, in one that keeps all of a stream, in one that is encrypted.

use std::collections::HashMap;

use support::{PATIENCE, comes_within};

use crate::stage::Stage;
use crate::windows::Windows;
use crate::{alone, stage};

const APPLICATIONS: &[(&str, &str)] = &[
    ("window", "hls_playlist_length 4s; hls_window 10m; hls_window_path window;"),
    ("parts", "hls_playlist_length 4s; hls_window 10m; hls_window_path parts; hls_part 500ms;"),
    ("event", "hls_playlist_length 4s; hls_type event;"),
    ("keys", "hls_playlist_length 50s; hls_keys on; hls_fragments_per_key 2;"),
];
/// Milliseconds that are no more in memory where nothing else keeps them, by far.
const LONG_AGO: f64 = 20_000.0;

/// What is to be seen of a seek from there to the end.
const FORWARD: f64 = 12_000.0;

#[test]
fn they_go_back_to_what_was() {
    let _processors = alone();
    let common = "live on; hls on; hls_fragment 1s;";
    let applications =
        APPLICATIONS.iter().map(|(name, cut)| format!("application {name} {{ {common} {cut} }} "));
    let location = "location ~ ^/hls/[^/]+/(?<application>[^/]+)/(?<name>.+)/[^/]+$ {
        hls_live $application/$name; }";
    let mut windows = Windows::new(stage(&applications.collect::<String>(), location));
    let names: Vec<&str> = APPLICATIONS.iter().map(|(name, _)| *name).collect();
    let _publisher = windows.stage.publish_to(&names, "clock");
    for name in names {
        let list = format!("/hls/any/{name}/clock/video.m3u8");
        let is_long = || {
            let text = windows.stage.server.get(&list).text();
            let lengths = text.lines().filter_map(|line| line.strip_prefix("#EXTINF:"));
            let lengths = lengths.filter_map(|line| line.trim_end_matches(',').parse::<f64>().ok());
            lengths.sum::<f64>() * 1000.0 > LONG_AGO + 10_000.0
        };
        assert!(comes_within(3 * PATIENCE, is_long), "{name}: the list does not become long");
        for player in ["hls.js", "shaka"] {
            windows.play(player, format!("/hls/{player}/{name}/clock/index.m3u8"));
        }
    }
    windows.watch("the live edge", 2.0);
    for player in &windows.players {
        let stage = windows.look_at(player);
        stage.chromium.text(
            "(({ start, end }) => { video.currentTime = Math.max(start + 3, end - 28); })(watched.range())",
        );
    }
    let is_past = |stage: &Stage| (LONG_AGO..65_000.0).contains(&stage.latency());
    windows.wait_for("what was", |_, stage| is_past(stage));
    windows.watch("what was", 3.0);
    windows.assert_well();
    let mut latest = HashMap::new();
    for player in &windows.players {
        let stage = windows.look_at(player);
        assert!(is_past(stage), "{}", windows.report(player));
        latest.insert(&player.address, stage.latency() - FORWARD);
        stage.chromium.text("video.currentTime = watched.range().end - 4");
    }
    // How far from the end each stays where it is live is its own affair.
    windows.wait_for("the live edge, again", |player, stage| {
        stage.latency() < latest[&player.address]
    });
    windows.watch("the live edge, again", 2.0);
    windows.assert_well();
}
