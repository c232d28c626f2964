//! What is stored, and what of it a client gets.

use crate::origin::Origin;
use crate::{numbered, outcome, stage, stage_with};

#[test]
fn an_answer_is_fetched_once() {
    let stage = stage("", numbered());
    assert_eq!(stage.get("/60"), ("MISS".into(), "answer 0".into()));
    for _ in 0..5 {
        assert_eq!(stage.get("/60"), ("HIT".into(), "answer 0".into()));
    }
    assert_eq!(stage.get("/60/other"), ("MISS".into(), "answer 1".into()));
    assert_eq!(stage.origin.count(), 2);
    let files = stage.files();
    assert_eq!(files.len(), 2);
    for file in files {
        // levels=1:2
        let parts: Vec<_> = file.iter().rev().take(3).map(|part| part.to_string_lossy()).collect();
        let name = &parts[0];
        assert_eq!((&parts[2][..], &parts[1][..]), (&name[31..], &name[29..31]));
    }
}

#[test]
fn what_is_over_is_fetched_again() {
    let stage = stage("", numbered());
    assert_eq!(stage.get("/1").1, "answer 0");
    assert_eq!(stage.until("/1", "EXPIRED"), "answer 1");
    assert_eq!(stage.get("/0"), ("MISS".into(), "answer 2".into()));
    assert_eq!(
        stage.get("/0"),
        ("MISS".into(), "answer 3".into()),
        "it says that it is not to be kept"
    );
}

/// Whoever has the head alone, or a part, or has it already, is served from what all get.
#[test]
fn heads_parts_and_conditions() {
    let origin = Origin::start(|exchange| {
        let fields = "Cache-Control: max-age=60\r\nETag: \"tag\"\r\n\
            Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n";
        exchange.answer("200 OK", fields, "0123456789".repeat(1000))
    });
    let stage = stage("", origin);
    let head = stage.server.curl(&["-I"], "/head");
    assert_eq!((outcome(&head), head.header("Content-Length")), ("MISS".into(), Some("10000")));
    stage.server.wait_for("all of it", || stage.get("/head").0 == "HIT");
    // Of what comes just now, too, whose rest is stored nevertheless.
    let part = stage.server.curl(&["-r", "5-7"], "/part");
    assert_eq!((part.status, part.text(), outcome(&part)), (206, "567".into(), "MISS".into()));
    stage.server.wait_for("all of it", || stage.get("/part").0 == "HIT");
    let part = stage.server.curl(&["-r", "-3"], "/part");
    assert_eq!((part.status, part.text()), (206, "789".into()));
    assert_eq!(part.header("Content-Range"), Some("bytes 9997-9999/10000"));
    for (field, path) in [
        ("If-None-Match: \"tag\"", "/head"),
        ("If-None-Match: W/\"tag\"", "/part"),
        ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", "/head"),
        // Of what comes just now, too.
        ("If-None-Match: \"tag\"", "/new"),
        ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", "/newer"),
    ] {
        let answer = stage.server.curl(&["-H", field], path);
        assert_eq!((answer.status, answer.text()), (304, String::new()), "{field} {path}");
    }
    stage.server.wait_for("all of it", || stage.get("/new").0 == "HIT");
    let unmet = stage.server.curl(&["-H", "If-Match: \"other\""], "/head");
    assert_eq!(unmet.status, 412);
    // None of that went to the origin.
    for head in stage.origin.heads() {
        let lower = head.to_lowercase();
        assert!(
            head.starts_with("GET ") && !lower.contains("if-") && !lower.contains("range:"),
            "{head}"
        );
    }
}

