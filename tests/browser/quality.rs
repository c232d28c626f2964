//! The page that plays live streams: which of the variants of one is played.

use std::time::Duration;

use serde_json::json;
use support::{PATIENCE, comes, comes_within};

use crate::hls;
use crate::stage::{Publisher, Stage};

/// Before it takes a better one: where cores are busy it has been too much, more than once.
const LONGEST_CALM: Duration = Duration::from_secs(80);
/// Where cores are busy an encoder or a browser is late by itself.
const TRIES: usize = 5;
const WAYS: [(&str, &str); 2] = [("ll-hls", "hls_part 500ms;"), ("hls", "hls_format fmp4;")];
const HIGH: &str = "null";
const LOW: &str = "scale=320:180";
/// So many bits a second that it makes a difference on a slow line.
const NOISE: &str = "noise=alls=60:allf=t";

fn stage(settings: &str) -> Stage {
    hls::stage(&format!("{settings} hls_variant _high; hls_variant _low;"))
}

impl Stage {
    fn variant(&self, suffix: &str, filter: &str, more: &[&str]) -> Publisher {
        let encoder = [&["-g", "25"], more].concat();
        self.publish_as(&format!("clock{suffix}"), filter, &encoder)
    }

    /// Waits until a playlist offers so many variants.
    fn wait_for_variants(&self, count: usize) {
        self.server.wait_for("the variants", || {
            let master = self.server.get("/hls/clock/index.m3u8").text();
            master.matches("#EXT-X-STREAM-INF").count() == count
        });
    }

    /// The labels of the choice, and which of them is chosen.
    fn choice(&self) -> String {
        self.chromium.text(
            "[...document.querySelectorAll('#qualities label')].map(label => \
             (label.firstChild.checked ? '*' : '') + label.textContent).join()",
        )
    }

    fn choose_quality(&self, label: &str) {
        self.chromium.text(&format!(
            "[...document.querySelectorAll('#qualities label')]\
             .find(label => label.textContent === '{label}').click()"
        ));
    }

    fn wait_for_height(&self, height: f64) {
        let is_seen = || self.video("videoHeight") == height;
        let told = || format!("{}\n{}", self.said("quality-note"), self.said("line"));
        assert!(comes_within(PATIENCE + LONGEST_CALM, is_seen), "{height} lines: {}", told());
    }

    /// Goes from one quality to another one without a stall and with the same buffer, in one of several tries.
    fn go_on_with(&self, before: &str, label: &str, height: f64) {
        let faults = || (self.said("faults"), self.count("#line .playing"));
        let is_clean = |_| {
            let earlier = faults();
            self.choose_quality(label);
            self.wait_for_height(height);
            self.watch(label, 2.0);
            assert!(self.said("picture").contains(&format!("×{height} ")));
            let clean = faults() == earlier;
            if !clean {
                self.choose_quality(before);
                self.watch(before, 3.0);
            }
            clean
        };
        assert!((0..TRIES).any(is_clean), "{label}: {:?}\n{}", faults(), self.said("line"));
    }

    /// A line that carries so many bytes a second; -1: as many as there are.
    fn line(&self, bytes: i64) {
        let conditions = json!({
            "offline": false, "latency": 0, "downloadThroughput": bytes, "uploadThroughput": -1
        });
        self.chromium.devtools("Network.enable", &json!({}));
        self.chromium.devtools("Network.emulateNetworkConditions", &conditions);
    }
}

#[test]
fn a_variant_is_chosen_and_the_picture_goes_on() {
    for (way, settings) in WAYS {
        let stage = stage(settings);
        let _high = stage.variant("_high", HIGH, &[]);
        let _low = stage.variant("_low", LOW, &[]);
        stage.wait_for_variants(2);
        stage.open(&format!("?stream=clock#{way}"));
        stage.wait_for_height(360.0);
        stage.watch("the better one", 2.0);
        assert_eq!(stage.choice(), "*Auto,360p,180p");
        for _ in 0..2 {
            stage.go_on_with("360p", "180p", 180.0);
            stage.go_on_with("180p", "360p", 360.0);
        }
        stage.go_on_with("360p", "180p", 180.0);
        assert_eq!(stage.choice(), "Auto,360p,*180p");
        assert!(stage.latency() < 12_000.0, "{way}: {} ms behind", stage.latency());

        stage.open(&format!("?stream=clock#{way}"));
        stage.watch("what was chosen last", 1.0);
        assert_eq!(stage.choice(), "Auto,360p,*180p");
        assert_eq!(stage.video("videoHeight"), 180.0);
        assert_eq!(stage.chromium.complaints(), "[]");
    }
}

