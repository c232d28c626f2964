//! What is kept, for how long, and who waits for what.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use hickory_proto::op::ResponseCode;
use resolver::{Failure, Settings};

use crate::{LONG, ask, resolver, run, settings, until};
use support::dns::Dns;

/// Any name has an address.
fn any() -> Dns {
    Dns::new(|asked| vec![asked.with(&[&format!("{} 60 A 10.0.0.1", asked.name())])])
}

fn v4(dns: &Dns) -> Settings {
    Settings { ipv6: false, ..settings(&[dns]) }
}

#[test]
fn who_asks_for_what_is_being_asked_for_waits_for_the_same_answer() {
    let gate = Arc::new(Mutex::new(()));
    let theirs = gate.clone();
    let dns = Dns::new(move |asked| {
        drop(theirs.lock());
        vec![asked.with(&["www.example 60 A 10.0.0.1"])]
    });
    run(async move {
        let resolver = resolver(v4(&dns));
        let closed = gate.lock();
        let (left, gone) = (Rc::new(Cell::new(100)), Rc::new(Cell::new(0)));
        for n in 0..100 {
            let (left, gone) = (left.clone(), gone.clone());
            rt::spawn(async move {
                // Some of them do not wait so long.
                let ms = if n % 10 == 0 { 20 } else { LONG };
                match resolver.addresses("www.example", ms).await {
                    Err(Failure::TimedOut) => gone.set(gone.get() + 1),
                    found => assert_eq!(found.map(|found| found.all.len()), Ok(1)),
                }
                left.set(left.get() - 1);
            });
        }
        until(|| gone.get() == 10).await;
        drop(closed);
        until(|| left.get() == 0).await;
        assert_eq!((dns.count(), gone.get()), (1, 10));
    });
}

#[test]
fn what_is_known_is_not_asked_for_until_its_time_is_over() {
    let dns = any();
    run(async move {
        let resolver = resolver(Settings { valid_ms: Some(300), ..v4(&dns) });
        let first = resolver.addresses("www.example", LONG).await.expect("it is there");
        while rt::now() < first.until {
            let again = resolver.addresses("www.example", LONG).await.expect("it is there");
            assert!(again == first || again.until > first.until);
            rt::sleep(10).await;
        }
        assert!(dns.count() <= 2);
        until(|| rt::now() >= first.until).await;
        let again = resolver.addresses("www.example", LONG).await.expect("it is there");
        assert!(again.until > first.until && dns.count() >= 2);
    });
}

#[test]
fn a_failure_is_remembered_for_a_moment_and_what_was_known_before_for_longer() {
    let mood = Arc::new(AtomicU8::new(0));
    let theirs = mood.clone();
    let dns = Dns::new(move |asked| {
        vec![match theirs.load(Ordering::Relaxed) {
            0 => asked.with(&["www.example 60 A 10.0.0.1"]),
            1 => asked.fails(ResponseCode::ServFail),
            _ => asked.fails(ResponseCode::NXDomain),
        }]
    });
    run(async move {
        let resolver = resolver(Settings { valid_ms: Some(50), ..v4(&dns) });
        assert_eq!(resolver.last_known("www.example"), None);
        let first = resolver.addresses("www.example", LONG).await.expect("it is there");
        mood.store(1, Ordering::Relaxed);
        until(|| rt::now() >= first.until).await;
        let failed = rt::now();
        assert_eq!(ask(resolver, "www.example").await, Err(Failure::Server));
        assert_eq!(resolver.last_known("WWW.example."), Some(first.clone()));
        // Nobody asks again for a moment.
        let count = dns.count();
        mood.store(0, Ordering::Relaxed);
        while ask(resolver, "www.example").await == Err(Failure::Server) {
            assert_eq!(dns.count(), count);
            rt::sleep(20).await;
        }
        assert!(rt::now() - failed >= 990);
        assert_eq!(dns.count(), count + 1);
        // When it is known that there is nothing, what was there is forgotten.
        mood.store(2, Ordering::Relaxed);
        let known = resolver.last_known("www.example").expect("it was there");
        until(|| rt::now() >= known.until).await;
        assert_eq!(ask(resolver, "www.example").await, Err(Failure::NotFound));
        assert_eq!(resolver.last_known("www.example"), None);
    });
}

#[test]
fn names_that_were_not_used_for_longest_are_forgotten() {
    let dns = any();
    run(async move {
        let resolver = resolver(v4(&dns));
        for n in 0..1024 {
            ask(resolver, &format!("n{n}.example")).await.expect("it is there");
        }
        ask(resolver, "n0.example").await.expect("it is there");
        assert_eq!(dns.count(), 1024);
        ask(resolver, "another.example").await.expect("it is there");
        assert!(resolver.last_known("n1.example").is_none());
        assert!(resolver.last_known("n2.example").is_some());
        ask(resolver, "n0.example").await.expect("it is there");
        assert_eq!(dns.count(), 1025);
    });
}

#[test]
fn no_more_names_are_asked_for_at_the_same_time_than_are_kept() {
    let dns = Dns::silent();
    run(async move {
        let resolver = resolver(v4(&dns));
        let answered = Rc::new(Cell::new(0));
        for n in 0..1100 {
            let answered = answered.clone();
            rt::spawn(async move {
                let found = resolver.addresses(&format!("n{n}.example"), LONG).await;
                assert_eq!(found, Err(Failure::Server));
                answered.set(answered.get() + 1);
            });
        }
        until(|| answered.get() == 1100 - 1024).await;
    });
}

/// The loop comes to its end although the server never answers.
#[test]
fn a_worker_that_drains_does_not_stay_for_a_question_that_nobody_waits_for() {
    let dns = Dns::silent();
    rt::create(rt::Config { slots: 8, multi_accept: false }).expect("a loop");
    let resolver = resolver(settings(&[&dns]));
    let ended = Rc::new(Cell::new(false));
    let theirs = ended.clone();
    rt::spawn(async move {
        assert_eq!(resolver.addresses("www.example", 30).await, Err(Failure::TimedOut));
        rt::drain();
        theirs.set(true);
    });
    let begun = std::time::Instant::now();
    rt::after(LONG, rt::stop);
    rt::run().expect("the loop runs");
    assert!(ended.get() && begun.elapsed().as_millis() < LONG.into());
    assert_eq!(dns.count(), 2);
}
