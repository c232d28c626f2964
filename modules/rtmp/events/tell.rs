//! `rtmp_events`: what happens to streams, as events on an SSE channel.

use std::borrow::Cow;

use serde::Serialize;

use crate::client::Asked;
use crate::publish::tracks::Told;
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
        self.tell_more(app, what, Told::default());
    }

    /// The same, with what the stream consists of.
    pub fn tell_more(self, app: &App, what: &Asked, told: Told) {
        let Some(events) = &app.events else { return };
        events.publish(self.word(), &data(app, &what.name, told));
    }
}

/// The data of an event.
#[derive(Serialize)]
struct Data<'a> {
    app: &'a str,
    name: Cow<'a, str>,
    #[serde(flatten)]
    told: Told,
}

fn data(app: &App, name: &[u8], told: Told) -> Vec<u8> {
    let data = Data { app: &app.name, name: String::from_utf8_lossy(name), told };
    serde_json::to_vec(&data).unwrap_or_default()
}

/// A publisher's worker has died: nobody else than the master can tell, which waits for nobody. `false`: it has to
/// come again.
pub fn try_tell_lost(app: &App, name: &[u8]) -> bool {
    let Some(events) = &app.events else { return true };
    events.try_publish(StreamEvent::Unpublish.word(), &data(app, name, Told::default()))
}
