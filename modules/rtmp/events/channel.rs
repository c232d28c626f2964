//! `rtmp_events`: the SSE channel on which an application says what happens.

/// The channel of an application's events.
#[derive(Clone, Debug)]
pub struct Events {
    zone: String,
    channel: String,
}

impl Events {
    /// As `ZONE:CHANNEL` says.
    pub fn parse(text: &str) -> Option<Events> {
        let (zone, channel) = text.split_once(':')?;
        Some(Events { zone: zone.to_owned(), channel: channel.to_owned() })
    }

    /// Publishes an event with this data.
    pub fn publish(&self, event: &str, data: &[u8]) {
        if let Err(why) = sse::publish(&self.zone, self.channel.as_bytes(), event.as_bytes(), data)
        {
            let Events { zone, channel } = self;
            sys::log!(Error, "no event on \"{channel}\" of the sse_zone \"{zone}\": {why}");
        }
    }

    /// The same, for the master, which waits for nobody: `false`, if it has to come again.
    pub fn try_publish(&self, event: &str, data: &[u8]) -> bool {
        sse::try_publish(&self.zone, self.channel.as_bytes(), event.as_bytes(), data)
    }
}
