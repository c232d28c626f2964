//! Names: what clients and publishers make of them.

use support::{start, wait_for};

use crate::client::Client;
use crate::film::Publisher;
use crate::frames::{avc_header, key};
use crate::{up, with_both_workers, with_web};

#[test]
fn suffixes_that_are_none_belong_to_the_name() {
    let server = up("idle_streams off;");
    let mut all = Vec::new();
    for name in ["cam.1", "x.flv", "a.ts.b", "room/cam", "video.m3u8"] {
        let mut publisher = Client::publisher(&server, name);
        publisher.video(0, &avc_header(1));
        publisher.video(0, &key(1));
        publisher.sync();
        all.push(publisher);
    }
    for (path, found) in [
        ("cam.1.flv", true),
        ("cam.flv", false),
        ("cam.2.flv", false),
        ("x.flv.flv", true),
        ("x.flv", false),
        ("a.ts.b.flv", true),
        ("room/cam.flv", true),
        ("room//cam.flv", true),
        ("room%2Fcam.flv", true),
        ("cam.flv/../cam.1.flv", true),
        ("video.m3u8.flv", true),
    ] {
        // It has no end: the head is enough.
        let mut wire = server.wire();
        wire.send(format!("GET /live/{path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        let head = wire.until("\r\n\r\n");
        assert_eq!(head.contains(" 200 "), found, "{path}: {head}");
    }
}

#[test]
fn hostile_names_stay_names() {
    let server = up("hls on; dash on; hls_fragment 1s;");
    let names = [
        ("a%0ab", 404),
        ("%01", 404),
        (&"x".repeat(161), 404),
        ("..%2f..%2fetc%2fpasswd", 404),
        ("%3Cscript%3Ealert(1)%3C%2Fscript%3E", 200),
        ("%22%3E%3Cimg%20src=x", 200),
        ("a%25b", 200),
        ("%ff%fe", 200),
        ("javascript:alert(1)", 200),
    ];
    for (name, _) in names.iter().filter(|(name, status)| *status == 200 && !name.contains("..")) {
        let page = server.curl(&["-H", "Accept: text/html"], &format!("/live/{name}"));
        assert_eq!(page.status, 200, "{name}");
        let text = page.text();
        for bad in ["<script", "<img", "src=\"javascript:"] {
            assert!(!text.contains(bad), "{name}: {text}");
        }
    }
    for (name, status) in names.iter().filter(|(_, status)| *status == 404) {
        for form in ["", ".ts", ".m3u8", "/video.m3u8"] {
            let path = format!("/live/{name}{form}");
            let got = server.curl(&["-I", "-H", "Accept: */*", "--path-as-is"], &path).status;
            assert!(matches!(got, 400 | 403 | 404), "{path}: {got} {status}");
        }
    }
    // What stands in a playlist can end neither a line nor a quoted word.
    let mut publisher = Publisher::new(&server, "q\"uo,te $Time$");
    publisher.run(3500);
    let address = "/live/q%22uo,te%20$Time$";
    wait_for("a segment", || server.get(&format!("{address}.m3u8")).status == 200);
    let master = server.get(&format!("{address}.m3u8")).text();
    let base = "q%22uo%2Cte%20%24Time%24";
    assert!(master.contains(&format!("URI=\"{base}/audio.m3u8\"")), "{master}");
    assert!(master.contains(&format!("\n{base}/video.m3u8\n")), "{master}");
    let track = server.get(&format!("/live/{base}/video.m3u8"));
    assert_eq!(track.status, 200);
    let mpd = server.get(&format!("{address}.mpd")).text();
    assert!(
        mpd.contains(&format!("media=\"{base}/video-")) && mpd.contains("-t$Time$.m4s\""),
        "{mpd}"
    );
}

/// The directory in addresses is the client's, not the stream's.
#[test]
fn a_location_may_call_streams_otherwise() {
    let conf = with_web("hls on; hls_fragment 1s; hls_variant _low;", "")
        .replace("stream_live live/$name;", "stream_live live/tv-$name;");
    let server = with_both_workers(start!(conf));
    let mut publisher = Publisher::new(&server, "tv-cam");
    publisher.run(3500);
    wait_for("a segment", || server.get("/live/cam.m3u8").status == 200);
    assert!(server.get("/live/cam.m3u8").text().contains("\ncam/video.m3u8\n"));
    assert_eq!(server.get("/live/cam/video.m3u8").status, 200);
    let mut low = Publisher::new(&server, "tv-cam_low");
    low.run(3500);
    wait_for("the variant", || server.get("/live/cam.m3u8").text().contains("_low"));
    let master = server.get("/live/cam.m3u8").text();
    assert!(master.contains("\ncam_low/video.m3u8\n"), "{master}");
    assert_eq!(server.get("/live/cam_low/video.m3u8").status, 200);
}
