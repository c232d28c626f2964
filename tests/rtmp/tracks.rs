//! What the header of FLV tells of a stream: players make nothing of one whose header announces a track that does not
//! come, and take no notice of a track that it does not announce.

use std::process::{Child, Command, Stdio};

use proto::rtmp::amf::Value;
use support::{Server, wait_for};

use crate::client::Client;
use crate::flv::Flv;
use crate::frames::{aac, aac_header, avc_header, data, inter, key};
use crate::up;

const SOUND: u8 = 4;
const PICTURES: u8 = 1;

/// What ffmpeg tells of pictures alone, and of both.
fn told(audio: bool) -> Vec<u8> {
    let mut members = vec![("width", 320.0.into()), ("videocodecid", 7.0.into())];
    if audio {
        members.push(("audiocodecid", 10.0.into()));
    }
    data(&["@setDataFrame", "onMetaData"], &members)
}

fn by_http_and_socket(server: &Server, query: &str) -> [Flv; 2] {
    let path = format!("/live/s.flv{query}");
    [Flv::get(server, &path), Flv::socket(server, &path, "")]
}

#[test]
fn the_header_tells_what_is_there() {
    let server = up("");
    // Those who are there before the publisher, and those who come later.
    let early = by_http_and_socket(&server, "");
    let mut publisher = Client::publisher(&server, "s");
    publisher.data(0, &told(false));
    publisher.video(0, &avc_header(1));
    publisher.video(0, &key(1));
    publisher.sync();
    let late = by_http_and_socket(&server, "");
    for mut viewer in early.into_iter().chain(late) {
        assert_eq!(viewer.flags(), PICTURES);
        assert_eq!(viewer.frames(3), ["meta@0", "vh1@0", "k1@0"]);
    }
    // Sound that comes later is there for those who come later still.
    publisher.audio(40, &aac_header(1));
    publisher.audio(40, &aac(1));
    publisher.sync();
    for mut viewer in by_http_and_socket(&server, "") {
        assert_eq!(viewer.flags(), SOUND | PICTURES);
    }
}

#[test]
fn what_the_metadata_promises_is_waited_for() {
    let server = up("");
    let early = by_http_and_socket(&server, "");
    let mut publisher = Client::publisher(&server, "s");
    publisher.data(0, &told(true));
    publisher.video(0, &avc_header(1));
    publisher.video(0, &key(1));
    publisher.video(40, &inter(2));
    publisher.sync();
    publisher.audio(20, &aac_header(1));
    for mut viewer in early {
        assert_eq!(viewer.flags(), SOUND | PICTURES);
        assert_eq!(viewer.frames(5), ["meta@0", "vh1@0", "k1@0", "p2@40", "ah1@20"]);
    }
}

/// Neither without a word of what is to come nor with a word that is not kept does anybody wait for ever.
#[test]
fn what_does_not_come_is_not_waited_for() {
    let server = up("");
    for (name, metadata) in [("none", None), ("broken", Some(told(true)))] {
        let mut viewer = Flv::get(&server, &format!("/live/{name}.flv"));
        let mut publisher = Client::publisher(&server, name);
        metadata.iter().for_each(|metadata| publisher.data(0, metadata));
        publisher.video(0, &key(1));
        assert_eq!(viewer.flags(), PICTURES, "{name}");
        viewer.frames(1 + usize::from(metadata.is_some()));
        // Nor by those who come when that is known.
        let mut late = Flv::get(&server, &format!("/live/{name}.flv"));
        assert_eq!(late.flags(), PICTURES, "{name}");
    }
    let mut publisher = Client::publisher(&server, "radio");
    publisher.audio(0, &aac_header(1));
    publisher.audio(0, &aac(1));
    assert_eq!(Flv::get(&server, "/live/radio.flv").flags(), SOUND);
}