/// Where there is nothing to choose from there is no choice; one that ends leaves the others.
#[test]
fn the_other_one_goes_on_where_a_publisher_ends() {
    let stage = stage("hls_part 500ms;");
    let _low = stage.variant("_low", LOW, &[]);
    stage.wait_for_variants(1);
    stage.open("?stream=clock#ll-hls");
    stage.watch("the only one", 1.0);
    assert_eq!(stage.hidden("quality"), "true");
    let high = stage.variant("_high", HIGH, &[]);
    stage.server.wait_for("a choice", || stage.hidden("quality") == "false");
    stage.choose_quality("360p");
    stage.wait_for_height(360.0);
    stage.chromium.text("document.querySelector('#ways [value=websocket]').click()");
    stage.server.wait_for("no choice by WebSocket", || stage.hidden("quality") == "true");
    // Who leaves while it connects is told so by the browser, which is a complaint.
    stage.server.wait_for("the WebSocket", || stage.said("transport") == "WebSocket");
    stage.chromium.text("document.querySelector('#ways [value=ll-hls]').click()");
    stage.wait_for_height(360.0);
    high.end();
    stage.wait_for_height(180.0);
    stage.watch("the other one", 3.0);
    stage.server.wait_for("the end of the choice", || stage.hidden("quality") == "true");
    // What was chosen is chosen when it is there again; a publisher that is killed has no time to say that it ends.
    let high = stage.variant("_high", HIGH, &[]);
    stage.wait_for_height(360.0);
    stage.watch("what was chosen, again", 1.0);
    assert_eq!(stage.chromium.complaints(), "[]");
    drop(high);
    stage.wait_for_height(180.0);
    stage.watch("the other one, again", 3.0);
}

/// On a slow line the picture becomes smaller by itself, and on a fast one it becomes larger again.
#[test]
fn the_line_decides() {
    for (way, settings) in WAYS {
        let stage = stage(settings);
        let _high =
            stage.variant("_high", NOISE, &["-b:v", "2M", "-maxrate", "2M", "-bufsize", "1M"]);
        let _low = stage.variant("_low", LOW, &[]);
        stage.wait_for_variants(2);
        stage.open(&format!("?stream=clock#{way}"));
        stage.wait_for_height(360.0);
        stage.watch("the better one", 2.0);
        stage.line(80_000);
        stage.wait_for_height(180.0);
        stage.watch("the one that the line carries", 3.0);
        let is_told = || stage.said("quality-note").starts_with("180p now");
        assert!(comes(is_told), "{way}: {}\n{}", stage.said("quality-note"), stage.said("line"));
        stage.line(-1);
        stage.wait_for_height(360.0);
        stage.watch("the better one again", 2.0);
        assert_eq!(stage.choice(), "*Auto,360p,180p");
    }
}

/// Who has gone back in the stream stays there.
#[test]
fn another_variant_is_seen_of_what_was() {
    let stage = stage("hls_part 500ms; hls_playlist_length 40s;");
    let _high = stage.variant("_high", HIGH, &[]);
    let _low = stage.variant("_low", LOW, &[]);
    stage.wait_for_variants(2);
    stage.open("?stream=clock#ll-hls");
    let length = "(range => range.max - range.min)(document.querySelector('#timeline input'))";
    stage.server.wait_for("a time line", || {
        stage.hidden("timeline") == "false" && stage.chromium.number(length) > 14.0
    });
    stage.chromium.text(
        "(range => { range.value = range.max - 12; range.dispatchEvent(new Event('input')); range.dispatchEvent(new Event('change')); })(document.querySelector('#timeline input'))",
    );
    let then = || (10_000.0..18_000.0).contains(&stage.latency());
    stage.server.wait_for("what was then", then);
    stage.go_on_with("360p", "180p", 180.0);
    assert!(then(), "{} ms behind", stage.latency());
    stage.chromium.text("document.querySelector('#timeline button').click()");
    stage.server.wait_for("the live edge", || stage.latency() < 4000.0);
    assert_eq!(stage.video("videoHeight"), 180.0);
    assert_eq!(stage.chromium.complaints(), "[]");
}

/// Of a variant that cannot be got, or has nothing, is told; the one that is played goes on.
#[test]
fn a_variant_that_does_not_come_disturbs_nobody() {
    for refusal in
        ["return 404;", "return 403;", "return 200 '#EXTM3U\n#EXT-X-TARGETDURATION:1\n';"]
    {
        let settings = "hls_part 500ms; hls_variant _high; hls_variant _low;";
        let stage =
            hls::stage_with(settings, &format!("location ^~ /hls/clock_low/ {{ {refusal} }}"));
        let _high = stage.variant("_high", HIGH, &[]);
        let _low = stage.variant("_low", LOW, &[]);
        stage.wait_for_variants(2);
        let is_told = || {
            let told = || stage.said("line").contains("not 180p: ");
            assert!(comes(told), "{refusal}\n{}", stage.said("line"));
            stage.watch("the other one", 3.0);
            assert_eq!(stage.video("videoHeight"), 360.0);
            assert_eq!(stage.choice(), "Auto,360p,*180p", "the wish is kept");
        };
        let is_undisturbed = |_| {
            stage.open("?stream=clock#ll-hls");
            stage.wait_for_height(360.0);
            stage.watch("the better one", 1.0);
            let begun = stage.count("#line .playing");
            stage.choose_quality("180p");
            is_told();
            let is_one = stage.count("#line .playing") == begun;
            if !is_one {
                stage.chromium.text("localStorage.clear()");
            }
            is_one
        };
        assert!((0..TRIES).any(is_undisturbed), "{refusal}\n{}", stage.said("line"));
        // Who wishes for it from the beginning has another one, too.
        stage.open("?stream=clock#ll-hls");
        is_told();
    }
}
