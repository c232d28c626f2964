//! Captions in the pictures: playlists tell of them, and segments have them.

use std::fs;

use support::{Start, wait_for};

use crate::film::Publisher;
use crate::{conf, ts, up};

/// SEI of H.264: user data of ATSC (A/53), two bytes of CEA-608.
const SEI: &[u8] = &[
    0x06, 0x04, 0x0E, 0xB5, 0x00, 0x31, b'G', b'A', b'9', b'4', 0x03, 0xC1, 0xFF, 0xFC, 0x94, 0x2C,
    0xFF, 0x80,
];

#[test]
fn captions_are_told_of_and_kept() {
    for format in ["ts", "fmp4"] {
        let server = up(&format!(
            "hls_format {format}; hls_fragment 1s; hls_captions CC1=en SERVICE2=de;
             hls_path files/hls; hls_variant _low; hls_variant _high;"
        ));
        let mut low = Publisher::new(&server, "s_low");
        low.add_to_pictures(SEI);
        low.run(3500);
        let mut high = Publisher::new(&server, "s_high");
        high.run(3500);
        let master = || server.get("/hls/s/index.m3u8").text();
        wait_for("both", || master().contains("s_low") && master().contains("s_high"));
        let file = || fs::read_to_string(server.path("files/hls/s.m3u8")).unwrap_or_default();
        wait_for("the file", || {
            high.run(1000);
            file().contains("s_low") && file().contains("s_high")
        });
        for text in [master(), file()] {
            for line in [
                "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"en\",LANGUAGE=\"en\",AUTOSELECT=YES,INSTREAM-ID=\"CC1\"\n",
                "NAME=\"de\",LANGUAGE=\"de\",AUTOSELECT=YES,INSTREAM-ID=\"SERVICE2\"\n",
            ] {
                assert!(text.contains(line), "{line} in {text}");
            }
            assert_eq!(text.matches(",CLOSED-CAPTIONS=\"cc\"").count(), 2, "{text}");
        }
        let list = server.get("/hls/s_low/video.m3u8").text();
        let name = list.lines().find(|line| !line.starts_with('#')).expect("a segment");
        let segment = server.get(&format!("/hls/s_low/{name}")).body;
        let media = if format == "ts" { ts::pictures(&segment) } else { segment };
        let found = media.windows(SEI.len()).filter(|bytes| *bytes == SEI).count();
        assert_eq!(found, 25, "{format}: one with each picture");
    }
}

#[test]
fn none_are_told_of_without_them() {
    let server = up("hls_fragment 1s; hls_captions off;");
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3500);
    let master = || server.get("/hls/s/index.m3u8").text();
    wait_for("the playlist", || master().contains("video.m3u8"));
    assert!(
        master().contains(",CLOSED-CAPTIONS=NONE") && !master().contains("TYPE=CLOSED-CAPTIONS")
    );
}

#[test]
fn mistakes_are_refused() {
    for (written, wrong) in [
        ("CC5=en", "CC5=en"),
        ("CC1=en SERVICE64=de", "SERVICE64=de"),
        ("CC1", "CC1"),
        ("CC1=en off", "off"),
        ("'CC1=en\"'", "SERVICE1 to SERVICE63"),
        ("CC1=en CC1=de", "duplicate"),
    ] {
        let conf = conf(&format!("hls_captions {written};"));
        let (code, said) = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail();
        let is_told =
            said.contains(wrong) && said.contains("hls_captions") && said.contains("rserve.conf:");
        assert!(code == 1 && is_told, "{written}: {said}");
    }
}
