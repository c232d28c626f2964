//! Several workers, which are threads here, or processes, with a loop and a resolver each, and one region.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;

use resolver::{Failure, Resolver, Settings};
use shm::Region;

use crate::{LONG, ask, resolver, run, until};
use support::dns::Dns;

/// A region that is made for that before others have it, as a master does.
fn region() -> Arc<Region> {
    let region = Arc::new(Region::create("names", resolver::size(64)).expect("memory"));
    let server = Settings::of(vec!["127.0.0.1:53".parse().expect("an address")]);
    Resolver::new(server).share(region.clone()).expect("it is new");
    region
}

fn v4(dns: &Dns) -> Settings {
    Settings { ipv6: false, ..crate::settings(&[dns]) }
}

fn sharing(settings: Settings, region: &Arc<Region>) -> &'static Resolver {
    let resolver = resolver(settings);
    resolver.share(region.clone()).expect("it is made for that");
    resolver
}

/// What each of so many workers finds that all begin at the same time.
fn workers(
    count: usize,
    settings: &Settings,
    region: &Arc<Region>,
    name: &'static str,
) -> Vec<Result<Vec<String>, Failure>> {
    let barrier = Arc::new(Barrier::new(count));
    let worker = |_| -> JoinHandle<_> {
        let (settings, region, barrier) = (settings.clone(), region.clone(), barrier.clone());
        std::thread::spawn(move || {
            let (sender, found) = std::sync::mpsc::channel();
            run(async move {
                let resolver = sharing(settings, &region);
                barrier.wait();
                sender.send(ask(resolver, name).await).expect("somebody waits");
            });
            found.recv().expect("it was found")
        })
    };
    let all: Vec<_> = (0..count).map(worker).collect();
    all.into_iter().map(|worker| worker.join().expect("a worker")).collect()
}

#[test]
fn of_several_workers_one_asks() {
    let dns = Dns::zone(&["www.example 60 A 10.0.0.1", "www.example 60 AAAA 2001:db8::1"]);
    let (region, settings) = (region(), crate::settings(&[&dns]));
    let found = workers(8, &settings, &region, "www.example");
    let all = vec!["10.0.0.1".to_owned(), "2001:db8::1".to_owned()];
    assert_eq!(found, vec![Ok(all); 8]);
    assert_eq!(dns.count(), 2, "{:?}", dns.questions());
    let found = workers(8, &settings, &region, "gone.example");
    assert_eq!(found, vec![Err(Failure::NotFound); 8]);
    assert_eq!(dns.count(), 4, "{:?}", dns.questions());
}

/// Whoever has not asked does not know of the answer before it is there.
#[test]
fn the_others_wait_for_who_asks() {
    let (region, others) = (region(), Arc::new(AtomicUsize::new(0)));
    let waiting = others.clone();
    let dns = Dns::new(move |asked| {
        while waiting.load(Ordering::Relaxed) < 3 {
            std::thread::yield_now();
        }
        vec![asked.with(&["www.example 60 A 10.0.0.1"])]
    });
    let settings = v4(&dns);
    let worker = |_| {
        let (settings, region, others) = (settings.clone(), region.clone(), others.clone());
        std::thread::spawn(move || {
            run(async move {
                let resolver = sharing(settings, &region);
                // When this is woken, it has begun.
                rt::spawn(async move {
                    rt::sleep(5).await;
                    others.fetch_add(1, Ordering::Relaxed);
                });
                assert_eq!(ask(resolver, "www.example").await, Ok(vec!["10.0.0.1".to_owned()]));
            });
        })
    };
    let all: Vec<_> = (0..3).map(worker).collect();
    all.into_iter().for_each(|worker| worker.join().expect("a worker"));
    assert_eq!(dns.count(), 1);
}

#[test]
fn services_are_shared_too() {
    let dns =
        Dns::zone(&["_http._tcp.example 60 SRV 1 2 80 one.example", "one.example 60 A 10.0.0.1"]);
    let region = region();
    run(async move {
        let (one, other) = (sharing(v4(&dns), &region), sharing(v4(&dns), &region));
        let first = one.services("example", "http", LONG).await.expect("it is there");
        assert_eq!(dns.count(), 2);
        assert_eq!(other.services("example", "http", LONG).await, Ok(first));
        assert_eq!(dns.count(), 2);
    });
}

