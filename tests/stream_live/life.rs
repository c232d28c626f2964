//! What happens to workers, publishers and readers while somebody watches.

use proto::rtmp::amf::Value;
use support::{Server, proc, process, wait_for};

use crate::client::Client;
use crate::copies::{Viewer, decoded, ffmpeg, publish, text};
use crate::film::{self, Publisher};
use crate::{conf, up};

const BOTH: [&str; 2] = ["s.ts", "s.mp4"];

fn whole() -> Vec<String> {
    decoded(&text(&film::path()), "0:v")
}

/// How many of each form are in the figures.
fn viewers(server: &Server) -> usize {
    let text = server.get("/stat").text();
    text.matches("http-ts").count() + text.matches("http-mp4").count()
}

fn reload(server: &Server, settings: &str) {
    let old = server.workers();
    server.set_conf(conf(settings));
    let output = server.command(&["-s", "reload"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    wait_for("new workers", || server.workers().iter().any(|pid| !old.contains(pid)));
}

#[test]
fn a_reload_interrupts_nobody() {
    let settings = "publish_grace 0; live_window 60s;";
    let server = up(settings);
    let watching = BOTH.map(|address| Viewer::of(&server, address));
    wait_for("the viewers", || viewers(&server) == 2);
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(2000);
    reload(&server, &format!("{settings} merge_write 1ms;"));
    publisher.run(2000);
    let late = BOTH.map(|address| Viewer::of(&server, address));
    wait_for("the viewers", || viewers(&server) == 4);
    publisher.run(2000);
    publisher.end();
    for (viewer, first) in watching.into_iter().zip([0; 2]).chain(late.into_iter().zip([75; 2])) {
        let got = decoded(&text(&viewer.ended()), "0:v");
        assert!(got.len() + 3 >= 150 - first, "{}", got.len());
        let rest = &whole()[first..];
        assert_eq!(got[..], rest[..got.len()]);
    }
}

/// The publisher's worker dies, or the other one: who is in the worker that lives goes on, through the publisher's coming back.
#[test]
fn viewers_elsewhere_outlive_a_killed_worker() {
    for its_own in [true, false] {
        let server = up("publish_grace 20s; live_window 60s;");
        let workers = server.workers();
        let grown = |at: usize| proc::connections(workers[at]) > 0;
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(1000);
        wait_for("its connection", || grown(0) || grown(1));
        let (its, other) = if grown(0) { (0, 1) } else { (1, 0) };
        let dies = if its_own { its } else { other };
        let mut watching = Vec::new();
        for at in [0, 1] {
            let before = proc::connections(workers[at]);
            watching.extend(server.only(workers[at], || {
                let two = BOTH.map(|address| Viewer::of(&server, address));
                wait_for("two more", || proc::connections(workers[at]) >= before + 2);
                two
            }));
        }
        wait_for("the viewers", || viewers(&server) == 4);
        process::kill(&[workers[dies]]);
        if its_own {
            publisher.break_off();
            publisher.come_back(&server, "s");
        }
        publisher.run(3000);
        publisher.end();
        let mut played = 0;
        for mut viewer in watching {
            // Those of the worker that died have got no end.
            wait_for("the end", || !viewer.is_watching());
            let output = ffmpeg(&["-i", &text(&viewer.path), "-map", "0:v", "-f", "null", "-"]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let frames = count(&text(&viewer.path));
            played += usize::from(frames >= 75 && output.status.success() && said.is_empty());
        }
        assert!(played >= 2, "{its_own}: {played} went on");
    }
}

fn count(path: &str) -> usize {
    let args = ["-i", path, "-map", "0:v", "-f", "framemd5", "-"];
    let output = ffmpeg(&args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter(|line| !line.starts_with('#')).count()
}

#[test]
fn a_publisher_that_comes_back_goes_on_in_the_same_file() {
    let server = up("publish_grace 20s; live_window 60s;");
    let watching = BOTH.map(|address| Viewer::of(&server, address));
    wait_for("the viewers", || viewers(&server) == 2);
    let mut publisher = Publisher::new(&server, "s");
    let mut sent = publisher.run(2500);
    publisher.break_off();
    publisher.come_back(&server, "s");
    sent += publisher.run(2000);
    publisher.end();
    for viewer in watching {
        let got = decoded(&text(&viewer.ended()), "0:v");
        assert!(got.len() + 3 >= sent && got.len() <= sent, "{} of {sent}", got.len());
    }
}

/// Pictures of another size: a transport stream goes on with another table, a movie ends, for its head says what it has.
#[test]
fn other_headers_are_told_or_end_the_file() {
    let server = up("publish_takeover on; live_window 60s; publish_grace 1s;");
    let other = server.path("other.flv");
    let file = text(&other);
    let words = "-f lavfi -i testsrc=size=160x120:rate=25:duration=2 -pix_fmt yuv420p -c:v libx264";
    let words: Vec<&str> = words.split(' ').chain([&file[..]]).collect();
    assert!(ffmpeg(&words).status.success());
    let [ts, mp4] = BOTH.map(|address| Viewer::of(&server, address));
    wait_for("the viewers", || viewers(&server) == 2);
    let mut publisher = Publisher::new(&server, "s");
    let sent = publisher.run(2000);
    publish(&server, &other, "s");
    let movie = decoded(&text(&mp4.ended()), "0:v");
    assert!(movie.len() + 3 >= sent && movie.len() <= sent, "{} of {sent}", movie.len());
    let both = ts.ended();
    let sizes = std::process::Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v", "-show_entries", "frame=width"])
        .args(["-of", "csv=p=0"])
        .arg(&both)
        .output()
        .expect("ffprobe");
    let sizes = String::from_utf8_lossy(&sizes.stdout).into_owned();
    let of = |width: &str| sizes.lines().filter(|line| line.trim_end_matches(',') == width).count();
    assert!(of("320") + 3 >= sent && of("160") >= 45, "{} {}", of("320"), of("160"));
}

/// A reader that stands still costs no memory, and goes on with a key frame.
#[test]
fn a_reader_that_stands_still_skips_whole_groups() {
    for form in ["ts", "mp4"] {
        let server = up("live_window 200ms; max_behind 1m; publish_grace 0;");
        let mut publisher = Client::publisher(&server, "s");
        let film = film::messages();
        for message in film[..5].iter().filter(|it| it.is_header()) {
            match message.kind {
                8 => publisher.audio(0, &message.payload),
                9 => publisher.video(0, &message.payload),
                _ => {}
            }
        }
        let mut stalled = server.wire();
        stalled.send(format!("GET /live/s.{form} HTTP/1.1\r\nHost: x\r\n\r\n"));
        stalled.until("\r\n\r\n");
        let before: u64 = server.workers().into_iter().map(proc::memory_kb).sum();
        let unit =
            |mark: u8, len: u32| [&len.to_be_bytes()[..], &vec![mark; len as usize]].concat();
        let mut time = 0;
        for n in 0..1500u32 {
            let (head, mark) =
                if n % 10 == 0 { (b"\x17\x01\0\0\0", 0x65) } else { (b"\x27\x01\0\0\0", 0x41) };
            publisher.video(time, &[&head[..], &unit(mark, 50_000)].concat());
            time += 40;
        }
        publisher.sync();
        let after: u64 = server.workers().into_iter().map(proc::memory_kb).sum();
        assert!(after < before + (24 << 10), "{form}: {before} {after}");
        // It reads again: what waited, and then the newest group.
        let reader = std::thread::spawn(move || stalled.rest());
        wait_for("the skip", || {
            publisher.video(time, &[&b"\x17\x01\0\0\0"[..], &unit(0x65, 1000)].concat());
            time += 40;
            let text = server.get("/stat?format=json").text();
            text.contains("\"skips\":") && !text.contains("\"skips\":0")
        });
        publisher.call(0, "deleteStream", &[Value::Null, 1.0.into()]);
        let bytes = reader.join().expect("a thread");
        assert!(bytes.ends_with(b"\r\n0\r\n\r\n"), "the answer ends");
        assert!(bytes.len() < 50_000 * 1500 / 2, "nothing was skipped: {}", bytes.len());
    }
}

#[test]
fn who_leaves_is_forgotten_and_who_is_dropped_goes() {
    let server = up("");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(1000);
    let mut watching: Vec<Viewer> = BOTH.into_iter().map(|it| Viewer::of(&server, it)).collect();
    wait_for("the viewers", || viewers(&server) == 2);
    watching.pop();
    wait_for("one to be gone", || viewers(&server) == 1);
    assert_eq!(server.get("/control/drop/subscriber?app=live&name=s").text(), "1");
    let viewer = watching.pop().expect("a viewer");
    let got = viewer.ended();
    assert!(!decoded(&text(&got), "0:v").is_empty());
}
