//! `rtmp_events`: what happens to streams, as events on an SSE channel.

use proto::json;

use crate::client::Asked;
use crate::settings::app::App;

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEvent {
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

impl StreamEvent {
    fn word(self) -> &'static str {
        match self {
            StreamEvent::Publish => "publish",
            StreamEvent::Unpublish => "unpublish",
            StreamEvent::Play => "play",
            StreamEvent::Stop => "stop",
            StreamEvent::Metadata => "metadata",
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
    events.try_publish(StreamEvent::Unpublish.word(), &data)
}
