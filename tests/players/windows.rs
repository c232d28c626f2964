//! A window of the browser for each player: all of them play at the same time.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use support::{PATIENCE, comes_within};

use crate::stage::{LONGEST_HELD_BACK, Seen, Stage};

/// A player, and what it plays.
pub struct Player {
    pub name: &'static str,
    pub address: String,
    window: usize,
}

/// A server, and those who play.
pub struct Windows {
    pub stage: Stage,
    pub players: Vec<Player>,
}

impl Windows {
    pub fn new(stage: Stage) -> Windows {
        Windows { stage, players: Vec::new() }
    }

    /// Opens a window for the player. Each has a name of the server of its own: a browser has six connections to one, and
    /// one process.
    pub fn play(&mut self, name: &'static str, address: String) {
        let window = self.stage.chromium.open_window();
        let (host, port) = (self.players.len(), self.stage.server.port());
        let query = format!("player={name}&address={address}");
        let url = format!("http://window{host}.localhost:{port}/watch/index.html?{query}");
        self.stage.chromium.open(&url);
        self.players.push(Player { name, address, window });
    }

    /// Asks this window.
    pub fn look_at(&self, player: &Player) -> &Stage {
        self.stage.chromium.go_to(player.window);
        &self.stage
    }

    /// Waits until it is so in each window; who is right is not asked again.
    pub fn wait_for(&self, what: &str, is_so: impl FnMut(&Player, &Stage) -> bool) {
        self.wait_longer_for(PATIENCE, what, is_so);
    }

    fn wait_longer_for(
        &self,
        patience: Duration,
        what: &str,
        mut is_so: impl FnMut(&Player, &Stage) -> bool,
    ) {
        let mut others: Vec<&Player> = self.players.iter().collect();
        let all = comes_within(patience, || {
            others.retain(|player| !is_so(player, self.look_at(player)));
            others.is_empty()
        });
        let others: String = others.iter().map(|player| self.report(player)).collect();
        assert!(all, "waited in vain for: {what}{others}");
    }

    /// How a player is.
    pub fn report(&self, player: &Player) -> String {
        let stage = self.look_at(player);
        let (name, address) = (player.name, &player.address);
        format!("\n{name} {address}: {:?}, {}", stage.seen(), stage.errors())
    }

    /// Waits until each has played for some seconds more.
    pub fn watch(&self, what: &str, seconds: f64) {
        self.wait_for(&format!("{what}: playing"), |_, stage| stage.seen().is_moving());
        let begun: HashMap<usize, Seen> =
            self.players.iter().map(|one| (one.window, self.look_at(one).begin())).collect();
        self.wait_for(&format!("{what}: {seconds} s more"), |player, stage| {
            stage.seen().is_beyond(&begun[&player.window], seconds)
        });
    }

    /// Waits until each shows a picture that was drawn after this: see `Stage::wait_for_picture_since`.
    pub fn wait_for_pictures_since(&self, what: &str, since: SystemTime) {
        self.wait_longer_for(LONGEST_HELD_BACK + PATIENCE, what, |_, stage| {
            stage.seen().is_since(since)
        });
    }

    /// Nobody has given up.
    pub fn assert_well(&self) {
        for player in &self.players {
            let fatal = self.look_at(player).number("watched.fatal");
            assert!(fatal == 0.0, "{}", self.report(player));
        }
    }
}
