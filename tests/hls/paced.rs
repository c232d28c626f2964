//! A publisher whose clock is that of the day: playlists are renewed in time, dates are true to a frame, players of DASH find what
//! their clock tells them to ask for; and whoever starts all of it again goes on with higher numbers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use support::{Server, wait_for};

use crate::checker::{Checker, Playlist, millis};
use crate::dash::values;
use crate::film::Publisher;
use crate::mpd::Description;
use crate::unbroken::Ends;
use crate::up;

const SETTINGS: &str =
    "hls_fragment 2s; hls_playlist_length 6s; hls_part 500ms; hls_path files/hls;
     dash on; dash_low_latency on; dash_playlist_length 6s;";
const LISTS: [&str; 3] = ["/hls/s/video.m3u8", "/hls/s/audio.m3u8", "/files/hls/s.m3u8"];
/// A turn of a worker's loop takes no longer.
const TURN_MS: u64 = 100;
/// As long as a list and what was in it before.
const LONG: Duration = Duration::from_secs(16);

/// How long each list was the same, at most, as is known for certain: whoever looks may be slow.
fn watch(server: &Server, goes_on: impl Fn() -> bool) -> HashMap<&'static str, Duration> {
    let mut known: HashMap<&str, (String, Instant)> = HashMap::new();
    let mut longest: HashMap<&str, Duration> = HashMap::new();
    while goes_on() {
        for list in LISTS {
            let asked = Instant::now();
            let text = server.get(list).text();
            match known.get(list) {
                Some((before, since)) if *before == text => {
                    let most = longest.entry(list).or_default();
                    *most = asked.saturating_duration_since(*since).max(*most);
                }
                _ if !text.starts_with("#EXTM3U") => {}
                _ => drop(known.insert(list, (text, Instant::now()))),
            }
        }
    }
    longest
}

/// Milliseconds of Unix time.
fn unix() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time");
    since.as_millis() as u64
}

/// The time of day as playlists have it.
fn now() -> u64 {
    millis(&proto::date::iso_8601(unix()))
}

/// What a player asks for by its clock is there: all that it may go back to, and the newest as soon as a chunk is.
fn plays(server: &Server) -> Option<u64> {
    let path = |name: &str| format!("/dash/s/{name}");
    let before = now();
    let answer = server.get(&path("index.mpd"));
    let after = now();
    if answer.status != 200 {
        return None;
    }
    let text = answer.text();
    assert!(text.contains("\"urn:mpeg:dash:utc:direct:2014\""), "{text}");
    let told = millis(values(&text, "value").last().expect("a time"));
    // A worker reads the clock once in each turn of its loop.
    let earliest = before - TURN_MS;
    assert!((earliest..=after).contains(&told), "{told} between {earliest} and {after}: {text}");
    let unix = unix() - (now() - told);
    let mpd = Description::read(&text);
    let [period] = &mpd.periods[..] else { panic!("one period: {text}") };
    let mut newest = 0;
    for set in &period.sets {
        let numbers = set.numbers_at(period, unix, mpd.shift);
        newest = numbers.end;
        for number in numbers {
            let name = set.media.replace("$Number$", &number.to_string());
            assert_eq!(server.get(&path(&name)).status, 200, "{name}: {text}");
        }
    }
    Some(newest)
}

#[test]
fn what_is_told_is_true_as_time_passes() {
    let mut server = up(SETTINGS);
    let mut checkers = LISTS.map(Checker::new);
    checkers.iter_mut().for_each(|checker| checker.is_paced = true);
    let mut publisher = Publisher::new(&server, "s");
    let (ends, mut played) = (AtomicBool::new(false), 0);
    let goes_on = || !ends.load(Ordering::Relaxed);
    thread::scope(|scope| {
        let _ends = Ends(&ends);
        let publishing = scope.spawn(|| publisher.run_as_time_passes(goes_on));
        let watching = scope.spawn(|| watch(&server, goes_on));
        let began = Instant::now();
        while began.elapsed() < LONG {
            for checker in &mut checkers {
                checker.look(&server);
            }
            played += usize::from(plays(&server).is_some_and(|newest| newest > 0));
        }
        ends.store(true, Ordering::Relaxed);
        let late = publishing.join().expect("it publishes");
        for (list, longest) in watching.join().expect("it watches") {
            // RFC 8216 §6.2.1: one and a half target durations.
            let most = Duration::from_secs(3) + late;
            assert!(
                longest <= most,
                "{list} was the same for {longest:?}, published {late:?} late"
            );
        }
    });
    assert!(played > 3, "{played}");
    let lists = checkers.each_mut().map(|it| it.look(&server).expect("a playlist"));
    assert!(lists.iter().all(|list| list.length() >= 6.0 && list.end() > list.sequence + 2));
    starts_again(&mut server, &mut checkers[2], &lists);
}

/// All processes are gone at once. Who starts them again goes on behind what was listed, in memory and in files.
fn starts_again(server: &mut Server, files: &mut Checker, before: &[Playlist]) {
    server.kill_everything();
    server.start_again().expect("it starts");
    let mut publisher = Publisher::new(server, "s");
    publisher.run(8500);
    for (list, before) in LISTS.iter().zip(before) {
        let mut now = Playlist::default();
        wait_for("more segments", || {
            let answer = server.get(list);
            now = if answer.status == 200 { Playlist::read(&answer.text()) } else { now.clone() };
            // As long as a list is at least from which something leaves.
            now.end() > before.end() && now.length() >= 6.0
        });
        // What was in memory is gone, what is in files goes on.
        let first = if list.starts_with("/files") { before.sequence } else { before.end() };
        assert!(now.sequence >= first, "{}\n{}", before.text, now.text);
        assert!(now.discontinuities >= before.discontinuities, "{}\n{}", before.text, now.text);
    }
    // What is sent at once runs ahead of the clock.
    files.is_paced = false;
    files.look(server);
}
