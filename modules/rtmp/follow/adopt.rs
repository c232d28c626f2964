//! Streams whose follower has died, or has left: another worker goes on.

use crate::follow::claim::{self, Claim};
use crate::follow::followed::{self, follow};
use crate::running::{Running, running};
use crate::settings::app::App;
use broadcast::Owner;

const TICK_MS: u64 = 1000;

/// Looks after all that this worker follows, and for what nobody follows any more, from now on.
pub fn watch(running: &'static Running) {
    let apps = running.servers.iter().flat_map(|server| &server.apps);
    if apps.into_iter().any(|app| !app.followers.is_empty()) {
        // At once: a worker that was started in the place of a dead one goes on with what that one did.
        rt::after(0, move || tick(running));
    }
}

/// What the followers of that name have noted, in all workers: those streams are followed, or will be by who adopts them.
pub fn notes(followers: &str) -> Vec<Vec<u8>> {
    running().map_or_else(Vec::new, |running| claim::notes(running.hub.attachment, followers))
}

fn tick(running: &'static Running) {
    rt::after(TICK_MS, move || tick(running));
    followed::all().iter().for_each(|followed| followed.tick());
    if !rt::draining() {
        running
            .hub
            .attachment
            .zone()
            .unowned(claim::all())
            .iter()
            .for_each(|name| adopt(running, name));
    }
}

/// Goes on with a follower's work.
fn adopt(running: &'static Running, name: &[u8]) {
    let Some((followers, channel)) = claim::parse(name) else { return };
    match app(running, channel).filter(|app| has(app, followers)) {
        Some(app) => drop(follow(running.hub, app, channel, false)),
        // The configuration has it no more.
        None => {
            let number = running.hub.with_worker(|worker| worker.next_publisher());
            let owner = Owner { pid: sys::process::pid(), number };
            let claim = Claim::take(running.hub.attachment, name, owner, false);
            claim.into_iter().for_each(|claim| claim.finish());
        }
    }
}

fn has(app: &App, name: &[u8]) -> bool {
    app.followers.iter().any(|followers| followers.name().as_bytes() == name)
}

/// The application of a stream.
fn app(running: &'static Running, channel: &[u8]) -> Option<&'static App> {
    let mut apps = running.servers.iter().flat_map(|server| &server.apps);
    apps.find(|app| channel.starts_with(app.prefix.as_bytes())).map(|app| &**app)
}
