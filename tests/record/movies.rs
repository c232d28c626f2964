//! `record_format mp4`: fragments while it grows, an ordinary movie when it is complete.

use std::path::Path;
use std::process::Command;

use support::{Server, process, wait_for};

use crate::film::Publisher;
use crate::fragments::{cut, frames};
use crate::recorded::{is_closed, path, probe};
use crate::up;

/// What tells where samples are stands in front, or behind, where there is no room.
const PLACES: [(&str, &str); 2] =
    [("", "ftyp free moov free mdat mfra"), ("record_index 0;", "ftyp mdat moov mfra")];

const GROWS: &str = "ftyp free moov free";

/// The names of a file's boxes; of a torn one as far as they go.
fn boxes(path: &Path) -> String {
    let file = std::fs::read(path).expect("the file");
    let (mut names, mut at) = (Vec::new(), 0);
    while let Some(head) = file.get(at..).and_then(proto::mp4::head) {
        names.push(String::from_utf8_lossy(&head.name).into_owned());
        at += head.size.expect("its size") as usize;
    }
    names.join(" ")
}

fn settings(more: &str) -> String {
    format!("record all; record_format mp4; {more}")
}

/// A movie of so many milliseconds of the film, which the players of others take.
#[track_caller]
fn is_movie(server: &Server, file: &Path, ms: u32, wanted: &str) {
    assert_eq!(boxes(file), wanted);
    assert_eq!(frames(file), frames(&cut(server, ms)));
    let duration = probe(file) * 1000.0;
    assert!((duration - f64::from(ms)).abs() < 150.0, "{duration}");
    // Times too: of pictures in the order of decoding, and of sound.
    for track in ["v", "a"] {
        let (found, source) = (times(file, track), times(&cut(server, ms), track));
        assert_eq!(found.len(), source.len());
        let off = found.iter().zip(&source).map(|(one, other)| (one - other).abs());
        let most = off.fold(0.0, f64::max);
        assert!(most < 0.003, "{track}: {most}");
    }
}

/// When each packet is shown, from the first picture on.
fn times(file: &Path, track: &str) -> Vec<f64> {
    let of = |track: &str| -> Vec<f64> {
        let mut ffprobe = Command::new("ffprobe");
        ffprobe.args(["-v", "error", "-select_streams", track, "-show_entries", "packet=pts_time"]);
        let output = process::run(ffprobe.args(["-of", "csv=p=0"]).arg(file));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().filter_map(|line| line.trim_matches(',').parse().ok()).collect()
    };
    let begin = of("v")[0];
    of(track).into_iter().map(|time| time - begin).collect()
}

#[test]
fn a_complete_recording_is_an_ordinary_movie() {
    for (more, wanted) in PLACES {
        let server = up(&settings(more));
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(6300);
        let file = path(&server, "s.mp4");
        let grows = format!("{GROWS} moof mdat");
        wait_for("a part", || file.exists() && boxes(&file).starts_with(&grows));
        probe(&file);
        publisher.end();
        wait_for("its end", || is_closed(&file));
        is_movie(&server, &file, 6300, wanted);
    }
}

/// What was recorded is played from it as from fragments, and the file itself, too.
#[test]
fn it_is_played_and_fetched_in_parts() {
    for (more, _) in PLACES {
        let server = crate::up_with(crate::conf(&settings(more)).replacen(
            "location /stat",
            "location /files/ { alias {dir}/rec/; mp4; } location /stat",
            1,
        ));
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(8000);
        let list = || server.get("/dvr/s/").text();
        wait_for("a part", || list().contains("\"format\":\"mp4\""));
        wait_for("a growing movie", || server.get("/dvr/s/video.mp4").body.len() > 100_000);
        publisher.end();
        wait_for("its end", || list().contains("\"grows\":false"));
        assert!(list().contains("\"duration\":8.0"), "{}", list());
        let file = path(&server, "s.mp4");
        let bytes = std::fs::read(&file).expect("it");
        let part = server.curl(&["-H", "Range: bytes=100-99999"], "/dvr/s/s.mp4");
        assert_eq!((part.status, &part.body[..]), (206, &bytes[100..100_000]));
        let movie = server.file("movie.mp4", server.get("/dvr/s/video.mp4").body);
        assert_eq!(frames(&movie), frames(&cut(&server, 8000)));
        let part = server.get("/dvr/s/video.mp4?duration=3").body;
        assert_eq!(frames(&server.file("part.mp4", part)).len(), frames(&cut(&server, 3000)).len());
        // A player of HLS gets the file's ranges.
        wait_for("its end", || server.get("/dvr/s/index.m3u8").text().contains("#EXT-X-ENDLIST"));
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-nostdin", "-i", &server.url("/dvr/s/index.m3u8")]);
        let output = process::run(ffmpeg.args(["-c", "copy", "-f", "framemd5", "-"]));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let count = text.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(count, frames(&file).len());
        // From the fifth second on, as a file of its own.
        let rest = server.get("/files/s.mp4?start=5");
        assert_eq!(rest.status, 200, "{}", server.error_log());
        let rest = probe(&server.file("rest.mp4", rest.body));
        assert!((2.8..3.2).contains(&rest), "{rest}");
    }
}