#[test]
fn which_statuses_and_for_how_long() {
    let origin = Origin::start(|exchange| {
        let status = exchange.target()[1..4].to_owned();
        exchange.answer(&format!("{status} Whatever"), "Location: /x\r\n", status.clone())
    });
    let settings = "proxy_cache_valid 1m; proxy_cache_valid 404 1m; proxy_cache_valid 410 0;";
    let stage = stage(settings, origin);
    for (status, kept) in [
        (200, true),
        (301, true),
        (302, true),
        (303, false),
        (404, true),
        (410, false),
        (500, false),
    ] {
        let path = format!("/{status}");
        assert_eq!(stage.get(&path).0, "MISS", "{status}");
        let (second, body) = stage.get(&path);
        assert_eq!((&second[..], body), (if kept { "HIT" } else { "MISS" }, status.to_string()));
    }
}

#[test]
fn words_about_requests() {
    let settings =
        "proxy_cache_bypass $arg_bypass; proxy_no_cache $arg_no; proxy_cache_methods POST;
        proxy_cache_key $uri$request_body; proxy_cache_min_uses 1;";
    let stage = stage(settings, numbered());
    assert_eq!(stage.get("/60/no?no=1").0, "MISS");
    assert_eq!(stage.get("/60/no?no=0").0, "MISS", "it was not stored");
    assert_eq!(stage.get("/60/no?no=1").0, "HIT", "what is there is found");
    let (bypassed, fresh) = stage.get("/60/no?bypass=1");
    assert_eq!(bypassed, "BYPASS");
    assert_eq!(stage.get("/60/no"), ("HIT".into(), fresh), "the newest takes the place");
    for (body, wanted) in [("a", "MISS"), ("b", "MISS"), ("a", "HIT")] {
        assert_eq!(stage.told(&["-d", body], "/60/post").0, wanted, "{body}");
    }
    assert_eq!(
        stage.told(&["-X", "PUT", "-d", "x"], "/60/no").0,
        "-",
        "it has nothing to do with it"
    );
}

#[test]
fn seldom_asked_for() {
    let stage = stage("proxy_cache_min_uses 3;", numbered());
    let outcomes: Vec<String> = (0..5).map(|_| stage.get("/60").0).collect();
    assert_eq!(outcomes, ["MISS", "MISS", "MISS", "HIT", "HIT"]);
}

#[test]
fn what_is_not_asked_for_goes() {
    let stage = stage_with("", "inactive=3s", "", numbered());
    stage.get("/60");
    assert_eq!(stage.files().len(), 1);
    stage.server.wait_for("the manager", || stage.files().is_empty());
    assert_eq!(stage.get("/60").0, "MISS");
}

#[test]
fn no_more_than_there_may_be() {
    let origin = Origin::start(|exchange| {
        exchange.answer("200 OK", "Cache-Control: max-age=60\r\n", "x".repeat(100_000))
    });
    let stage = stage_with("", "max_size=1m", "", origin);
    for number in 0..30 {
        assert_eq!(stage.get(&format!("/{number}")).0, "MISS");
    }
    stage.server.wait_for("the manager", || stage.files().len() <= 10);
    assert!(stage.files().len() >= 8, "{}", stage.files().len());
    assert_eq!(stage.get("/29").0, "HIT", "those that were used last stay");
    assert_eq!(stage.get("/0").0, "MISS");
}

/// A zone for two pages of keys.
#[test]
fn more_keys_than_there_is_room_for() {
    let origin = numbered();
    let settings = format!("proxy_cache small; proxy_pass http://127.0.0.1:{};", origin.port);
    let conf = support::http(&format!(
        "proxy_cache_path small keys_zone=small:8k;
         server {{ listen 127.0.0.1:{{port}}; add_header X-Cache $upstream_cache_status;
            location / {{ {settings} }} }}"
    ));
    let server = support::start!(conf);
    for number in 0..500 {
        let answer = server.get(&format!("/60/{number}"));
        assert_eq!((answer.status, &outcome(&answer)[..]), (200, "MISS"), "{number}");
    }
    let last = server.get("/60/499");
    assert_eq!((outcome(&last), last.text()), ("HIT".into(), "answer 499".into()));
    let files = std::fs::read_dir(server.path("small")).expect("files").count();
    assert!((10..200).contains(&files), "those that were forgotten have gone: {files}");
}

