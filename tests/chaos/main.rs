//! The chaos checker: publishers who count, subscribers who drop out and come back, and meanwhile
//! workers are killed, processes stand still, the configuration is read again and the binary is changed. What was
//! acknowledged is seen by everybody exactly once, in one order, and nothing is left behind.
//!
//! - `RSERVE_CHAOS_SECONDS=300 cargo test --release --test chaos` for minutes instead of seconds;
//!   `RSERVE_CHAOS_SEED=…` for the faults of a run that has failed, `RSERVE_CHAOS_FAULTS=kill` for
//!   some of them.
//! - `RSERVE_CHAOS_TWIN=nchan cargo test --release --test chaos nchan -- --nocapture` has nginx with
//!   nchan go through the same, and prints what became of its events.

mod answer;
mod disk;
mod faults;
mod ids;
mod load;
mod message;
mod nchan;
mod pause;
mod processes;
mod publisher;

mod run;
mod sse;
mod stage;
mod strangers;
mod subscriber;
mod target;
mod verdict;
mod verdict_tests;

use std::time::Duration;

use load::Load;
use nchan::Nchan;
use support::comes;
use target::{Rserve, Target};

/// Everything that must hold for rserve.
#[track_caller]
fn survives(load: &Load) {
    let seed = load::seed();
    println!("chaos with RSERVE_CHAOS_SEED={seed}: {load:?}");
    let Some(rserve) = Rserve::start(load) else {
        println!("for the load \"{}\" root and a loop device are needed", load.name);
        return;
    };
    let descriptors = processes::descriptors(&rserve);
    assert_eq!(descriptors.len(), load.workers);

    let outcome = run::run(&rserve, load, &faults::kinds(load), seed, load::time());
    println!("{}", outcome.line(rserve.name(), load));
    assert!(
        outcome.is_clean(),
        "seed {seed}: {:?}\n{:?} {:?}\n{}",
        outcome.incomplete,
        outcome.faults,
        outcome.refused.first(),
        outcome.verdict.examples.join("\n")
    );
    assert!(outcome.acked > 0 && outcome.faults.refused == 0, "{:?}", outcome.faults);
    nothing_is_left(&rserve, load, &descriptors);
}

/// The clients are gone: the processes of the start, their descriptors, no subscriber.
#[track_caller]
fn nothing_is_left(rserve: &Rserve, load: &Load, descriptors: &[usize]) {
    let server = rserve.server();
    server.wait_for("one master and its workers", || {
        processes::all(&rserve.dir()).len() == 1 + load.workers
    });
    let same = comes(|| processes::descriptors(rserve) == descriptors);
    assert!(same, "{descriptors:?} descriptors at first, now {}", processes::open(rserve));
    for number in 0..load.channels {
        let path = format!("/events/{}", load::channel(number));
        let mut figures = String::new();
        let none = comes(|| {
            let accept = "Accept: application/vnd.rserve.channel+json";
            figures = server.curl(&["-H", accept], &path).text().replace(' ', "");
            figures.contains("\"subscribers\":0,")
        });
        assert!(none, "nobody is there any more: {figures}");
    }
    let log = server.error_log();
    let fatal = log.lines().find(|line| line.contains("[emerg]") || line.contains("panicked"));
    assert_eq!(fatal, None);
}

#[test]
fn few_clients_miss_nothing() {
    survives(&load::FEW);
}

#[test]
fn many_clients_miss_nothing() {
    survives(&load::MANY);
}

#[test]
fn clients_of_many_processes_miss_nothing() {
    survives(&load::WIDE);
}

#[test]
fn what_is_acknowledged_outlives_the_master() {
    survives(&load::DURABLE);
}

#[test]
fn what_is_acknowledged_outlives_the_power() {
    survives(&load::CUT);
}

#[test]
fn what_a_small_zone_has_lost_is_told() {
    survives(&load::LAPPED);
}

#[test]
fn large_messages_are_not_torn() {
    survives(&load::LARGE);
}

/// The checker itself: where nothing goes wrong but that clients come and go, it finds nothing. This
/// server is not ours, and one channel of it keeps its promises.
#[test]
fn a_quiet_run_is_clean() {
    let (seed, load) = (load::seed(), &load::FEW);
    let nchan = Nchan::start(load);
    let outcome = run::run(&nchan, load, &[], seed, Duration::from_secs(2));
    assert!(outcome.is_clean(), "{:?}\n{:?}", outcome.incomplete, outcome.verdict);
    assert!(outcome.acked > 0 && outcome.connections > load.subscribers);
}

/// Asserts nothing: it tells what the same chaos does to nchan, when it is asked to.
#[test]
fn nchan_for_comparison() {
    if std::env::var("RSERVE_CHAOS_TWIN").as_deref() != Ok("nchan") {
        return;
    }
    for load in [&load::FEW, &load::MANY] {
        let seed = load::seed();
        println!("chaos with RSERVE_CHAOS_SEED={seed}: {load:?}");
        let nchan = Nchan::start(load);
        let outcome = run::run(&nchan, load, &faults::kinds(load), seed, load::time());
        outcome.verdict.examples.iter().for_each(|example| println!("  {example}"));
        println!("  {:?} {:?} {:?}", outcome.incomplete, outcome.faults, outcome.refused.first());
        println!("{}", outcome.line(nchan.name(), load));
    }
}