#[test]
fn under_other_settings_others_are_asked() {
    let dns = Dns::zone(&["www.example 60 A 10.0.0.1", "www.example 60 AAAA 2001:db8::1"]);
    let region = region();
    run(async move {
        let v6 = Settings { ipv4: false, ..crate::settings(&[&dns]) };
        let (v4, v6) = (sharing(v4(&dns), &region), sharing(v6, &region));
        assert_eq!(ask(v4, "www.example").await, Ok(vec!["10.0.0.1".to_owned()]));
        assert_eq!(ask(v6, "www.example").await, Ok(vec!["2001:db8::1".to_owned()]));
        assert_eq!(dns.count(), 2);
    });
}

#[test]
fn more_addresses_than_there_is_room_for_are_asked_for_by_each() {
    let dns = Dns::new(|asked| {
        let count = if asked.name() == "many.example" { 17 } else { 16 };
        let records: Vec<String> =
            (0..count).map(|n| format!("{} 60 A 10.0.0.{n}", asked.name())).collect();
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        vec![asked.with(&records)]
    });
    let region = region();
    run(async move {
        let (one, other) = (sharing(v4(&dns), &region), sharing(v4(&dns), &region));
        for (name, count, questions) in [("some.example", 16, 1), ("many.example", 17, 3)] {
            assert_eq!(ask(one, name).await.map(|all| all.len()), Ok(count));
            assert_eq!(ask(one, name).await, ask(other, name).await);
            assert_eq!(dns.count(), questions);
        }
    });
}

#[test]
fn who_gives_up_leaves_it_to_the_next() {
    let dns = Dns::silent();
    let region = region();
    run(async move {
        let hasty = Settings { resend_ms: 5_000, ..v4(&dns) };
        let one = sharing(Settings { resend_ms: 300, ..hasty.clone() }, &region);
        let other = sharing(hasty, &region);
        assert_eq!(one.addresses("www.example", 20).await, Err(Failure::TimedOut));
        let count = dns.count();
        assert_eq!(count, 1);
        rt::spawn(async move {
            let _ = other.addresses("www.example", LONG).await;
        });
        // Long before its own time to ask again.
        until(|| dns.count() > count).await;
    });
}

#[test]
fn a_region_of_something_else_is_refused() {
    let resolver = Resolver::new(Settings::of(vec!["127.0.0.1:53".parse().expect("an address")]));
    let region = |len| Arc::new(Region::create("names", len).expect("memory"));
    assert!(resolver.share(region(4096)).is_err());
    let other = region(resolver::size(1));
    other.claim();
    assert!(resolver.share(other).is_err());
    assert!(resolver.share(region(resolver::size(1))).is_ok());
}

/// The other worker is another process here, this same test, which is told so by its environment. It is killed when it has asked.
#[test]
fn a_dead_asker_keeps_nobody_waiting() {
    const REGION: &str = "RSERVE_TEST_REGION";
    const SERVER: &str = "RSERVE_TEST_SERVER";
    const RESEND_MS: u64 = 60_000;
    if let (Ok(path), Ok(server)) = (std::env::var(REGION), std::env::var(SERVER)) {
        let file = File::options().read(true).write(true).open(path).expect("the memory");
        let region = Arc::new(Region::inherit(file.into()).expect("the memory"));
        let server = Settings::of(vec![server.parse().expect("an address")]);
        let settings = Settings { ipv6: false, resend_ms: RESEND_MS, ..server };
        return run(async move {
            let resolver = sharing(settings, &region);
            let found = resolver.addresses("www.example", LONG).await;
            panic!("nobody answers: {found:?}");
        });
    }
    let mut first = true;
    let dns = Dns::new(move |asked| match std::mem::replace(&mut first, false) {
        true => vec![],
        false => vec![asked.with(&["www.example 60 A 10.0.0.1"])],
    });
    let region = region();
    let settings = Settings { resend_ms: RESEND_MS, ..v4(&dns) };
    let resolver = sharing(settings, &region);
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "workers::a_dead_asker_keeps_nobody_waiting"])
        .env(REGION, format!("/proc/{}/fd/{}", std::process::id(), region.as_raw_fd()))
        .env(SERVER, dns.address.to_string())
        .stdout(Stdio::null())
        .spawn()
        .expect("a process");
    run(async move {
        until(|| dns.count() == 1).await;
        // While it lives, it is waited for.
        assert_eq!(resolver.addresses("www.example", 100).await, Err(Failure::TimedOut));
        assert_eq!(dns.count(), 1);
        child.kill().expect("killed");
        assert_eq!(ask(resolver, "www.example").await, Ok(vec!["10.0.0.1".to_owned()]));
        assert_eq!(dns.count(), 2);
        child.wait().expect("ended");
    });
}