#[test]
fn names_by_variables() {
    let stage = stage("proxy_cache $arg_zone;", numbered());
    let wanted =
        [("/60?zone=z", "MISS"), ("/60?zone=z", "HIT"), ("/60?zone=off", "-"), ("/60", "-")];
    for (path, outcome) in wanted {
        assert_eq!(stage.get(path).0, outcome, "{path}");
    }
    assert_eq!(stage.server.get("/60?zone=nowhere").status, 200);
    assert!(stage.server.error_log().contains("cache \"nowhere\" not found"));
}

#[test]
fn what_cannot_be_is_refused() {
    for (text, message) in [
        ("proxy_cache_path a keys_zone=z;", "invalid keys zone size \"keys_zone=z\""),
        ("proxy_cache_path a keys_zone=z:1k;", "zone \"keys_zone=z:1k\" is too small"),
        ("proxy_cache_path a levels=3 keys_zone=z:1m;", "invalid \"levels\" \"levels=3\""),
        ("proxy_cache_path a inactive=1m;", "must have \"keys_zone\" parameter"),
        ("proxy_cache_path a keys_zone=z:1m x=1;", "invalid parameter \"x=1\""),
        (
            "proxy_cache_path a keys_zone=z:1m; proxy_cache_path b keys_zone=z:1m;",
            "duplicate zone \"z\"",
        ),
        (
            "server { listen 127.0.0.1:{port}; location / { proxy_pass http://127.0.0.1:1; proxy_cache nowhere; } }",
            "\"proxy_cache_path\" zone \"nowhere\" is unknown",
        ),
        (
            "proxy_cache_path a keys_zone=z:1m; proxy_cache_path a keys_zone=y:1m; server { listen 127.0.0.1:{port}; }",
            "cache \"y\" has the name or the directory of another one",
        ),
        (
            "proxy_cache_path a keys_zone=z:1m; fastcgi_cache_path b keys_zone=z:1m; server { listen 127.0.0.1:{port}; }",
            "cache \"z\" has the name or the directory of another one",
        ),
        ("proxy_cache_valid 99 1m;", "invalid status \"99\""),
        ("proxy_cache_use_stale http_999;", "invalid value \"http_999\""),
        ("proxy_cache_methods PUT;", "invalid value \"PUT\""),
    ] {
        let start = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(support::http(text));
        let (_, refused) = start.fail();
        assert!(refused.contains(message), "{text}: {refused}");
    }
}

/// Of an answer that comes in pieces, and is longer than what is read at once.
#[test]
fn a_part_of_what_comes() {
    let origin = Origin::start(|exchange| {
        let body = crate::letters(1_000_000);
        exchange.send(
            "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nCache-Control: max-age=60\r\n\r\n",
        );
        body.chunks(10_007).all(|piece| exchange.send(piece))
    });
    let stage = stage("", origin);
    let whole = crate::letters(1_000_000);
    for (range, bytes) in [
        ("500000-500099", &whole[500_000..500_100]),
        ("-7", &whole[999_993..]),
        ("900000-", &whole[900_000..]),
        ("0-0", &whole[..1]),
    ] {
        let path = format!("/{range}");
        let part = stage.server.curl(&["-r", range], &path);
        assert_eq!((part.status, outcome(&part)), (206, "MISS".into()), "{range}");
        assert!(part.body == bytes, "{range}");
        stage.server.wait_for("the rest", || stage.get(&path).0 == "HIT");
        assert!(stage.server.get(&path).body == whole, "{range}");
    }
    let several = stage.server.curl(&["-r", "0-9,20-29"], "/several");
    assert_eq!((several.status, several.body.len()), (200, 1_000_000));
    let beyond = stage.server.curl(&["-r", "1000000-"], "/beyond");
    assert_eq!(beyond.status, 416);
    stage.server.wait_for("all of it", || stage.get("/beyond").0 == "HIT");
}

