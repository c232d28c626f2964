//! Where a player begins.

use broadcast::{ChannelId, Start};

use crate::grace;
use crate::hub::{self, Hub};
use crate::player::{Counts, Opening, Player, State};
use crate::settings::App;

/// A stream that somebody is about to play. Its subscription is to be given to a player, or back.
pub struct Joined {
    /// The stream.
    pub id: ChannelId,
    /// It has a publisher, or waits for it to come back.
    pub live: bool,
    cursor: u64,
    told: u64,
    quiet_until: u64,
}

/// Joins a stream of an application. `None`: there is no room for another.
pub fn join(hub: &Hub, app: &'static App, name: &[u8]) -> Option<Joined> {
    let attachment = &hub.attachment;
    let id = hub::subscribe(attachment, &app.channel(name)).ok()?;
    let live = grace::is_live(attachment, id, app);
    let newest = attachment.zone().newest();
    let start = match (live, app.delay) {
        (false, _) => Start::Newest,
        (true, 0) => Start::Marked,
        (true, delay) => Start::MarkedBefore(attachment.zone().now().saturating_sub(delay)),
    };
    let (cursor, told) = attachment.start(&[id], start);
    let quiet_until = if app.gop_cache || app.delay > 0 { 0 } else { newest };
    Some(Joined { id, live, cursor, told, quiet_until })
}

/// The player of a stream that was joined.
pub fn player(outlet: u32, app: &'static App, message_stream: u32, joined: &Joined) -> Player {
    Player {
        number: 0,
        outlet,
        stream: joined.id,
        at: 0,
        app,
        message_stream,
        state: State::at(joined.cursor),
        told: joined.told,
        quiet_until: joined.quiet_until,
        waiting: false,
        audio: true,
        video: true,
        paused: false,
        opening: Opening::default(),
        counts: Counts::default(),
    }
}
