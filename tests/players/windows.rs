//! A window of the browser for each player: all of them play at the same time.

use std::time::{Duration, Instant};

use support::{PATIENCE, comes_within};

use crate::stage::{LONGEST_HELD_BACK, Stage};

/// A player, and what it plays.
pub struct Player {
    pub name: &'static str,
    pub address: String,
    window: String,
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
        self.stage.chromium.go_to(&player.window);
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
        let (state, at, ready) =
            (stage.said("state"), stage.video("currentTime"), stage.video("readyState"));
        let (late, stalls, errors) = (stage.latency(), stage.stalls(), stage.errors());
        format!(
            "\n{name} {address}: {state} at {at}, readyState {ready}, {late} ms behind, {stalls} stalls, {errors}"
        )
    }

    /// Waits until each has played for some seconds more.
    pub fn watch(&self, what: &str, seconds: f64) {
        let is_moving =
            |stage: &Stage| stage.said("state") == "playing" && stage.video("videoWidth") > 0.0;
        self.wait_for(&format!("{what}: playing"), |_, stage| is_moving(stage));
        let begun: Vec<(f64, f64)> = self
            .players
            .iter()
            .map(|player| {
                let stage = self.look_at(player);
                (stage.video("currentTime"), stage.frames())
            })
            .collect();
        let begun = |player: &Player| {
            let at = self.players.iter().position(|one| one.window == player.window);
            at.map_or((0.0, 0.0), |at| begun[at])
        };
        self.wait_for(&format!("{what}: {seconds} s more"), |player, stage| {
            let (time, frames) = begun(player);
            stage.video("currentTime") > time + seconds && stage.frames() > frames
        });
    }

    /// Waits until each shows a picture that was drawn after this: see `Stage::wait_for_picture_since`.
    pub fn wait_for_pictures_since(&self, what: &str, since: Instant) {
        self.wait_longer_for(LONGEST_HELD_BACK + PATIENCE, what, |_, stage| {
            stage.latency() < since.elapsed().as_millis() as f64
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
