//! Messages as they come.

use proto::rtmp::amf::{Decoder, Value};
use proto::rtmp::message::{self, UserControl};

use crate::frames::label;

/// A message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub csid: u32,
    pub kind: u8,
    pub stream: u32,
    pub time: u32,
    pub payload: Vec<u8>,
}

impl Message {
    /// The values of a command or a data message.
    pub fn values(&self) -> Vec<Value<'_>> {
        let mut decoder = Decoder::new(&self.payload);
        std::iter::from_fn(|| decoder.next().ok().flatten()).collect()
    }

    /// The first of them: the name of a command.
    pub fn name(&self) -> String {
        let is_named = matches!(self.kind, message::COMMAND | message::DATA);
        let values = if is_named { self.values() } else { Vec::new() };
        let name = values.first().and_then(Value::as_bytes).unwrap_or_default();
        String::from_utf8_lossy(name).into_owned()
    }

    /// The number of the call that it answers.
    pub fn transaction(&self) -> f64 {
        self.values().get(1).and_then(Value::as_f64).unwrap_or(-1.0)
    }

    /// A member of the last value: `code`, `description`.
    pub fn info(&self, member: &str) -> String {
        let values = self.values();
        let text = values.last().and_then(|info| info.get(member)).and_then(Value::as_bytes);
        String::from_utf8_lossy(text.unwrap_or_default()).into_owned()
    }

    /// What it is, in a word: `NetStream.Play.Start`, `_result`, `StreamBegin(1)`, `k3@40`.
    pub fn said(&self) -> String {
        match self.kind {
            message::COMMAND if self.info("code").is_empty() => self.name(),
            message::COMMAND => self.info("code"),
            message::USER_CONTROL => format!("{:?}", UserControl::parse(&self.payload)),
            message::AUDIO | message::VIDEO | message::DATA => label(self),
            kind => format!("kind {kind}"),
        }
    }

    /// Whether it belongs to a stream's content.
    pub fn is_content(&self) -> bool {
        let media = matches!(self.kind, message::AUDIO | message::VIDEO | message::DATA);
        media && self.name() != "|RtmpSampleAccess"
    }
}
