//! `hls_events`: listeners are told of each segment, and of cues.

use std::rc::Rc;

use rtmp::Telling;
use rtmp::follow::Stream;
use serde::Serialize;

use crate::cue::{Action, Break, Cues};
use crate::part::{Head, Track};
use crate::playlists::Names;
use crate::timeline::Segment;
use crate::web::{Addresses, Place};

/// Tells of one stream's segments.
pub struct Teller {
    telling: Rc<Telling>,
    app: &'static str,
    name: String,
}

/// The data of an event.
#[derive(Serialize)]
struct Told<'a> {
    app: &'a str,
    name: &'a str,
    number: u64,
    duration: f64,
    segment: String,
}

/// The same of a cue.
#[derive(Serialize)]
struct ToldCue<'a> {
    app: &'a str,
    name: &'a str,
    number: u64,
    cue: &'a str,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
}

impl Teller {
    /// Of this stream.
    pub fn new(telling: Rc<Telling>, stream: &Stream) -> Teller {
        let name = String::from_utf8_lossy(&stream.name).into_owned();
        Teller { telling, app: stream.app, name }
    }

    /// A segment is whole.
    pub fn tell(&self, segment: &Segment) {
        // Of several tracks the one that a player begins with.
        let track = if segment.has(Track::Video) { Track::Video } else { Track::Audio };
        let told = Told {
            app: self.app,
            name: &self.name,
            number: segment.msn,
            duration: segment.duration_ms() as f64 / 1000.0,
            segment: Addresses::new(Place::Inside, b"").by_track(track, None).segment(segment),
        };
        self.telling.event("segment", &serde_json::to_vec(&told).unwrap_or_default());
    }

    /// Cues happen with a segment, whose first part this is.
    pub fn tell_cues(&self, cues: &Cues, head: &Head) {
        let mut now = cues.before.as_ref().map(Break::id);
        for (place, cue) in (0..).zip(&cues.marks) {
            let own = cue.range(head.msn, place);
            let id = match cue.action {
                Action::Mark => own,
                Action::In => now.take().unwrap_or(own),
                Action::Out => now.insert(own).clone(),
            };
            let told = ToldCue {
                app: self.app,
                name: &self.name,
                number: head.msn,
                cue: cue.action.word(),
                id,
                class: cue.name.as_deref(),
                duration: cue.duration.map(|ms| ms as f64 / 1000.0),
            };
            self.telling.event("cue", &serde_json::to_vec(&told).unwrap_or_default());
        }
    }
}
