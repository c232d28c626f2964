//! Publishers' retries: a key says which events are the same, a place which of them one is.
//!
//! ```text
//! POST  Idempotency-Key: k                     one event, place 0
//! POST  Idempotency-Key: k, text/event-stream  events 1, 2, 3 …; the end has a place, too
//! HEAD  Idempotency-Key: k                     Event-Offset: 3 of them are in the log
//! POST  Idempotency-Key: k, Event-Offset: 3    goes on with event 4
//! ```

use broadcast::{AppendError, Appended, Attributes, END, Hint, Progress, Zone};
use http::Request;
use mem::Str;
use proto::sse::EventId;

use crate::publish::arguments::{argument_once, single};
use crate::record;

/// The longest key.
const LONGEST: usize = 255;
const KEY: &str = "idempotency_key";

/// Events of one key, as far as one publisher has brought them.
pub struct Sequence {
    key: u64,
    place: u32,
    /// What is up to here was looked through.
    looked: Hint,
}

impl Sequence {
    /// Goes on behind `offset` events. `None`: there are fewer.
    pub fn new(zone: &Zone, channel: &[u8], key: &[u8], offset: u32) -> Option<Sequence> {
        let key = zone.key(key);
        let sequence = Sequence { key, place: offset, looked: Hint::default() };
        (offset == 0 || offset <= events(zone.progress(channel, key))).then_some(sequence)
    }

    /// How many events have been brought.
    pub fn offset(&self) -> u32 {
        self.place
    }

    /// What the next record says of itself.
    pub fn mark(&self, attributes: &mut Attributes) {
        attributes.key = self.key;
        attributes.place = self.place + 1;
        attributes.looked = self.looked;
    }

    /// It is in the log.
    pub fn advance(&mut self, appended: &Appended) {
        self.place += 1;
        self.looked = appended.looked;
    }
}

/// Events of a key in the log; the end of the channel is none.
pub fn events(progress: Option<Progress>) -> u32 {
    progress.map_or(0, |progress| progress.place - u32::from(ends(&progress)))
}

/// Whether the channel's end is among them.
pub fn ends(progress: &Progress) -> bool {
    progress.place > 0 && progress.flags & END != 0
}

/// The key that a request brings in a field, or in its query; the error is what is wrong with it.
pub fn key(request: &mut Request) -> Result<Option<Str>, &'static str> {
    let key = match (single(request, &[KEY])?, argument_once(request, KEY)?) {
        (Some(_), Some(_)) => return Err("the Idempotency-Key stands there twice"),
        (field, argument) => field.or(argument),
    };
    key.as_deref().map_or(Ok(()), check)?;
    Ok(key)
}

/// Whether this is a key.
pub fn check(key: &[u8]) -> Result<(), &'static str> {
    match key.len() {
        0 => Err("the Idempotency-Key is empty"),
        1..=LONGEST => Ok(()),
        _ => Err("the Idempotency-Key is longer than 255 bytes"),
    }
}

/// How many events its publisher knows to be in the log.
pub fn offset(text: Option<&[u8]>) -> Result<u32, &'static str> {
    let Some(text) = text else { return Ok(0) };
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(text).ok().filter(|_| digits);
    let number = number.and_then(|number| number.parse::<u32>().ok());
    number.filter(|&number| number < u32::MAX / 2).ok_or("the Event-Offset is a number of events")
}

/// Whether a HEAD asks how far a key has come.
pub fn is_asked(request: &Request) -> bool {
    request.headers_named(KEY).next().is_some()
}

/// The id of a record as it was stored: with what its publisher has added.
pub fn stored_id(zone: &Zone, channel: &[u8], seq: u64) -> Vec<u8> {
    let head = zone.head(channel, seq);
    head.as_deref().and_then(record::id).map_or_else(
        || {
            let mut id = Vec::new();
            EventId { epoch: zone.epoch(), seq }.write(&mut id, None);
            id
        },
        <[u8]>::to_vec,
    )
}

/// The id of an event: of one that was there already, the one that it has.
pub fn id(
    zone: &Zone,
    channel: &[u8],
    suffix: Option<&[u8]>,
    &Appended { seq, duplicate, .. }: &Appended,
) -> String {
    let mut id = Vec::with_capacity(32);
    match duplicate {
        true => id = stored_id(zone, channel, seq),
        false => EventId { epoch: zone.epoch(), seq }.write(&mut id, suffix),
    }
    String::from_utf8_lossy(&id).into_owned()
}

/// The status that tells why nothing was appended.
pub fn status(error: AppendError) -> u16 {
    match error {
        AppendError::TooLarge => 413,
        AppendError::OtherBody => 422,
        AppendError::TooManyChannels => 507,
        AppendError::Busy
        | AppendError::NotOwner
        | AppendError::Moved
        | AppendError::Unsynced
        | AppendError::File(_) => 503,
    }
}
