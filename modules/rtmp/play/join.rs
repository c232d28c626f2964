//! Where a player begins.

use broadcast::{From, Start};
use live::Membership;

use crate::play::player::{Opening, Player, PlayerCounts, PlayerState};
use crate::play::protocol::{Hub, Reader};
use crate::publish::resume;
use crate::settings::app::App;

/// A stream that somebody is about to play.
pub struct Joined {
    membership: Membership,
    /// It has a publisher, or waits for it to come back.
    pub live: bool,
    cursor: u64,
    told: u64,
    quiet_until: u64,
}

/// Joins a stream of an application. `None`: there is no room for another. Those that nobody publishes have half of the
/// slots at most: players cannot keep publishers out.
pub fn join(hub: &Hub, app: &'static App, name: &[u8]) -> Option<Joined> {
    let attachment = hub.attachment;
    let (membership, _) = Membership::of_channel(attachment, &app.channel(name)).ok()?;
    let id = membership.single()?;
    let live = resume::is_live(attachment, id, app);
    let newest = attachment.zone().newest();
    let start = match (live, app.delay) {
        (false, _) => Start::Newest,
        (true, 0) => Start::Marked,
        (true, delay) => Start::MarkedBefore(attachment.zone().now().saturating_sub(delay)),
    };
    let (cursor, told) = attachment.start(&[id], start);
    let quiet_until = if app.gop_cache || app.delay > 0 { 0 } else { newest };
    Some(Joined { membership, live, cursor, told, quiet_until })
}

impl Joined {
    /// The stream's player.
    pub fn player(self, app: &'static App, message_stream: u32) -> Reader {
        let player = Player {
            app,
            message_stream,
            state: PlayerState::new(),
            quiet_until: self.quiet_until,
            audio: true,
            video: true,
            paused: false,
            opening: Opening::default(),
            mux: None,
            counts: PlayerCounts::default(),
        };
        Reader::new(self.membership, self.cursor, self.told, player)
    }
}

/// Takes a player in; it plays on a connection. Its first frames go out at once: where many come together, it need not wait
/// for what the others have to say.
pub fn add(hub: &Hub, outlet: u32, player: Reader) -> u32 {
    let number = hub.add_reader(outlet, player, From::Cursor);
    hub.serve(outlet);
    number
}