/// The origin is free long before a slow client has all of it, and others have it at once.
#[test]
fn a_slow_client_holds_up_nobody() {
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let told = done.clone();
    let origin = Origin::start(move |exchange| {
        let sent =
            exchange.answer("200 OK", "Cache-Control: max-age=60\r\n", crate::letters(8_000_000));
        told.store(true, std::sync::atomic::Ordering::SeqCst);
        sent
    });
    let stage = stage(
        "proxy_cache_lock on; proxy_cache_lock_timeout 60s; proxy_cache_lock_age 60s;",
        origin,
    );
    let mut slow = support::Wire::open(stage.server.port());
    slow.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    stage.server.wait_for("the origin", || done.load(std::sync::atomic::Ordering::SeqCst));
    stage.server.wait_for("the cache", || stage.get("/").0 == "HIT");
    let answer = slow.answer();
    assert!(answer.complete && answer.body == crate::letters(8_000_000));
}

/// However small the pieces are that come: they lie in the file.
#[test]
fn a_slow_client_takes_no_memory() {
    const SIZE: usize = 30_000_000;
    let origin = Origin::start(|exchange| {
        exchange.send(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\nCache-Control: max-age=60\r\n\r\n"
        ));
        crate::letters(SIZE).chunks(1000).all(|piece| exchange.send(piece))
    });
    let stage = stage(
        "proxy_cache_lock on; proxy_cache_lock_timeout 60s; proxy_cache_lock_age 60s;",
        origin,
    );
    let mut slow = support::Wire::open(stage.server.port());
    slow.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    stage
        .server
        .wait_for("the cache", || stage.server.curl(&["-I"], "/").header("X-Cache") == Some("HIT"));
    let worker = stage.processes("worker process")[0];
    let memory = support::proc::memory_kb(worker);
    assert!(memory < 25_000, "{memory} kB");
    let answer = slow.answer();
    assert!(answer.complete && answer.body == crate::letters(SIZE));
}

/// What is larger than the cache may be is given, and not kept.
#[test]
fn more_than_there_is_room_for() {
    let origin = Origin::start(|exchange| {
        exchange.answer("200 OK", "Cache-Control: max-age=60\r\n", crate::letters(3_000_000))
    });
    let stage = stage_with("", "max_size=1m", "", origin);
    for _ in 0..2 {
        let answer = stage.server.get("/");
        assert!(outcome(&answer) == "MISS" && answer.body == crate::letters(3_000_000));
    }
    assert!(stage.files().is_empty());
}

/// An error that has a page of this server is remembered, too.
#[test]
fn errors_with_pages_of_our_own() {
    let origin = Origin::start(|exchange| exchange.answer("404 None", "", "theirs"));
    let settings = "proxy_cache_valid 404 1m; proxy_intercept_errors on; error_page 404 /ours;
        } location = /ours { return 200 ours;";
    let stage = stage(settings, origin);
    for outcome_wanted in ["MISS", "HIT"] {
        let answer = stage.server.get("/");
        assert_eq!((answer.status, answer.text()), (404, "ours".into()), "{outcome_wanted}");
    }
    assert_eq!(stage.origin.count(), 1);
}

/// That nobody answers can be kept, too.
#[test]
fn what_nobody_has_answered() {
    let origin = Origin::start(|_| false);
    let stage = stage("proxy_cache_valid 502 1m;", origin);
    let first = stage.server.get("/");
    assert_eq!((first.status, outcome(&first)), (502, "MISS".into()));
    let tries = stage.origin.count();
    let second = stage.server.get("/");
    assert_eq!((second.status, outcome(&second)), (502, "HIT".into()));
    assert_eq!(stage.origin.count(), tries);
}