#[test]
fn a_player_may_say_what_it_expects() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    publisher.data(0, &told(false));
    publisher.video(0, &avc_header(1));
    publisher.video(0, &key(1));
    publisher.sync();
    for mut viewer in by_http_and_socket(&server, "?audio=1") {
        assert_eq!(viewer.flags(), SOUND | PICTURES, "sound that is to come late");
    }
    publisher.audio(0, &aac_header(1));
    publisher.audio(0, &aac(1));
    publisher.sync();
    for query in ["?video=0", "?onlyaudio=1"] {
        let mut viewer = Flv::get(&server, &format!("/live/s.flv{query}"));
        assert_eq!(viewer.flags(), SOUND, "{query}");
        let said = viewer.frames(3);
        assert!(
            said.iter().all(|word| word.starts_with("meta") || word.starts_with('a')),
            "{said:?}"
        );
    }
    for query in ["?audio=0", "?onlyvideo=1"] {
        let mut viewer = Flv::get(&server, &format!("/live/s.flv{query}"));
        assert_eq!(
            (viewer.flags(), viewer.frames(3)),
            (PICTURES, vec!["meta@0".into(), "vh1@0".into(), "k1@0".into()])
        );
    }
}

/// flv.js believes `hasAudio` of the metadata more than the header.
#[test]
fn metadata_that_tells_of_tracks_is_put_right() {
    let server = up("");
    let mut publisher = Client::publisher(&server, "s");
    let members = [("hasAudio", false.into()), ("hasVideo", true.into()), ("width", 320.0.into())];
    publisher.data(0, &data(&["@setDataFrame", "onMetaData"], &members));
    publisher.video(0, &key(1));
    publisher.audio(0, &aac(1));
    publisher.video(40, &key(2));
    publisher.sync();
    let mut viewer = Flv::get(&server, "/live/s.flv");
    assert_eq!(viewer.flags(), SOUND | PICTURES);
    let meta = viewer.frame();
    let values = meta.values();
    for name in ["hasAudio", "hasVideo"] {
        assert_eq!(values[1].get(name), Some(&Value::Boolean(true)), "{name}: {values:?}");
    }
}

/// ffmpeg; it ends with the value.
struct Publisher(Child);

impl Publisher {
    fn start(server: &Server, name: &str, arguments: &[&str]) -> Publisher {
        let address = format!("rtmp://127.0.0.1:{}/live/{name}", server.port2());
        let mut command = Command::new("ffmpeg");
        command.args(["-loglevel", "error", "-re", "-f", "lavfi"]).args(arguments);
        command.args(["-f", "flv", &address]).stdin(Stdio::null()).stdout(Stdio::null());
        Publisher(command.spawn().expect("ffmpeg (Debian: apt install ffmpeg)"))
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// FFmpeg reads on for a minute and a half, or five megabytes, for a track that is announced and does not come: it has to
/// find all there is in far less than it would read then.
#[test]
fn ffprobe_finds_one_track_at_once() {
    let server = up("");
    let picture = [
        "-i",
        "testsrc2=size=160x120:rate=25",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "25",
    ];
    let tone = ["-i", "sine=frequency=330", "-c:a", "aac"];
    for (name, arguments, wanted) in
        [("seen", &picture[..], "video\n"), ("heard", &tone[..], "audio\n")]
    {
        let _publisher = Publisher::start(&server, name, arguments);
        wait_for("the stream", || {
            server.get("/stat").text().contains(&format!("<name>{name}</name>"))
        });
        // Of itself it looks at five seconds of what is there.
        let url = server.url(&format!("/live/{name}.flv"));
        let probe = Command::new("timeout")
            .args(["30", "ffprobe", "-v", "error", "-show_entries"])
            .args(["stream=codec_type", "-of", "csv=p=0", &url])
            .output()
            .expect("ffprobe");
        assert!(probe.status.success(), "{name}: {probe:?}");
        assert_eq!(String::from_utf8_lossy(&probe.stdout), wanted, "{name}");
    }
}
