//! Names are looked up with servers that do what a test says: over UDP and TCP, on ports of their own. Each test has its own loop
//! in its own thread.

mod found;
mod kept;
mod services;
mod wire;
mod workers;

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;

use resolver::{Failure, Found, Resolver, Settings};

use support::dns::Dns;

/// Longer than any test takes.
const LONG: u64 = 20_000;

/// Runs a task in a loop of its own, to the task's end.
fn run(task: impl Future<Output = ()> + 'static) {
    rt::create(rt::Config { slots: 4096, multi_accept: false }).expect("a loop");
    let done = Rc::new(Cell::new(false));
    let theirs = done.clone();
    rt::spawn(async move {
        task.await;
        theirs.set(true);
        rt::stop();
    });
    // A task that panics does not come so far.
    rt::after(2 * LONG, rt::stop);
    rt::run().expect("the loop runs");
    assert!(done.get(), "the task has come to its end");
}

/// The settings for these servers.
fn settings(servers: &[&Dns]) -> Settings {
    Settings::of(servers.iter().map(|server| server.address).collect())
}

fn resolver(settings: Settings) -> &'static Resolver {
    Box::leak(Box::new(Resolver::new(settings)))
}

/// The addresses that were found, as text.
fn texts(found: Result<Found, Failure>) -> Vec<String> {
    let found = found.expect("there are addresses");
    found.all.iter().map(ToString::to_string).collect()
}

/// What a resolver says of a name.
async fn ask(resolver: &'static Resolver, name: &str) -> Result<Vec<String>, Failure> {
    resolver.addresses(name, LONG).await.map(|found| texts(Ok(found)))
}

/// Waits until something is so.
async fn until(what: impl Fn() -> bool) {
    let begun = rt::now();
    while !what() {
        assert!(rt::now() < begun + LONG, "it does not come to that");
        rt::sleep(5).await;
    }
}
