//! What clients are answered.

use proto::rtmp::amf::Value;
use proto::rtmp::command::Command;
use proto::rtmp::message;

use crate::play::link;
use crate::play::status;
use crate::session::state::Session;

/// Chunk stream of the answers to `connect`.
const CSID_CONNECT: u32 = 3;

impl Session {
    /// Sends an answer that is about no stream.
    pub(super) fn answer(&self, name: &[u8], transaction: f64, arguments: &[Value<'_>]) {
        let payload = status::command(name, transaction, arguments);
        self.message(CSID_CONNECT, message::COMMAND, 0, &payload);
    }

    /// Sends a message.
    pub(super) fn message(&self, csid: u32, kind: u8, stream: u32, payload: &[u8]) {
        self.outlet(|outlet| link::send_message(outlet, csid, kind, stream, payload));
    }

    /// Sends a result, for commands that wait for one.
    pub(super) fn result(&self, command: &Command<'_>, arguments: &[Value<'_>]) {
        // A transaction of 0 waits for nothing.
        if command.transaction != 0.0 {
            self.answer(b"_result", command.transaction, arguments);
        }
    }

    /// Tells the client what has become of one of its streams.
    pub(super) fn status(&self, stream: u32, level: &str, code: &str, description: &str) {
        let payload = status::on_status(level, code, description);
        self.message(status::CSID_STATUS, message::COMMAND, stream, &payload);
    }

    /// A command that nobody here knows.
    pub(super) fn unknown(&self, command: &Command<'_>) {
        if command.transaction != 0.0 {
            let code = "NetConnection.Call.Failed";
            let info = status::info("error", code, "there is no such method");
            self.answer(b"_error", command.transaction, &[Value::Null, info]);
        }
    }
}
