//! Viewers of HLS in figures, and what an operator does about them.

use support::{Server, start, wait_for};

use crate::film::Publisher;
use crate::{conf, with_both_workers};

const HLS: &str = "hls on; dash on; hls_fragment 1s; hls_playlist_length 30s;";

fn published(settings: &str) -> (Server, Publisher) {
    let server = with_both_workers(start!(conf(&format!("{HLS} {settings}"))));
    let mut publisher = Publisher::new(&server, "s");
    publisher.run(3500);
    wait_for("segments", || server.get("/live/s.m3u8").status == 200);
    (server, publisher)
}

/// As many as the figures say.
fn count(server: &Server) -> u64 {
    let text = server.get("/stat?format=json").text();
    let rest = text.split("\"hls\":").nth(1).unwrap_or("0");
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().unwrap_or(0)
}

/// The address of the track in a master playlist.
fn track(server: &Server, fields: &[&str]) -> String {
    let text = server.curl(fields, "/live/s.m3u8").text();
    let line = text.lines().find(|line| line.contains("/video.m3u8")).expect("a track");
    format!("/live/{line}")
}

#[test]
fn who_keeps_what_it_was_given_is_counted_once() {
    let (server, _publisher) = published("hls_viewers query;");
    assert_eq!(count(&server), 0, "nobody has come again");
    let viewers: Vec<String> = (0..3).map(|_| track(&server, &[])).collect();
    for address in &viewers {
        // Each connection may be another worker's.
        for _ in 0..6 {
            let list = server.get(address).text();
            let segment = list.lines().find(|line| line.starts_with("video-")).expect("a segment");
            assert!(segment.ends_with(address.split_once('?').expect("a token").1), "{segment}");
            assert_eq!(server.get(&format!("/live/s/{segment}")).status, 200);
        }
    }
    assert_eq!(count(&server), 3);
    assert_eq!(server.get("/stat").text().matches("<protocol>hls</protocol>").count(), 3);
    assert!(server.get("/stat").text().contains("<hls>3</hls>"));
    // Names that are no streams are not watched: they would take the places of others.
    let token = viewers[0].split_once('?').expect("a token").1;
    for n in 0..20 {
        assert_eq!(server.get(&format!("/live/none{n}/video.m3u8?{token}")).status, 404);
    }
    assert!(!server.get("/stat").text().contains("none"));
    // A token that nobody was given is none.
    let forged = viewers[0].replace("viewer=", "viewer=0");
    assert_eq!(server.get(&forged).status, 200);
    let (path, token) = viewers[0].split_at(viewers[0].len() - 1);
    let other = if token == "0" { "1" } else { "0" };
    assert_eq!(server.get(&format!("{path}{other}")).status, 200);
    assert_eq!(count(&server), 3);
    wait_for("them to be gone", || count(&server) == 0);
}

#[test]
fn a_cookie_does_as_well() {
    let (server, _publisher) = published("hls_viewers cookie;");
    let first = server.get("/live/s.m3u8");
    let cookies = first.all("Set-Cookie");
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    let (cookie, rest) = cookies[0].split_once(';').expect("flags");
    assert!(rest.contains("HttpOnly") && rest.contains("Path=/"), "{rest}");
    let field = format!("Cookie: a=b; {cookie}");
    for address in ["/live/s/video.m3u8", "/live/s.mpd", "/live/s/index.m3u8"] {
        let answer = server.curl(&["-H", &field], address);
        assert_eq!((answer.status, answer.header("Set-Cookie")), (200, None));
        assert!(!answer.text().contains("viewer="));
    }
    assert_eq!(count(&server), 1);
}

#[test]
fn who_is_sent_away_stays_away() {
    let settings = "hls_viewers query;";
    let (server, mut publisher) = published(settings);
    let (bad, good) = (track(&server, &[]), track(&server, &[]));
    let status = |address: &str| server.get(address).status;
    assert_eq!((status(&bad), status(&good)), (200, 200));
    let text = server.get("/stat?format=json").text();
    let number = bad.split("viewer=").nth(1).expect("a token");
    let id = u64::from_str_radix(&number[..12], 16).expect("a number");
    assert!(text.contains(&format!("\"id\":{id}")), "{text}");
    assert_eq!(server.get(&format!("/control/drop/client?clientid={id}")).text(), "1");
    for _ in 0..8 {
        assert_eq!((status(&bad), status(&good)), (403, 200));
    }
    assert_eq!(count(&server), 1);
    // Workers that come later know it, too; also the ones that replace a killed one.
    let old = server.workers();
    server.set_conf(conf(&format!("{HLS} {settings} merge_write 1ms;")));
    assert!(server.command(&["-s", "reload"]).status.success());
    publisher.break_off();
    wait_for("new workers", || server.workers().iter().all(|pid| !old.contains(pid)));
    publisher.come_back(&server, "s");
    publisher.run(2000);
    for _ in 0..8 {
        assert_eq!((status(&bad), status(&good)), (403, 200));
    }
    assert_eq!(server.get("/control/drop/subscriber?app=live&name=s").text(), "1");
    wait_for("the other, too", || status(&good) == 403);
}

#[test]
fn without_the_directive_nothing_is_told() {
    let (server, _publisher) = published("");
    let answer = server.get("/live/s.m3u8");
    assert!(answer.header("Set-Cookie").is_none() && !answer.text().contains("viewer="));
    // No more are counted than are to be.
    let (server, _publisher) = published("hls_viewers query; hls_max_viewers 1;");
    for _ in 0..8 {
        let address = track(&server, &[]);
        assert_eq!(server.get(&address).status, 200);
    }
    assert!((1..=2).contains(&count(&server)), "one in each worker");
}
