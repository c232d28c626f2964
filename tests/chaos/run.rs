//! One run: subscribers, publishers and faults, then the judgement.

use std::collections::HashSet;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use crate::faults::Faults;
use crate::load::{Load, channel};
use crate::publisher::{Published, Publisher};
use crate::stage::{self, Phase, Stage};
use crate::strangers;
use crate::subscriber::Subscriber;
use crate::target::Target;
use crate::verdict::{Posted, Seen, Verdict, judge};
use support::Random;

/// What came of it.
pub struct Outcome {
    pub verdict: Verdict,
    /// Gaps, also where they may be.
    pub told: u64,
    pub faults: Faults,
    /// Messages that were answered.
    pub acked: usize,
    pub refused: Vec<String>,
    pub unanswered: u32,
    pub connections: usize,
    /// Not every subscriber, or publisher, came to its end in time.
    pub incomplete: Option<&'static str>,
}

impl Outcome {
    /// Whether all went as it must.
    pub fn is_clean(&self) -> bool {
        let answered = self.refused.is_empty() && self.unanswered == 0;
        self.verdict.is_clean() && answered && self.incomplete.is_none()
    }

    /// One line for `benches/e2e/chaos`, as JSON.
    pub fn line(&self, server: &str, load: &Load) -> String {
        let Outcome { verdict, told, faults, acked, refused, unanswered, connections, .. } = self;
        let Faults { kills, reloads, upgrades, stops, crashes, fills, .. } = faults;
        let (load, refused) = (load.name, refused.len());
        format!(
            "CHAOS {{\"server\": \"{server}\", \"load\": \"{load}\", \"acked\": {acked}, {verdict}, \
             \"refused\": {refused}, \"unanswered\": {unanswered}, \"connections\": {connections}, \
             \"kills\": {kills}, \"reloads\": {reloads}, \"upgrades\": {upgrades}, \"stops\": {stops}, \"crashes\": {crashes}, \"fills\": {fills}, \"told\": {told}}}"
        )
    }
}

/// Runs it all against a server.
pub fn run(target: &dyn Target, load: &Load, kinds: &[&str], seed: u64, time: Duration) -> Outcome {
    let stage = Stage::default();
    stage.enter(Phase::Coming);
    let mut faults = Faults::default();
    let mut incomplete = None;
    let publisher = |number| Publisher {
        target,
        stage: &stage,
        load,
        number,
        seed,
        random: Random::new(seed, 1000 + u64::from(number)),
        connection: None,
        report: Published::default(),
    };
    let (published, seen) = thread::scope(|scope| {
        let subscribers: Vec<_> = (0..load.subscribers)
            .map(|number| subscriber(target, &stage, load, number, seed))
            .map(|subscriber| scope.spawn(|| subscriber.run()))
            .collect();
        let mut published = Vec::new();
        if stage::all(&stage.ready, load.subscribers) {
            stage.enter(Phase::Chaos);
            let publishers: Vec<_> = (0..load.publishers)
                .map(publisher)
                .map(|publisher| scope.spawn(|| publisher.run()))
                .collect();
            let stage = &stage;
            for number in 0..load.strangers {
                scope.spawn(move || strangers::flood(target, stage, seed, number));
            }
            faults = Faults::inject(target, kinds, &mut Random::new(seed, 0), time);
            stage.enter(Phase::Calm);
            let mut all = stage::all(&stage.silent, publishers.len());
            let last = scope.spawn(|| publisher(load.last()).finish());
            all &= stage::all(&stage.silent, publishers.len() + 1);
            if !all {
                incomplete = Some("publishers wait for answers");
            } else if !stage::all(&stage.complete, load.subscribers) {
                stage.enter(Phase::Again);
                stage::all(&stage.complete, load.subscribers);
            }
            stage.enter(Phase::Over);
            published.extend(publishers.into_iter().chain([last]).map(joined));
        } else {
            incomplete = Some("subscribers have no place in the stream");
        }
        stage.enter(Phase::Over);
        let seen: Vec<Seen> = subscribers.into_iter().map(joined).collect();
        (published, seen)
    });
    let connections = stage.connections.load(SeqCst);
    Outcome { connections, incomplete, ..outcome(target, load, faults, published, seen) }
}

/// What is to be said of all that was published and seen.
fn outcome(
    target: &dyn Target,
    load: &Load,
    faults: Faults,
    published: Vec<Published>,
    mut seen: Vec<Seen>,
) -> Outcome {
    let mut all = Published::default();
    for one in published {
        all.log.extend(one.log);
        all.refused.extend(one.refused);
        all.unanswered += one.unanswered;
    }
    if !load.may_lose() {
        // What was acknowledged must be there, told or not.
        seen.iter_mut().for_each(|one| one.told.clear());
    }
    let mut verdict = judge(&all.log, &seen, target.total_order());
    let told = verdict.gaps;
    // Behind a power cut nobody knows what a reader has had that is not on the disk.
    if load.may_lose() || load.has_disk() {
        verdict.gaps = 0;
    }
    // A worker whose master is gone, or whose zone is being read, takes nothing: the publisher asks again.
    if load.may_lose() || faults.crashes > 0 {
        all.refused.retain(|text| !text.starts_with("503"));
    }
    Outcome {
        verdict,
        told,
        faults,
        acked: all.log.iter().filter(|post: &&Posted| post.acked).count(),
        refused: all.refused,
        unanswered: all.unanswered,
        connections: 0,
        incomplete: None,
    }
}

fn joined<T>(handle: ScopedJoinHandle<'_, T>) -> T {
    handle.join().expect("an actor that does not panic")
}

/// By turns: one channel, some channels, all channels.
fn subscriber<'a>(
    target: &'a dyn Target,
    stage: &'a Stage,
    load: &'a Load,
    number: usize,
    seed: u64,
) -> Subscriber<'a> {
    let mut random = Random::new(seed, 1 + number as u64);
    let all = load.channels as usize;
    let first = random.below(all);
    let count = [1, all.min(3), all][number % 3];
    let channels: Vec<u32> = (first..first + count).map(|one| (one % all) as u32).collect();
    let names: Vec<String> = channels.iter().map(|one| channel(*one)).collect();
    Subscriber {
        target,
        stage,
        load,
        path: match number % 3 {
            2 => target.all(number / 3).to_owned(),
            _ => format!("/events/{}", names.join(",")),
        },
        random,
        last: None,
        open: channels.iter().copied().collect::<HashSet<u32>>(),
        ready: false,
        gap: None,
        seen: Seen { channels, ..Seen::default() },
    }
}
