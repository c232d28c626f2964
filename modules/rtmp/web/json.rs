//! Figures in JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Number;

use crate::web::picture::{self, Fields, Picture, ShownStream};

/// Writes everything.
pub fn render(picture: &Picture) -> Vec<u8> {
    let version = env!("CARGO_PKG_VERSION");
    let figures = Figures {
        global: picture.parts.global.then_some(Global { totals: &picture.totals, version }),
        servers: picture.parts.live.then(|| {
            let clients = picture.parts.clients;
            picture.servers.iter().map(|server| Server::of(server, clients)).collect()
        }),
    };
    let mut out = serde_json::to_vec(&figures).unwrap_or_default();
    out.push(b'\n');
    out
}

#[derive(Serialize)]
struct Figures<'a> {
    #[serde(flatten)]
    global: Option<Global<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    servers: Option<Vec<Server<'a>>>,
}

#[derive(Serialize)]
struct Global<'a> {
    #[serde(flatten)]
    totals: &'a BTreeMap<&'static str, u64>,
    version: &'static str,
}

#[derive(Serialize)]
struct Server<'a> {
    ports: &'a [u16],
    names: &'a [String],
    applications: Vec<Application<'a>>,
}

impl<'a> Server<'a> {
    fn of(server: &'a picture::Server, clients: bool) -> Server<'a> {
        let applications = server.apps.iter().map(|(name, streams)| Application {
            name: String::from_utf8_lossy(name),
            streams: streams.iter().map(|(name, one)| Stream::of(name, one, clients)).collect(),
        });
        Server { ports: &server.ports, names: &server.names, applications: applications.collect() }
    }
}

#[derive(Serialize)]
struct Application<'a> {
    name: Cow<'a, str>,
    streams: Vec<Stream<'a>>,
}

#[derive(Serialize)]
struct Stream<'a> {
    name: Cow<'a, str>,
    publishing: bool,
    bw_out: u64,
    bytes_out: u64,
    #[serde(flatten)]
    published: Option<Published<'a>>,
    viewers: usize,
    hls: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    clients: Option<Vec<Client<'a>>>,
}

impl<'a> Stream<'a> {
    fn of(name: &'a [u8], stream: &'a ShownStream, clients: bool) -> Stream<'a> {
        let publisher = stream.publisher();
        let clients = clients.then(|| {
            let all = stream.clients.iter().chain(stream.viewers.values());
            all.map(|one| Client::of(one, stream.behind(one))).collect()
        });
        Stream {
            name: String::from_utf8_lossy(name),
            publishing: publisher.is_some(),
            bw_out: stream.sum("bw_out"),
            bytes_out: stream.sum("bytes_out"),
            published: publisher.map(Published::of),
            viewers: stream.clients.len() - usize::from(publisher.is_some()),
            hls: stream.viewers.len(),
            clients,
        }
    }
}

/// What its publisher sends.
#[derive(Serialize)]
struct Published<'a> {
    #[serde(flatten)]
    figures: Members<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    video: Option<Members<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<Members<'a>>,
}

impl<'a> Published<'a> {
    fn of(publisher: &'a Fields) -> Published<'a> {
        let mut figures = Members::default();
        let names = ["bw_in", "bytes_in", "bw_video", "bw_audio", "frames", "time"];
        figures.numbers(publisher, &names);
        let video = publisher.has("video").then(|| {
            let mut video = Members::default();
            video.numbers(publisher, &["width", "height", "frame_rate"]);
            video.text("codec", publisher, "video");
            video.text("profile", publisher, "video_profile");
            video.text("level", publisher, "level");
            video
        });
        let audio = publisher.has("audio").then(|| {
            let mut audio = Members::default();
            audio.numbers(publisher, &["channels", "sample_rate"]);
            audio.text("codec", publisher, "audio");
            audio.text("profile", publisher, "audio_profile");
            audio
        });
        Published { figures, video, audio }
    }
}

#[derive(Serialize)]
struct Client<'a> {
    publishing: bool,
    #[serde(flatten)]
    told: Members<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    behind: Option<u64>,
}

/// The numbers of a client.
const NUMBERS: &[&str] = &[
    "id",
    "time",
    "timestamp",
    "avsync",
    "bytes_in",
    "bytes_out",
    "bw_in",
    "bw_out",
    "sent",
    "dropped",
    "skips",
];

impl<'a> Client<'a> {
    fn of(client: &'a Fields, behind: Option<u64>) -> Client<'a> {
        let mut told = Members::default();
        for name in ["address", "flashver", "pageurl", "swfurl", "tcurl", "protocol"] {
            told.text(name, client, name);
        }
        told.numbers(client, NUMBERS);
        Client { publishing: client.has("publishing"), told, behind }
    }
}

/// Those members of an object that there are, in this order.
#[derive(Default)]
struct Members<'a>(Vec<(&'static str, Member<'a>)>);

#[derive(Serialize)]
#[serde(untagged)]
enum Member<'a> {
    Number(Number),
    Text(Cow<'a, str>),
}

impl<'a> Members<'a> {
    /// Fields that are numbers, as far as the client has them.
    fn numbers(&mut self, fields: &'a Fields, names: &[&'static str]) {
        let number = |name| serde_json::from_slice::<Number>(fields.get(name)).ok();
        let numbers = names.iter().filter_map(|&name| Some((name, Member::Number(number(name)?))));
        self.0.extend(numbers);
    }

    /// A field that is text, if the client has it.
    fn text(&mut self, name: &'static str, fields: &'a Fields, field: &str) {
        if fields.has(field) {
            self.0.push((name, Member::Text(String::from_utf8_lossy(fields.get(field)))));
        }
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, member)| (name, member)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8259 §6 and §8.1: what is no number there is left out, and text is UTF-8.
    #[test]
    fn what_json_cannot_have_is_not_written() {
        let client =
            Fields::parse(b"id=7&time=%2B5&sent=1.&skips=inf&avsync=-3&address=a%ff%22%0a");
        let written = serde_json::to_string(&Client::of(&client, None)).expect("JSON");
        let address = "a\u{FFFD}\\\"\\n";
        let wanted =
            format!("{{\"publishing\":false,\"address\":\"{address}\",\"id\":7,\"avsync\":-3}}");
        assert_eq!(written, wanted);
    }
}
