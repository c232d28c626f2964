//! What is given out though it is not valid any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::origin::Origin;
use crate::stage;

/// Valid for a second; then it fails as it is told to.
fn failing(how: &'static str) -> (Origin, Arc<AtomicBool>) {
    let broken = Arc::new(AtomicBool::new(false));
    let told = broken.clone();
    let origin = Origin::start(move |exchange| {
        if !told.load(Ordering::SeqCst) {
            return exchange.answer("200 OK", "Cache-Control: max-age=1\r\n", "good");
        }
        match how {
            "close" => false,
            "hang" => {
                exchange.hang();
                false
            }
            "nonsense" => {
                exchange.send("what?\r\n\r\n");
                false
            }
            status => exchange.answer(status, "", "bad"),
        }
    });
    (origin, broken)
}

#[test]
fn what_was_good_stands_in_for_failures() {
    for (how, word, other, status) in [
        ("close", "error", "timeout", 502),
        ("hang", "timeout", "error", 504),
        ("nonsense", "invalid_header", "error", 502),
        ("503 Sorry", "http_503", "http_500", 503),
        ("404 None", "http_404", "error", 404),
        ("429 Enough", "http_429", "error", 429),
    ] {
        for (word, stale) in [(word, true), (other, false)] {
            let (origin, broken) = failing(how);
            let settings = format!(
                "proxy_cache_use_stale {word}; proxy_read_timeout 300ms; proxy_next_upstream off;"
            );
            let stage = stage(&settings, origin);
            assert_eq!(stage.get("/").0, "MISS");
            broken.store(true, Ordering::SeqCst);
            let mut answer = stage.server.get("/");
            stage.server.wait_for("its end", || {
                answer = stage.server.get("/");
                answer.header("X-Cache") != Some("HIT")
            });
            let told = (answer.status, answer.header("X-Cache"));
            match stale {
                true => assert_eq!((told, answer.text()), ((200, Some("STALE")), "good".into())),
                false => assert_eq!(told, (status, Some("EXPIRED")), "{how} {word}"),
            }
        }
    }
}

/// The answer itself says for how long.
#[test]
fn stale_if_error() {
    let broken = Arc::new(AtomicBool::new(false));
    let told = broken.clone();
    let origin = Origin::start(move |exchange| {
        let fields = "Cache-Control: max-age=1, stale-if-error=60\r\n";
        match told.load(Ordering::SeqCst) {
            true => exchange.answer("500 Broken", "", "bad"),
            false => exchange.answer("200 OK", fields, "good"),
        }
    });
    let stage = stage("", origin);
    stage.get("/");
    broken.store(true, Ordering::SeqCst);
    assert_eq!(stage.until("/", "STALE"), "good");
}

/// One fetches, and the others have what is there.
#[test]
fn while_it_is_fetched() {
    for (settings, control) in [
        ("proxy_cache_use_stale updating;", "max-age=1"),
        ("", "max-age=1, stale-while-revalidate=60"),
    ] {
        let (go, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (told, counted) = (go.clone(), count.clone());
        let origin = Origin::start(move |exchange| {
            let number = counted.fetch_add(1, Ordering::SeqCst);
            if number == 1 {
                support::wait_for("the word to go on", || told.load(Ordering::SeqCst));
            }
            let fields = format!("Cache-Control: {control}\r\n");
            exchange.answer("200 OK", &fields, format!("answer {number}"))
        });
        let stage = stage(settings, origin);
        stage.get("/");
        stage.server.wait_for("its end", || {
            let path = stage.server.url("/");
            // Whoever comes first after that fetches, and waits for it.
            let first = std::thread::spawn(move || support::curl(&["-m", "60", &path]).text());
            stage
                .server
                .wait_for("it", || first.is_finished() || count.load(Ordering::SeqCst) == 2);
            if count.load(Ordering::SeqCst) < 2 {
                return false;
            }
            for _ in 0..5 {
                assert_eq!(stage.get("/"), ("UPDATING".into(), "answer 0".into()));
            }
            go.store(true, Ordering::SeqCst);
            assert_eq!(first.join().expect("an answer"), "answer 1");
            true
        });
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }
}

/// Nobody waits at all.
#[test]
fn in_the_background() {
    let settings = "proxy_cache_use_stale updating; proxy_cache_background_update on;";
    let (go, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (told, counted) = (go.clone(), count.clone());
    let origin = Origin::start(move |exchange| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        if number == 1 {
            support::wait_for("the word to go on", || told.load(Ordering::SeqCst));
        }
        exchange.answer("200 OK", "Cache-Control: max-age=2\r\n", format!("answer {number}"))
    });
    let stage = stage(settings, origin);
    stage.get("/");
    assert_eq!(stage.until("/", "STALE"), "answer 0");
    assert_eq!(stage.get("/"), ("UPDATING".into(), "answer 0".into()));
    stage.server.wait_for("the fetching", || count.load(Ordering::SeqCst) == 2);
    go.store(true, Ordering::SeqCst);
    stage.server.wait_for("the new one", || stage.get("/").1 == "answer 1");
}

#[test]
fn whether_it_is_valid_still() {
    let changed = Arc::new(AtomicBool::new(false));
    let told = changed.clone();
    let origin = Origin::start(move |exchange| {
        let is_new = told.load(Ordering::SeqCst);
        let fields = "ETag: \"one\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nCache-Control: max-age=3\r\n";
        match exchange.field("If-None-Match") {
            Some("\"one\"") if !is_new => {
                assert_eq!(
                    exchange.field("If-Modified-Since"),
                    Some("Sun, 06 Nov 1994 08:49:37 GMT")
                );
                exchange.answer("304 Not Modified", fields, "")
            }
            _ => exchange.answer("200 OK", fields, if is_new { "new" } else { "old" }),
        }
    });
    let stage = stage("proxy_cache_revalidate on;", origin);
    assert_eq!(stage.get("/"), ("MISS".into(), "old".into()));
    assert_eq!(stage.until("/", "REVALIDATED"), "old");
    assert_eq!(stage.get("/"), ("HIT".into(), "old".into()), "for another second");
    // The client's own conditions are its own.
    let path = "/";
    let mut answer = stage.server.curl(&["-H", "If-None-Match: \"one\""], path);
    stage.server.wait_for("another time", || {
        answer = stage.server.curl(&["-H", "If-None-Match: \"one\""], path);
        assert_eq!(answer.status, 304);
        answer.header("X-Cache") == Some("REVALIDATED")
    });
    changed.store(true, Ordering::SeqCst);
    assert_eq!(stage.until("/", "EXPIRED"), "new");
}
