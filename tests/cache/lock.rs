//! Many who want the same at once.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use support::process;

use crate::origin::Origin;
use crate::{Stage, stage, stage_with};

/// An origin that counts, and answers when it is told to.
fn held(fields: &'static str) -> (Origin, Arc<AtomicBool>, Arc<AtomicUsize>) {
    let (go, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (told, counted) = (go.clone(), count.clone());
    let origin = Origin::start(move |exchange| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        support::wait_for("the word to go on", || told.load(Ordering::SeqCst));
        exchange.answer("200 OK", fields, format!("answer {number}"))
    });
    (origin, go, count)
}

/// So many requests at once, each on a connection of its own; gives their answers.
fn crowd(stage: &Stage, count: usize) -> JoinHandle<Vec<String>> {
    let port = stage.server.port();
    let mut streams: Vec<TcpStream> = (0..count)
        .map(|_| TcpStream::connect(("127.0.0.1", port)).expect("a connection"))
        .collect();
    for stream in &mut streams {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("sent");
    }
    std::thread::spawn(move || {
        let text = |mut stream: TcpStream| {
            let mut text = String::new();
            stream.read_to_string(&mut text).expect("an answer");
            text
        };
        streams.into_iter().map(text).collect()
    })
}

#[track_caller]
fn all_are(answers: Vec<String>, body: &str) {
    for answer in &answers {
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(body), "{answer}");
    }
}

