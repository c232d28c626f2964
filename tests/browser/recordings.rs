//! The page of what was recorded: it lists, and it plays from a moment that is chosen.

use serde_json::json;

use crate::shipped_with;
use crate::stage::Stage;

/// The configuration as it is shipped, with what it has as a comment about recording.
fn recording() -> Stage {
    let server = shipped_with(|conf| {
        let commented = "            # record";
        assert!(conf.contains(commented), "conf/rserve.conf says nothing of recording");
        conf.replace(commented, "            record")
    });
    Stage::of(server)
}

#[test]
fn what_was_published_is_played_from_a_moment() {
    let stage = recording();
    let publisher = stage.publish("camera");
    let list = || stage.server.get("/recordings/camera/").text();
    let told = || {
        let text = list();
        let duration = text.split("\"duration\":").nth(1).and_then(|rest| rest.split(',').next());
        duration.and_then(|duration| duration.parse::<f64>().ok()).unwrap_or(0.0)
    };
    let grown = || list().contains("\"grows\":true") && told() > 3.0;
    stage.server.wait_for("a recording", grown);
    stage.chromium.open(&stage.server.url("/recordings.html"));
    stage.server.wait_for("the stream", || stage.list() == "camera");
    stage.server.wait_for("its day", || {
        stage.chromium.number("document.querySelectorAll('#days button').length") >= 1.0
    });
    // While it is recorded, by the keyboard.
    // As if somebody had clicked: without that there is no sound, and nothing begins by itself.
    stage.chromium.text("document.getElementById('video').muted = true");
    stage.chromium.text("document.querySelector('#days button.grows').focus()");
    for stroke in ["keyDown", "keyUp"] {
        stage.chromium.devtools(
            "Input.dispatchKeyEvent",
            &json!({ "type": stroke, "key": "Enter", "windowsVirtualKeyCode": 13, "text": "\r" }),
        );
    }
    let plays = || stage.video("currentTime") > 0.2;
    assert!(support::comes(plays), "{}", stage.said("trouble"));
    assert_eq!(stage.hidden("hint"), "true");
    assert!(stage.said("when").contains("camera · "));
    publisher.end();
    stage.server.wait_for("its end", || list().contains("\"grows\":false"));
    stage.chromium.open(&stage.server.url("/recordings.html?stream=camera"));
    stage.server.wait_for("a file", || {
        stage.chromium.number("document.querySelectorAll('#rows a[download]').length") >= 1.0
    });
    stage.chromium.text("document.getElementById('video').muted = true");
    stage.chromium.text("document.querySelector('#rows button').click()");
    stage.server.wait_for("the picture", || stage.video("currentTime") > 0.2);
    assert!(stage.video("videoWidth") == 640.0);
    let duration = stage.video("duration");
    assert!((duration - told()).abs() < 1.0, "{duration} of {} s", told());
    // Forward by the page: what is seen later is told.
    let seen = stage.said("when");
    stage.server.wait_for("another second", || stage.said("when") != seen);
    let head = "document.querySelectorAll('.track .now').length";
    assert_eq!(stage.chromium.text(head), "1");
    assert_eq!(stage.said("trouble"), "");
    // Who goes through it by the keyboard stays where they are when it looks again.
    stage.chromium.text(
        "(link => { link.focus(); link.dataset.old = ''; document.dispatchEvent(new Event('visibilitychange')); })(document.querySelector('#streams a'))",
    );
    stage.server.wait_for("another list", || stage.count("#streams a:not([data-old])") == 1.0);
    assert_eq!(stage.chromium.text("document.activeElement.dataset.stream"), "camera");
    assert_eq!(stage.chromium.complaints(), "[]");
}

/// As it is shipped nothing is recorded, and the page says how that is changed.
#[test]
fn without_recordings_it_is_told_how_to_record() {
    let stage = Stage::of(crate::shipped());
    stage.chromium.open(&stage.server.url("/recordings.html"));
    stage.server.wait_for("the hint", || stage.said("hint").contains("Nothing has been recorded"));
    assert_eq!(stage.hidden("times"), "true");
    assert_eq!(stage.chromium.complaints(), "[]");
}
