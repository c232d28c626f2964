//! `onStatus`: what a client is told of a stream, in the words of Flash Media Server.

use proto::rtmp::amf::Value;
use proto::rtmp::chunk;
use proto::rtmp::command;
use proto::rtmp::message::{self, UserControl};

use crate::settings::app::App;

/// Chunk stream of what is told.
pub const CSID_STATUS: u32 = 5;

/// What a status tells.
pub fn info<'a>(level: &'a str, code: &'a str, description: &'a str) -> Value<'a> {
    Value::Object(vec![
        (b"level", level.into()),
        (b"code", code.into()),
        (b"description", description.into()),
    ])
}

/// The payload of a command.
pub fn command(name: &[u8], transaction: f64, arguments: &[Value<'_>]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(192);
    command::encode(&mut payload, name, transaction, arguments);
    payload
}

/// The payload of an `onStatus`.
pub fn on_status(level: &str, code: &str, description: &str) -> Vec<u8> {
    command(b"onStatus", 0.0, &[Value::Null, info(level, code, description)])
}

/// The payload of `|RtmpSampleAccess`: the client may look at pictures and sound.
pub fn sample_access() -> Vec<u8> {
    let mut payload = Vec::new();
    let may: [Value<'_>; 3] = ["|RtmpSampleAccess".into(), true.into(), true.into()];
    may.iter().for_each(|value| value.encode(&mut payload));
    payload
}

/// Writes for a player, in chunks of a size, what is told of its stream.
struct Teller<'o> {
    out: &'o mut Vec<u8>,
    chunk_size: usize,
    stream: u32,
}

impl Teller<'_> {
    fn message(&mut self, csid: u32, kind: u8, stream: u32, payload: &[u8]) {
        chunk::write_message(self.out, self.chunk_size, csid, kind, stream, 0, payload);
    }

    fn event(&mut self, event: UserControl) {
        let mut payload = Vec::new();
        event.write(&mut payload);
        self.message(2, message::USER_CONTROL, 0, &payload);
    }

    fn status(&mut self, code: &str, description: &str) {
        let payload = on_status("status", code, description);
        self.message(CSID_STATUS, message::COMMAND, self.stream, &payload);
    }
}

/// A publisher has begun.
pub fn began(out: &mut Vec<u8>, chunk_size: usize, app: &App, stream: u32) {
    let mut teller = Teller { out, chunk_size, stream };
    teller.event(UserControl::StreamBegin(stream));
    if app.play_restart {
        teller.status("NetStream.Play.Start", "Start live");
        teller.message(CSID_STATUS, message::DATA, stream, &sample_access());
    }
    if app.publish_notify {
        teller.status("NetStream.Play.PublishNotify", "Start publishing");
    }
}

/// It has ended the stream.
pub fn ended(out: &mut Vec<u8>, chunk_size: usize, app: &App, stream: u32) {
    let mut teller = Teller { out, chunk_size, stream };
    teller.event(UserControl::StreamEof(stream));
    if app.play_restart {
        teller.status("NetStream.Play.Stop", "Stop live");
    }
    if app.publish_notify {
        teller.status("NetStream.Play.UnpublishNotify", "Stop publishing");
    }
}