#[test]
fn a_thousand_make_one_request() {
    let (origin, go, count) = held("Cache-Control: max-age=60\r\n");
    let stage = stage_with(
        "worker_processes 2; worker_rlimit_nofile 8192; events { worker_connections 2048; }",
        "",
        "proxy_cache_lock on; proxy_cache_lock_timeout 60s; proxy_cache_lock_age 60s;",
        origin,
    );
    let answers = crowd(&stage, 500);
    stage.server.wait_for("the first", || count.load(Ordering::SeqCst) == 1);
    go.store(true, Ordering::SeqCst);
    all_are(answers.join().expect("answers"), "answer 0");
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

/// Nor when what is there is not valid any more.
#[test]
fn an_expired_answer_is_fetched_once() {
    for settings in ["proxy_cache_use_stale updating;", ""] {
        let count = Arc::new(AtomicUsize::new(0));
        let (held, counted) = (Arc::new(AtomicBool::new(false)), count.clone());
        let told = held.clone();
        let origin = Origin::start(move |exchange| {
            let number = counted.fetch_add(1, Ordering::SeqCst);
            support::wait_for("the word to go on", || number == 0 || told.load(Ordering::SeqCst));
            let fields =
                if number == 0 { "X-Accel-Expires: 1\r\n" } else { "X-Accel-Expires: 600\r\n" };
            exchange.answer("200 OK", fields, format!("answer {number}"))
        });
        let settings = format!(
            "{settings} proxy_cache_lock on; proxy_cache_lock_timeout 60s; proxy_cache_lock_age 60s;"
        );
        let stage = stage_with("worker_processes 2;", "", &settings, origin);
        stage.get("/");
        let mut all = Vec::new();
        stage.server.wait_for("its end", || {
            let before = count.load(Ordering::SeqCst);
            let answers = crowd(&stage, 100);
            stage.server.wait_for("an answer, or the origin", || {
                answers.is_finished() || count.load(Ordering::SeqCst) > before
            });
            let is_over = count.load(Ordering::SeqCst) > before;
            if is_over {
                held.store(true, Ordering::SeqCst);
            }
            all = answers.join().expect("answers");
            is_over
        });
        assert!(all.iter().all(|answer| answer.starts_with("HTTP/1.1 200")));
        assert_eq!(count.load(Ordering::SeqCst), 2, "{settings}");
        assert_eq!(stage.get("/").1, "answer 1");
    }
}

/// Where it is not to be stored, they do not go one after the other.
#[test]
fn what_is_not_stored_holds_up_nobody() {
    let (go, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (told, counted) = (go.clone(), count.clone());
    // The first is answered when it is told to; the others when all of them are there.
    let origin = Origin::start(move |exchange| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        support::wait_for("the others", || match number {
            0 => told.load(Ordering::SeqCst),
            _ => counted.load(Ordering::SeqCst) == 50,
        });
        exchange.answer("200 OK", "Cache-Control: no-store\r\n", "mine")
    });
    let stage = stage_with(
        "",
        "",
        "proxy_cache_lock on; proxy_cache_lock_timeout 600s; proxy_cache_lock_age 600s;",
        origin,
    );
    let answers = crowd(&stage, 50);
    stage.server.wait_for("the first", || count.load(Ordering::SeqCst) == 1);
    go.store(true, Ordering::SeqCst);
    all_are(answers.join().expect("answers"), "mine");
    assert_eq!(count.load(Ordering::SeqCst), 50, "each has its own");
}

#[test]
fn nobody_waits_for_ever() {
    let (origin, go, count) = held("Cache-Control: max-age=60\r\n");
    let stage = stage("proxy_cache_lock on; proxy_cache_lock_timeout 200ms;", origin);
    let first = crowd(&stage, 1);
    stage.server.wait_for("the first", || count.load(Ordering::SeqCst) == 1);
    let second = crowd(&stage, 1);
    stage.server.wait_for("the second", || count.load(Ordering::SeqCst) == 2);
    go.store(true, Ordering::SeqCst);
    all_are(first.join().expect("an answer"), "answer 0");
    all_are(second.join().expect("an answer"), "answer 1");
    assert_eq!(stage.get("/").1, "answer 0", "what was not to be stored is not");
}

/// A client that goes away takes nobody's answer with it.
#[test]
fn the_first_one_leaves() {
    let (origin, go, count) = held("Cache-Control: max-age=60\r\n");
    let stage = stage("proxy_cache_lock on; proxy_cache_lock_timeout 60s;", origin);
    let mut leaving = TcpStream::connect(("127.0.0.1", stage.server.port())).expect("a connection");
    leaving.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    stage.server.wait_for("the first", || count.load(Ordering::SeqCst) == 1);
    let others = crowd(&stage, 10);
    drop(leaving);
    go.store(true, Ordering::SeqCst);
    all_are(others.join().expect("answers"), "answer 0");
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

/// A worker that is killed while it fetches: those who wait in another one are woken, and one of them fetches.
#[test]
fn a_killed_worker_holds_up_nobody() {
    let (origin, go, count) = held("Cache-Control: max-age=60\r\n");
    let stage = stage_with(
        "worker_processes 2;",
        "",
        "proxy_cache_lock on; proxy_cache_lock_timeout 600s; proxy_cache_lock_age 600s; proxy_next_upstream off;",
        origin,
    );
    let mut first = TcpStream::connect(("127.0.0.1", stage.server.port())).expect("a connection");
    first.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    stage.server.wait_for("the first", || count.load(Ordering::SeqCst) == 1);
    let workers = stage.processes("worker process");
    let fills = |&pid: &u32| support::proc::connections(pid) > 1;
    let (filler, others): (Vec<u32>, Vec<u32>) = workers.into_iter().partition(fills);
    let ([filler], [other]) = (&filler[..], &others[..]) else {
        panic!("one worker with a client and an origin: {filler:?}, {others:?}")
    };
    let waiting = process::while_stopped(&[*filler], || {
        let waiting = crowd(&stage, 20);
        stage.server.wait_for("them", || support::proc::connections(*other) == 20);
        process::kill(&[*filler]);
        waiting
    });
    stage.server.wait_for("another one", || count.load(Ordering::SeqCst) == 2);
    go.store(true, Ordering::SeqCst);
    all_are(waiting.join().expect("answers"), "answer 1");
    assert_eq!(count.load(Ordering::SeqCst), 2, "one for all of them");
}

/// What takes longer than one may be alone with it is stored nevertheless, however many ask meanwhile.
#[test]
fn what_takes_long_is_stored() {
    let (origin, go, count) = held("Cache-Control: max-age=60\r\n");
    let stage = stage(
        "proxy_cache_lock on; proxy_cache_lock_age 100ms; proxy_cache_lock_timeout 60s;",
        origin,
    );
    let all: Vec<_> = (1..=4)
        .map(|number| {
            let answers = crowd(&stage, 2);
            // One of them takes over when the one before has been at it for too long.
            stage.server.wait_for("another try", || count.load(Ordering::SeqCst) >= number);
            answers
        })
        .collect();
    go.store(true, Ordering::SeqCst);
    all.into_iter().for_each(|answers| {
        let answers = answers.join().expect("answers");
        assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 200")));
    });
    assert_eq!(stage.get("/").0, "HIT");
}
