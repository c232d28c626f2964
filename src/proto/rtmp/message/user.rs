//! User control messages.

/// An event about a message stream, or about the connection (RTMP 1.0 §7.1.7).
///
/// ```text
/// event (2) stream (4)                     0, 1, 2, 4
/// event (2) stream (4) milliseconds (4)    3
/// event (2) timestamp (4)                  6, 7
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserControl {
    /// 0: the stream is there.
    StreamBegin(u32),
    /// 1: the stream has come to its end.
    StreamEof(u32),
    /// 2: nothing comes on the stream for a while.
    StreamDry(u32),
    /// 3: how much the client buffers.
    SetBufferLength {
        /// The message stream.
        stream: u32,
        /// Milliseconds; `None`: the message ended before them.
        ms: Option<u32>,
    },
    /// 4: the stream is a recorded one.
    StreamIsRecorded(u32),
    /// 6: asks for a [`Pong`](UserControl::Pong) with the same number.
    Ping(u32),
    /// 7: the answer.
    Pong(u32),
    /// Another event.
    Unknown(u16),
}

impl UserControl {
    /// Reads a payload; `None`: it is too short. What follows is passed over.
    pub fn parse(payload: &[u8]) -> Option<UserControl> {
        use UserControl::*;
        let (event, body) = payload.split_first_chunk()?;
        let number = super::number(body);
        Some(match u16::from_be_bytes(*event) {
            0 => StreamBegin(number?),
            1 => StreamEof(number?),
            2 => StreamDry(number?),
            3 => SetBufferLength { stream: number?, ms: body.get(4..).and_then(super::number) },
            4 => StreamIsRecorded(number?),
            6 => Ping(number?),
            7 => Pong(number?),
            event => Unknown(event),
        })
    }

    /// Appends the payload. That of an unknown event ends with its number.
    pub fn write(&self, out: &mut Vec<u8>) {
        use UserControl::*;
        let (event, numbers): (u16, _) = match *self {
            StreamBegin(stream) => (0, [Some(stream), None]),
            StreamEof(stream) => (1, [Some(stream), None]),
            StreamDry(stream) => (2, [Some(stream), None]),
            SetBufferLength { stream, ms } => (3, [Some(stream), ms]),
            StreamIsRecorded(stream) => (4, [Some(stream), None]),
            Ping(timestamp) => (6, [Some(timestamp), None]),
            Pong(timestamp) => (7, [Some(timestamp), None]),
            Unknown(event) => (event, [None, None]),
        };
        out.extend_from_slice(&event.to_be_bytes());
        for number in numbers.into_iter().flatten() {
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}
