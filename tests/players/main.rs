//! The players that people put into their pages: hls.js, dash.js, Shaka, mpegts.js. They play what the server cuts, without a
//! stall, through a reload, and on through dead workers and a publisher that comes back.
//!
//! A program of its own, in which who watches for stalls is alone: a player that is close to the live edge stands still where
//! other tests take the processors.

#[allow(dead_code, reason = "the tests of the pages use the rest")]
#[path = "../browser/chromium/mod.rs"]
mod chromium;
#[allow(dead_code, reason = "it can do more than is asked for here")]
#[path = "../rtmp/client/mod.rs"]
mod client;
mod codecs;
#[allow(dead_code, reason = "there are more codecs than browsers play")]
#[path = "../hls/coded.rs"]
mod coded;
#[allow(dead_code, reason = "there are more kinds of frames than are sent here")]
#[path = "../rtmp/frames.rs"]
mod frames;
mod live;
mod past;
mod recordings;
#[allow(dead_code, reason = "the tests of the pages use the rest")]
#[path = "../browser/stage/mod.rs"]
mod stage;
mod windows;

use std::path::PathBuf;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use stage::Stage;

const PAGE: &str = include_str!("page.html");
const PROGRAM: &str = include_str!("page.js");

/// Who is to have the processors alone.
static PROCESSORS: RwLock<()> = RwLock::new(());

fn alone() -> RwLockWriteGuard<'static, ()> {
    PROCESSORS.write().unwrap_or_else(PoisonError::into_inner)
}

fn beside_others() -> RwLockReadGuard<'static, ()> {
    PROCESSORS.read().unwrap_or_else(PoisonError::into_inner)
}

/// Where the packages are: beside this program's folder.
fn packages() -> PathBuf {
    let program = std::env::current_exe().expect("a path");
    let target = program.ancestors().nth(3).expect("the build directory");
    let packages = target.join("clients/node/node_modules");
    let hint = "run tests/clients/install";
    assert!(packages.join("hls.js").exists(), "no players in {}: {hint}", packages.display());
    packages
}

/// A server with these settings or applications and locations, and a page for these players.
fn stage(settings: &str, locations: &str) -> Stage {
    let locations = format!(
        "location /players/ {{ alias {}/; }} location /watch/ {{ root watched; }}
        {locations}
        location = /streams ",
        packages().display()
    );
    let stage = Stage::with(|conf| {
        let conf = conf.replace("application live ", &format!("{settings} application live "));
        conf.replace("location = /streams ", &locations)
    });
    stage.server.file("watched/watch/index.html", PAGE);
    stage.server.file("watched/watch/page.js", PROGRAM);
    stage
}

impl Stage {
    fn number(&self, expression: &str) -> f64 {
        self.chromium.number(expression)
    }

    /// What went wrong, in the player's words.
    fn errors(&self) -> String {
        self.chromium.text("JSON.stringify(watched.errors)")
    }

    fn reload(&self) {
        let old = self.server.workers();
        self.server.signal("HUP");
        self.server.wait_for("the new workers", || {
            self.server.workers().iter().filter(|worker| !old.contains(worker)).count() == 2
        });
    }
}