/// All processes are killed, before the end and in the middle of it.
#[test]
fn a_crash_leaves_fragments_and_the_next_start_the_movie() {
    for (more, wanted) in PLACES {
        let mut server = up(&settings(more));
        let mut publisher = Publisher::new(&server, "s");
        publisher.run(5000);
        let file = path(&server, "s.mp4");
        wait_for("a part", || file.exists() && boxes(&file).matches("moof").count() > 3);
        server.kill_everything();
        drop(publisher);
        probe(&file);
        let grown = frames(&file).len();
        let journal = path(&server, ".rserve-live.journal");
        let text = std::fs::read_to_string(&journal).expect("the journal");
        // The second time it is a movie already, and only the journal does not know; then it is torn.
        for round in 0..3 {
            std::fs::write(&journal, &text).expect("written");
            if round == 2 {
                let bytes = std::fs::read(&file).expect("it");
                std::fs::write(&file, &bytes[..bytes.len() - 700]).expect("written");
            }
            server.start_again().expect("it starts");
            wait_for("its end", || is_closed(&file));
            assert_eq!(boxes(&file), wanted, "{round}");
            let found = frames(&file).len();
            assert!(found == grown || round == 2 && found + 50 > grown, "{found} of {grown}");
            probe(&file);
            server.stop();
        }
    }
}

/// Workers that die, a publisher that comes back, one that goes on later.
#[test]
fn it_goes_on_after_it_was_a_movie() {
    for (more, wanted) in PLACES {
        let server = up(&settings(&format!("record_append on; {more}")));
        let file = path(&server, "s.mp4");
        for round in 1..4 {
            let mut publisher = Publisher::new(&server, "s");
            publisher.run(2000);
            publisher.end();
            let count = round * frames(&cut(&server, 2000)).len();
            let all = || {
                is_closed(&file) && boxes(&file) == wanted && {
                    std::panic::catch_unwind(|| frames(&file)).is_ok_and(|it| it.len() == count)
                }
            };
            wait_for("all of it", all);
            let duration = probe(&file);
            assert!((duration - 2.0 * round as f64).abs() < 0.3, "{duration}");
        }
    }
}

/// The disk is full when it would become a movie: nothing is lost.
#[test]
fn a_full_disk_leaves_the_fragments() {
    let server = up("record all; publish_grace 4s; recorder small {
         record_path small; record_format mp4; record_index 0; record_suffix .mp4; }");
    let Some(small) = support::Small::at(server.path("small")) else { return };
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(8000);
    let file = server.path("small/s.mp4");
    publisher.break_off();
    let wanted = frames(&cut(&server, 8000));
    let found = || std::panic::catch_unwind(|| frames(&file).len()).unwrap_or(0);
    wait_for("all of it", || found() == wanted.len());
    let mut rest = std::fs::File::create(server.path("small/rest")).expect("a file");
    while std::io::Write::write_all(&mut rest, &[1; 512]).is_ok() {}
    wait_for("its end", || server.error_log().contains("cannot be ended"));
    assert!(boxes(&file).starts_with(&format!("{GROWS} moof")), "{}", boxes(&file));
    assert_eq!(frames(&file), wanted);
    probe(&file);
    drop((server, small));
}
