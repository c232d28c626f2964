//! `rtmp_events`: what happens to streams, as events on an SSE channel.

use proto::json;

use crate::client::Asked;
use crate::options::Options;
use crate::settings::App;

/// The channel of an application's events.
#[derive(Clone, Debug)]
pub struct Events {
    zone: String,
    channel: String,
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A client publishes.
    Publish,
    /// It does so no more.
    Unpublish,
    /// A client plays.
    Play,
    /// It does so no more.
    Stop,
    /// A publisher has told what its stream consists of.
    Metadata,
}

impl Events {
    /// As these options say.
    pub fn new(options: &Options) -> Option<Events> {
        let (zone, channel) = options.events.get()?.text.split_once(':')?;
        Some(Events { zone: zone.to_owned(), channel: channel.to_owned() })
    }

    /// Publishes an event with this data.
    pub fn publish(&self, event: &str, data: &[u8]) {
        if let Err(why) = sse::announce(&self.zone, self.channel.as_bytes(), event.as_bytes(), data)
        {
            let Events { zone, channel } = self;
            sys::log!(Error, "no event on \"{channel}\" of the sse_zone \"{zone}\": {why}");
        }
    }
}

impl Happening {
    fn word(self) -> &'static str {
        match self {
            Happening::Publish => "publish",
            Happening::Unpublish => "unpublish",
            Happening::Play => "play",
            Happening::Stop => "stop",
            Happening::Metadata => "metadata",
        }
    }

    /// Tells of it, where the application has a channel for that. Everybody may read it: clients are not named.
    pub fn tell(self, app: &App, what: &Asked) {
        self.tell_more(app, what, |_| {});
    }

    /// The same, with more members.
    pub fn tell_more(self, app: &App, what: &Asked, more: impl FnOnce(&mut Vec<u8>)) {
        let Some(events) = &app.events else { return };
        let mut data = Vec::with_capacity(128);
        data.push(b'{');
        stream(&mut data, app.name.as_bytes(), &what.name);
        more(&mut data);
        data.push(b'}');
        events.publish(self.word(), &data);
    }
}

/// The members that name a stream.
fn stream(data: &mut Vec<u8>, app: &[u8], name: &[u8]) {
    data.extend_from_slice(b"\"app\":");
    json::string(data, app);
    data.extend_from_slice(b",\"name\":");
    json::string(data, name);
}

/// A publisher's worker has died: nobody else than the master can tell, which waits for nobody. `false`: it has to
/// come again.
pub fn try_tell_lost(app: &App, name: &[u8]) -> bool {
    let Some(events) = &app.events else { return true };
    let mut data = b"{".to_vec();
    stream(&mut data, app.name.as_bytes(), name);
    data.push(b'}');
    sse::try_announce(
        &events.zone,
        events.channel.as_bytes(),
        Happening::Unpublish.word().as_bytes(),
        &data,
    )
}
