//! What a client asks for, and what it is answered.

use proto::rtmp::amf::Value;
use proto::rtmp::{command, message};
use support::{Server, wait_for};

use super::{Client, Message};

impl Client {
    /// A client of an application of the server, whose RTMP port is the second one.
    #[track_caller]
    pub fn connect(server: &Server, app: &str) -> Client {
        let mut client = Client::open(server.port2());
        client.connect_to(app, &[]);
        assert_eq!(client.answer(), "NetConnection.Connect.Success");
        client
    }

    /// One that publishes, in the message stream 1.
    #[track_caller]
    pub fn publisher(server: &Server, name: &str) -> Client {
        Client::publisher_in(server, "live", name)
    }

    /// One that publishes in this application.
    #[track_caller]
    pub fn publisher_in(server: &Server, app: &str, name: &str) -> Client {
        let mut client = Client::connect(server, app);
        client.set_chunk_size(60_000);
        assert_eq!(client.publish(name), 1);
        client
    }

    /// One that publishes when the stream's publisher before it is known to be gone.
    #[track_caller]
    pub fn next_publisher(server: &Server, name: &str) -> Client {
        let mut client = Client::connect(server, "live");
        client.set_chunk_size(60_000);
        wait_for("the name to be free", || {
            let started = client.try_publish(name) == "NetStream.Publish.Start";
            if !started {
                client.call(0, "deleteStream", &[Value::Null, 1.0.into()]);
            }
            started
        });
        client
    }

    /// Whether the server still answers.
    pub fn is_alive(&mut self) -> bool {
        let call = self.call(0, "getStreamLength", &[Value::Null, "x".into()]);
        std::iter::from_fn(|| self.next()).any(|m| m.name() == "_result" && m.transaction() == call)
    }

    /// One that plays, in the message stream 1; it has been told that it does.
    #[track_caller]
    pub fn player(server: &Server, name: &str) -> Client {
        let mut client = Client::connect(server, "live");
        assert_eq!(client.play(name), 1);
        client
    }

    /// Sends a command; gives the number of the call.
    pub fn call(&mut self, stream: u32, name: &str, arguments: &[Value<'_>]) -> f64 {
        let transaction = self.transaction;
        self.transaction += 1.0;
        let mut payload = Vec::new();
        command::encode(&mut payload, name.as_bytes(), transaction, arguments);
        self.message(3, message::COMMAND, stream, 0, &payload);
        transaction
    }

    /// Says `connect`, with more members of its object.
    pub fn connect_to(&mut self, app: &str, more: &[(&str, &str)]) {
        let mut members: Vec<(&[u8], Value<'_>)> = vec![(b"app", app.into())];
        members.extend(more.iter().map(|(name, value)| (name.as_bytes(), (*value).into())));
        self.call(0, "connect", &[Value::Object(members)]);
    }

    #[track_caller]
    pub fn create_stream(&mut self) -> u32 {
        let call = self.call(0, "createStream", &[Value::Null]);
        let result = self.until(|m| m.name() == "_result" && m.transaction() == call);
        result.values().last().and_then(Value::as_f64).expect("a number") as u32
    }

    /// Publishes in a new message stream.
    #[track_caller]
    pub fn publish(&mut self, name: &str) -> u32 {
        let stream = self.create_stream();
        self.call(stream, "publish", &[Value::Null, name.into(), "live".into()]);
        assert_eq!(self.answer(), "NetStream.Publish.Start", "{name}");
        stream
    }

    /// Asks to publish in a new message stream; gives the answer's code.
    #[track_caller]
    pub fn try_publish(&mut self, name: &str) -> String {
        let stream = self.create_stream();
        self.call(stream, "publish", &[Value::Null, name.into(), "live".into()]);
        self.answer()
    }

    /// Plays in a new message stream.
    #[track_caller]
    pub fn play(&mut self, name: &str) -> u32 {
        let stream = self.create_stream();
        self.call(stream, "play", &[Value::Null, name.into()]);
        assert_eq!(self.answer(), "NetStream.Play.Reset", "{name}");
        assert_eq!(self.answer(), "NetStream.Play.Start", "{name}");
        stream
    }

    /// Asks to play in a new message stream; gives the answer's code, that of a reset left out.
    #[track_caller]
    pub fn try_play(&mut self, name: &str) -> String {
        let stream = self.create_stream();
        self.call(stream, "play", &[Value::Null, name.into()]);
        let code = self.answer();
        if code == "NetStream.Play.Reset" { self.answer() } else { code }
    }

    /// Waits for a status with this code.
    #[track_caller]
    pub fn expect(&mut self, code: &str) -> Message {
        self.until(|m| m.kind == message::COMMAND && m.info("code") == code)
    }

    /// The code of the next status, or answer to `connect`; empty: the server has closed.
    #[track_caller]
    pub fn answer(&mut self) -> String {
        self.status().map(|status| status.info("code")).unwrap_or_default()
    }

    /// The next message that tells a code.
    #[track_caller]
    pub fn status(&mut self) -> Option<Message> {
        loop {
            let message = self.read()?;
            if message.kind == message::COMMAND && !message.info("code").is_empty() {
                return Some(message);
            }
            if message.is_content() {
                self.early.push(message);
            }
        }
    }
}
