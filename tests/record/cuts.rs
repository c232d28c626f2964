//! Where files begin and end, and what is in them.

use std::process::Command;

use proto::rtmp::message;
use support::{process, wait_for};

use crate::film::{self, Publisher};
use crate::recorded::{
    hashes, index, is_all_of, media, names, path, probe, sent, tags, told, wait_for_end,
};
use crate::up;

const CODINGS: &[&str] = &[
    "-c:v libx264 -g 25 -bf 3 -c:a aac",
    "-an -c:v libx264 -g 10 -bf 0",
    "-vn -c:a aac",
    "-c:v libx264 -g 50 -c:a libmp3lame -ar 44100",
    "-c:v flv -c:a libmp3lame -ar 22050",
];

#[test]
fn what_ffmpeg_publishes_is_in_the_file_frame_by_frame() {
    for coding in CODINGS {
        let server = up("record all;");
        let source = server.path("source.flv");
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-nostdin", "-f", "lavfi", "-i"]);
        ffmpeg.args(["testsrc=size=160x120:rate=25:duration=2", "-f", "lavfi", "-i"]);
        ffmpeg.args(["sine=frequency=440:duration=2", "-preset", "ultrafast"]);
        assert!(process::run(ffmpeg.args(coding.split(' ')).arg(&source)).status.success());
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-nostdin", "-i"]).arg(&source);
        let url = format!("rtmp://127.0.0.1:{}/live/s", server.port2());
        ffmpeg.args(["-map", "0", "-c", "copy", "-f", "flv", &url]);
        assert!(process::run(&mut ffmpeg).status.success(), "{coding}");
        let file = path(&server, "s.flv");
        wait_for_end(&file);
        assert_eq!(hashes(&file), hashes(&source), "{coding}");
        let (found, wanted) = (probe(&file), probe(&source));
        assert!((found - wanted).abs() < 0.1, "{coding}: {found} s, not {wanted}");
    }
}

#[test]
fn a_file_tells_what_is_in_it() {
    let server = up("record all;");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(7300);
    publisher.end();
    let file = path(&server, "s.flv");
    wait_for_end(&file);
    let found = media(&file);
    is_all_of(&found, &sent(7300));
    assert_eq!(found[0].time, 0);
    let last = found.iter().map(|message| message.time).max().expect("a frame");
    assert_eq!(told(&file, "lasttimestamp"), f64::from(last) / 1000.0);
    assert!((7.3..7.4).contains(&told(&file, "duration")));
    assert_eq!((told(&file, "width"), told(&file, "height")), (320.0, 180.0));
    assert_eq!((told(&file, "videocodecid"), told(&file, "audiocodecid")), (7.0, 10.0));
    // Each second a key frame, and each entry leads to one.
    let (bytes, index) = (std::fs::read(&file).expect("the file"), index(&file));
    let times: Vec<f64> = index.iter().map(|(_, time)| time.round()).collect();
    assert_eq!(times, (0..8).map(f64::from).collect::<Vec<_>>());
    for (place, _) in index {
        assert_eq!((bytes[place as usize], bytes[place as usize + 11]), (9, 0x17));
    }
    // The headers are there once.
    let headers = tags(&file).into_iter().filter(film::Message::is_header);
    assert_eq!(headers.map(|header| header.kind).collect::<Vec<_>>(), [18, 9, 8]);
}

#[test]
fn each_recorder_has_what_it_is_for() {
    let server = up("record audio; record_suffix -a.flv;
         recorder v { record video; record_suffix -v.flv; }
         recorder k { record keyframes; record_suffix -k.flv; }
         recorder ka { record keyframes audio; record_suffix -ka.flv; }
         recorder none { record off; record_suffix -none.flv; }
         recorder frames { record all; record_max_frames 50; record_suffix -f.flv; }
         recorder size { record all; record_max_size 20k; record_suffix -s.flv; }");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(5000);
    publisher.end();
    let all = sent(5000);
    let only = |keep: fn(&film::Message) -> bool| {
        all.iter().filter(|message| keep(message)).cloned().collect::<Vec<_>>()
    };
    let audio = |message: &film::Message| message.kind == message::AUDIO;
    let wanted = [
        ("s-a.flv", only(audio)),
        ("s-v.flv", only(|message| message.kind == message::VIDEO)),
        ("s-k.flv", only(film::Message::is_key)),
        ("s-ka.flv", only(|message| message.kind == message::AUDIO || message.is_key())),
        ("s-f.flv", all[..50].to_vec()),
    ];
    for (name, wanted) in wanted {
        let file = path(&server, name);
        wait_for_end(&file);
        is_all_of(&media(&file), &wanted);
        probe(&file);
    }
    // It ends with the frame that makes it large enough, and does not begin again in its own place.
    let file = path(&server, "s-s.flv");
    wait_for_end(&file);
    let found = media(&file);
    is_all_of(&found, &all[..found.len()]);
    let last = found.last().expect("a frame").payload.len() as u64;
    let size = std::fs::metadata(&file).expect("the file").len();
    assert!(size >= 20 << 10 && size - last - 15 < 20 << 10, "{size}");
    assert!(!names(&server).contains(&"s-none.flv".to_owned()));
}

#[test]
fn files_follow_each_other_at_key_frames() {
    for (settings, count) in [
        ("record all; record_interval 3s; record_suffix -%s.flv;", 0),
        ("record audio; record_interval 3s;", 1),
    ] {
        let server = up(settings);
        let mut publisher = Publisher::new(&server, "s");
        // Names have seconds in them.
        let now = || std::time::UNIX_EPOCH.elapsed().expect("a clock").as_millis();
        for _ in 0..4 {
            publisher.run(3000);
            let second = now() / 1000;
            wait_for("another second", || now() > (second + 1) * 1000 + 100);
        }
        publisher.end();
        wait_for("a file", || !names(&server).is_empty());
        let last = path(&server, names(&server).last().expect("a file"));
        wait_for_end(&last);
        let mut found = Vec::new();
        for name in names(&server) {
            let file = path(&server, &name);
            wait_for_end(&file);
            probe(&file);
            let media = media(&file);
            assert!(media[0].time < 50, "{name} begins at {}", media[0].time);
            assert!(count > 0 || media[0].is_key() || found.is_empty(), "{name}");
            found.extend(media);
        }
        if count == 0 {
            assert!(names(&server).len() >= 3, "{settings}: {:?}", names(&server));
            is_all_of(&found, &sent(12_000));
        } else {
            // Each replaces the one before.
            assert_eq!(names(&server).len(), count);
            assert!(found.len() < 3 * 44, "{}", found.len());
        }
    }
}

/// An entry of the index for each key frame is too many: every second one goes.
#[test]
fn a_short_index_is_spread_over_the_file() {
    let server =
        up("record all; record_index 4; recorder none { record_index 0; record_suffix -0.flv; }");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(9500);
    publisher.end();
    for name in ["s.flv", "s-0.flv"] {
        wait_for_end(&path(&server, name));
        is_all_of(&media(&path(&server, name)), &sent(9500));
    }
    let times = index(&path(&server, "s.flv")).into_iter().map(|(_, time)| time.round());
    assert_eq!(times.collect::<Vec<_>>(), [0.0, 4.0, 8.0]);
    assert!(index(&path(&server, "s-0.flv")).is_empty());
}
