//! Answers are taken out of the cache.

use crate::origin::Origin;
use crate::{Stage, stage, stage_with};

const PURGE: &str = "proxy_cache_purge $http_x_purge; proxy_cache_purge_tag $http_x_tag;
    proxy_cache_key $uri$arg_more;";

fn purge(stage: &Stage, path: &str) -> u16 {
    stage.server.curl(&["-H", "X-Purge: 1"], path).status
}

fn tagged() -> Origin {
    Origin::start(|exchange| {
        let target = exchange.target().to_owned();
        let tags = target.trim_start_matches('/').replace('-', ",");
        let fields = format!("Cache-Control: max-age=60\r\nCache-Tag: {tags}\r\nVary: X-Who\r\n");
        exchange.answer("200 OK", &fields, target)
    })
}

#[test]
fn one_of_them() {
    let stage = stage(PURGE, crate::numbered());
    stage.get("/60/a");
    stage.get("/60/b");
    assert_eq!(purge(&stage, "/60/a"), 204);
    assert_eq!(purge(&stage, "/60/a"), 404);
    assert_eq!(stage.files().len(), 1);
    assert_eq!(stage.get("/60/a"), ("MISS".into(), "answer 2".into()));
    assert_eq!(stage.get("/60/b").0, "HIT");
}

/// With all of its variants.
#[test]
fn all_that_one_has() {
    let stage = stage(PURGE, tagged());
    for who in ["a", "b", "c"] {
        stage.told(&["-H", &format!("X-Who: {who}")], "/x");
    }
    stage.get("/y");
    assert_eq!(stage.files().len(), 4);
    assert_eq!(purge(&stage, "/x"), 204);
    assert_eq!(stage.files().len(), 1);
    for who in ["a", "b", "c"] {
        assert_eq!(stage.told(&["-H", &format!("X-Who: {who}")], "/x").0, "MISS", "{who}");
    }
}

#[test]
fn those_that_begin_alike() {
    let stage = stage(PURGE, crate::numbered());
    for path in ["/60/a/1", "/60/a/2", "/60/b"] {
        stage.get(path);
    }
    assert_eq!(purge(&stage, "/60/a/?more=*"), 204);
    assert_eq!(purge(&stage, "/60/a/?more=*"), 404);
    let outcomes = ["/60/a/1", "/60/a/2", "/60/b"].map(|path| stage.get(path).0);
    assert_eq!(outcomes, ["MISS", "MISS", "HIT"]);
}

#[test]
fn those_with_a_tag() {
    let stage = stage(PURGE, tagged());
    for path in ["/one-two", "/two-three", "/three", "/twofold"] {
        stage.get(path);
    }
    let purged = stage.server.curl(&["-H", "X-Purge: 1", "-H", "X-Tag: two, none"], "/");
    assert_eq!(purged.status, 204);
    let outcomes = ["/one-two", "/two-three", "/three", "/twofold"].map(|path| stage.get(path).0);
    assert_eq!(outcomes, ["MISS", "MISS", "HIT", "HIT"]);
    let none = stage.server.curl(&["-H", "X-Purge: 1", "-H", "X-Tag: none"], "/");
    assert_eq!(none.status, 404);
}

/// What is being fetched when it is purged is as old as what was there.
#[test]
fn what_is_on_its_way() {
    for (path, all) in [("/60/x", false), ("/60/?more=*", true)] {
        let go = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let told = go.clone();
        let origin = Origin::start(move |exchange| {
            let wait = || told.load(std::sync::atomic::Ordering::SeqCst);
            exchange.send(
                "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nCache-Control: max-age=60\r\n\r\nold",
            );
            support::wait_for("the word to go on", wait);
            exchange.send("old")
        });
        let stage = stage(PURGE, origin);
        let url = stage.server.url("/60/x");
        let first = std::thread::spawn(move || support::curl(&[&url]).text());
        stage.server.wait_for("the origin", || stage.origin.count() == 1);
        assert_eq!(purge(&stage, path), 404, "{all}");
        go.store(true, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(first.join().expect("an answer"), "oldold");
        assert_eq!(stage.get("/60/x").0, "MISS");
        assert_eq!(stage.get("/60/x").0, "HIT");
    }
}

#[test]
fn who_may_is_for_the_configuration_to_say() {
    let stage = stage(
        "limit_except GET { deny all; } proxy_cache_purge $http_x_purge; deny 127.0.0.1; allow all;",
        crate::numbered(),
    );
    assert_eq!(purge(&stage, "/60/x"), 403);
}

/// What a worker has at hand is not given out when another one has purged it, and has fetched it again.
#[test]
fn no_worker_has_it_still() {
    let stage = stage_with("worker_processes 3;", "", PURGE, crate::numbered());
    for round in 0..5 {
        let wanted = format!("answer {round}");
        // Each on a connection of its own: to whichever worker.
        let answers: Vec<String> = (0..30).map(|_| stage.get("/60/x").1).collect();
        assert!(answers.iter().all(|answer| *answer == wanted), "{round}: {answers:?}");
        assert_eq!(purge(&stage, "/60/x"), 204);
    }
}

/// Also where the answer is gone that has told of the others.
#[test]
fn variants_whose_first_one_is_gone() {
    let stage = stage(PURGE, tagged());
    for who in ["a", "b"] {
        stage.told(&["-H", &format!("X-Who: {who}")], "/x");
    }
    // The first one's file is found by what is in it.
    let main = stage.files().into_iter().find(|file| {
        let bytes = std::fs::read(file).expect("a file");
        let path = file.file_name().expect("a name").to_string_lossy().into_owned();
        let mut sum = std::process::Command::new("sh");
        let sum = sum.args(["-c", "printf /x | md5sum"]).output().expect("md5sum").stdout;
        !bytes.is_empty() && String::from_utf8_lossy(&sum).starts_with(&path)
    });
    std::fs::remove_file(main.expect("it")).expect("removed");
    assert_eq!(purge(&stage, "/x"), 204);
    assert!(stage.files().is_empty());
    for who in ["a", "b"] {
        assert_eq!(stage.told(&["-H", &format!("X-Who: {who}")], "/x").0, "MISS", "{who}");
    }
}

/// Who deletes the files wants them to be gone: what a worker has at hand goes with them.
#[test]
fn files_that_are_deleted() {
    let stage = stage("", crate::numbered());
    stage.get("/60");
    assert_eq!(stage.get("/60").0, "HIT");
    std::fs::remove_file(&stage.files()[0]).expect("removed");
    stage.server.wait_for("a look", || stage.get("/60").1 == "answer 1");
}
