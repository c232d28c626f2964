//! What a stream gives, as it comes, or kept until it can be taken.

use std::borrow::Cow;

use rtmp::follow::{Change, Message};

use crate::recording::frame::Frame;

/// A message, or a change of the stream.
pub struct Item<'a> {
    /// Its number in the log.
    pub seq: u64,
    /// When it came, in milliseconds of Unix time.
    pub wall: u64,
    /// What it is.
    pub what: What<'a>,
}

/// What an item is.
pub enum What<'a> {
    /// A message of the stream.
    Message {
        /// RTMP's type.
        kind: u8,
        /// The stream's clock, milliseconds.
        time: u32,
        /// What is in it.
        frame: Frame,
        /// All tracks have shown themselves.
        settled: bool,
        /// The payload, as FLV has it.
        payload: Cow<'a, [u8]>,
    },
    /// Something has happened to the stream.
    Change(Change),
}

impl<'a> Item<'a> {
    /// A message as it comes.
    pub fn of(message: &Message<'a>) -> Item<'a> {
        Item {
            seq: message.seq,
            wall: message.wall,
            what: What::Message {
                kind: message.kind,
                time: message.time,
                frame: Frame::of(message),
                settled: message.is_settled(),
                payload: Cow::Borrowed(message.payload),
            },
        }
    }

    /// To be kept.
    pub fn into_owned(self) -> Item<'static> {
        let Item { seq, wall, what } = self;
        let what = match what {
            What::Change(change) => What::Change(change),
            What::Message { kind, time, frame, settled, payload } => {
                let payload = Cow::Owned(payload.into_owned());
                What::Message { kind, time, frame, settled, payload }
            }
        };
        Item { seq, wall, what }
    }

    /// Bytes of memory that it takes.
    pub fn len(&self) -> usize {
        let payload = match &self.what {
            What::Message { payload, .. } => payload.len(),
            What::Change(_) => 0,
        };
        payload + size_of::<Item<'_>>()
    }
}
