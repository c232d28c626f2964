//! A stream of events, published as it arrives.

use std::collections::VecDeque;

use broadcast::{AppendError, Appended};
use http::{Flow, Request};
use proto::sse::{self, Parser};

use crate::endpoint::parts::Endpoint;
use crate::publish::answer::{self, Taken};
use crate::publish::append::{self, NewEvent};
use crate::publish::asked::Asked;
use crate::publish::sequence::Sequence;
use crate::subscribe::protocol::Hub;

/// So much of a body is looked at at once.
const PIECE: usize = 32 << 10;

/// The handler of a body that is an event stream.
pub async fn publish(
    endpoint: &Endpoint,
    hub: &'static Hub,
    channel: &[u8],
    request: &mut Request,
    asked: &Asked,
) -> Flow {
    let (zone, settings) = (hub.attachment.zone(), &endpoint.settings);
    let mut sequence = None;
    if let Some(key) = &asked.key {
        sequence = Sequence::new(zone, channel, key, asked.offset);
        if sequence.is_none() {
            let why = "fewer events of this key are in the log than the Event-Offset says";
            return endpoint.problem(request, 409, why);
        }
    }
    let mut publisher = StreamPublisher::new(endpoint, hub, channel, sequence);
    let mut parser = Parser::new(settings.max_message);
    let mut input = Vec::new();
    let mut body = request.take_body();
    loop {
        input.clear();
        let more = match body.read(&mut input, PIECE).await {
            Ok(more) => more,
            Err(error) => return answer::refuse_body(endpoint, request, error.status()),
        };
        let fed = parser.feed(&input, |event| publisher.take(&event));
        hub.disk.appended(settings.sync);
        publisher.catch_up().await;
        match (fed, publisher.refusal.take()) {
            (_, Some(Refusal::Field(why))) => return endpoint.problem(request, 400, &why),
            (_, Some(Refusal::Zone(error))) => return answer::refuse(endpoint, request, error),
            (Err(_), _) => return endpoint.problem(request, 413, "an event is too large"),
            (Ok(()), None) => {}
        }
        if !more {
            break;
        }
    }
    let offset = publisher.sequence.as_ref().map(Sequence::offset);
    let StreamPublisher { sequence, count, mut last, .. } = publisher;
    if asked.ends {
        // Also a channel that had no event: who comes later is to learn that none will.
        let end = || append::append_end(zone, settings, channel, sequence.as_ref());
        match answer::with_space(hub, end).await {
            Ok(appended) => last = Some(appended),
            Err(error) => return answer::refuse(endpoint, request, error),
        }
    }
    let taken = Taken { id: None, last, published: Some(count), offset };
    answer::acknowledge(endpoint, request, hub, channel, taken).await
}

/// What is in the log of a stream, and what is not yet.
struct StreamPublisher<'a> {
    endpoint: &'a Endpoint,
    hub: &'static Hub,
    channel: &'a [u8],
    sequence: Option<Sequence>,
    /// Events that were not there before.
    count: u64,
    last: Option<Appended>,
    /// Why no more is taken.
    refusal: Option<Refusal>,
    /// Events from the first one on for which the zone's file has no room before its next sync.
    waiting: VecDeque<Waiting>,
}

enum Refusal {
    Field(String),
    Zone(AppendError),
}

/// A copy of an event.
struct Waiting {
    event: Vec<u8>,
    id: Option<Vec<u8>>,
    data: Vec<u8>,
}

impl<'a> StreamPublisher<'a> {
    fn new(
        endpoint: &'a Endpoint,
        hub: &'static Hub,
        channel: &'a [u8],
        sequence: Option<Sequence>,
    ) -> StreamPublisher<'a> {
        let (waiting, refusal) = (VecDeque::new(), None);
        StreamPublisher { endpoint, hub, channel, sequence, count: 0, last: None, refusal, waiting }
    }

    /// Takes the next event.
    fn take(&mut self, event: &sse::Event<'_>) {
        if self.refusal.is_some() {
            return;
        }
        let event = match publishable(event) {
            Ok(event) => event,
            Err(why) => return self.refusal = Some(Refusal::Field(why)),
        };
        let appended = match self.waiting.is_empty() {
            true => self.append(&event),
            false => Err(AppendError::Unsynced),
        };
        match appended {
            Ok(_) => {}
            Err(AppendError::Unsynced) => self.waiting.push_back(Waiting {
                event: event.event.to_vec(),
                id: event.id.map(<[u8]>::to_vec),
                data: event.data.to_vec(),
            }),
            Err(error) => self.refusal = Some(Refusal::Zone(error)),
        }
    }

    fn append(&mut self, event: &NewEvent<'_>) -> Result<Appended, AppendError> {
        let (zone, settings) = (self.hub.attachment.zone(), &self.endpoint.settings);
        let sequence = &mut self.sequence;
        let appended = append::append_next(zone, settings, self.channel, event, sequence)?;
        self.count += u64::from(!appended.duplicate);
        self.last = Some(appended);
        Ok(appended)
    }

    /// Publishes what waits, as the disk lets it.
    async fn catch_up(&mut self) {
        while let Some(waiting) = self.waiting.pop_front() {
            let event =
                NewEvent { event: &waiting.event, id: waiting.id.as_deref(), data: &waiting.data };
            if let Err(error) = answer::with_space(self.hub, || self.append(&event)).await {
                self.waiting.clear();
                self.refusal = Some(Refusal::Zone(error));
            }
        }
    }
}

/// An event as it may be published; the error says why it may not.
fn publishable<'e>(event: &sse::Event<'e>) -> Result<NewEvent<'e>, String> {
    let id = event.id.filter(|id| !id.is_empty());
    let checked = match event.event.is_empty() {
        true => Ok(()),
        false => sse::check_event_type(event.event),
    };
    let checked = checked.and(id.map_or(Ok(()), sse::check_id));
    let checked = checked.and(sse::check_data(event.data));
    checked.map_err(|error| error.to_string())?;
    Ok(NewEvent { event: event.event, id, data: event.data })
}
