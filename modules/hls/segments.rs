//! The segments of an application's streams: each of these has a follower.

use std::cell::Cell;
use std::rc::Rc;

use broadcast::Owner;
use rtmp::Telling;
use rtmp::follow::{Follow, Followers, Stream};

use crate::settings::Settings;
use crate::stream::Segmented;
use crate::tell::Teller;
use crate::zone::HlsZone;

/// Nobody sees how late a message of a segment is read.
const PATIENCE_MS: u64 = 100;

/// Segments of all streams of an application.
pub struct Segments {
    /// What it asks for.
    pub settings: Settings,
    /// Where they are.
    pub zone: Rc<HlsZone>,
    /// `hls_events`
    pub telling: Option<Rc<Telling>>,
}

thread_local! {
    /// Segmenters that this process has had.
    static NUMBER: Cell<u32> = const { Cell::new(0) };
}

impl Followers for Segments {
    fn name(&self) -> &str {
        "hls"
    }

    /// A part is of use when it is whole.
    fn patience(&self) -> u64 {
        self.settings.options.part.map_or(PATIENCE_MS, |part| (part / 20).min(PATIENCE_MS))
    }

    fn follow(&self, stream: Stream) -> Result<Box<dyn Follow>, String> {
        let hub = self.zone.hub().ok_or("the hls_zone has no hub")?;
        let number = NUMBER.get().wrapping_add(1).max(1);
        NUMBER.set(number);
        let owner = Owner { pid: sys::process::pid(), number };
        let claimed = hub.attachment.zone().claim(&stream.channel, owner, true, u32::MAX);
        let id = claimed.map_err(|error| format!("the hls_zone: {error}"))?;
        let teller = self.telling.clone().map(|telling| Teller::new(telling, &stream));
        Ok(Box::new(Segmented::open(hub, id, owner, stream, &self.settings, teller)))
    }
}
