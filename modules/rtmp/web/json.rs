//! Figures in JSON.

use proto::json;

use crate::web::picture::{Fields, Picture, ShownStream};

/// Writes everything.
pub fn render(picture: &Picture) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    let totals = picture.totals.iter().map(|(name, value)| (*name, value.to_string().into_bytes()));
    out.push(b'{');
    if picture.parts.global {
        totals.for_each(|(name, value)| member(&mut out, name, &value));
        member(&mut out, "version", &quoted(env!("CARGO_PKG_VERSION").as_bytes()));
    }
    if !picture.parts.live {
        out.extend_from_slice(b"}\n");
        return out;
    }
    list(&mut out, "servers", &picture.servers, |out, server| {
        let ports: Vec<String> = server.ports.iter().map(u16::to_string).collect();
        member(out, "ports", format!("[{}]", ports.join(",")).as_bytes());
        let names: Vec<Vec<u8>> = server.names.iter().map(|name| quoted(name.as_bytes())).collect();
        member(out, "names", &[&b"["[..], &names.join(&b','), b"]"].concat());
        list(out, "applications", &server.apps, |out, (name, streams)| {
            member(out, "name", &quoted(name));
            list(out, "streams", streams, |out, (name, stream)| {
                write_stream(out, name, stream, picture.parts.clients);
            });
        });
    });
    out.extend_from_slice(b"}\n");
    out
}

fn quoted(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    json::string(&mut out, text);
    out
}

fn comma(out: &mut Vec<u8>) {
    if !matches!(out.last(), Some(b'{' | b'[') | None) {
        out.push(b',');
    }
}

fn member(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    comma(out);
    json::string(out, name.as_bytes());
    out.push(b':');
    out.extend_from_slice(value);
}

/// A member that is an array of objects.
fn list<T>(
    out: &mut Vec<u8>,
    name: &str,
    all: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    member(out, name, b"[");
    for one in all {
        comma(out);
        out.push(b'{');
        write(out, one);
        out.push(b'}');
    }
    out.push(b']');
}

fn write_stream(out: &mut Vec<u8>, name: &[u8], stream: &ShownStream, clients: bool) {
    member(out, "name", &quoted(name));
    let publisher = stream.publisher();
    let publishing = if publisher.is_some() { "true" } else { "false" };
    member(out, "publishing", publishing.as_bytes());
    for sum in ["bw_out", "bytes_out"] {
        member(out, sum, stream.sum(sum).to_string().as_bytes());
    }
    if let Some(publisher) = publisher {
        let numbers = ["bw_in", "bytes_in", "bw_video", "bw_audio", "frames", "time"];
        numbers.iter().for_each(|name| number(out, name, publisher));
        if publisher.has("video") {
            member(out, "video", b"{");
            for name in ["width", "height", "frame_rate"] {
                number(out, name, publisher);
            }
            string(out, "codec", publisher, "video");
            string(out, "profile", publisher, "video_profile");
            string(out, "level", publisher, "level");
            out.push(b'}');
        }
        if publisher.has("audio") {
            member(out, "audio", b"{");
            for name in ["channels", "sample_rate"] {
                number(out, name, publisher);
            }
            string(out, "codec", publisher, "audio");
            string(out, "profile", publisher, "audio_profile");
            out.push(b'}');
        }
    }
    let viewers = stream.clients.len() - usize::from(publisher.is_some());
    member(out, "viewers", viewers.to_string().as_bytes());
    if clients {
        list(out, "clients", &stream.clients, |out, client| {
            write_client(out, client);
            if let Some(behind) = stream.behind(client) {
                member(out, "behind", behind.to_string().as_bytes());
            }
        });
    }
}

fn write_client(out: &mut Vec<u8>, client: &Fields) {
    let publishing = if client.has("publishing") { "true" } else { "false" };
    member(out, "publishing", publishing.as_bytes());
    for name in ["address", "flashver", "pageurl", "swfurl", "tcurl", "protocol"] {
        string(out, name, client, name);
    }
    let numbers = [
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
    numbers.iter().for_each(|name| number(out, name, client));
}

/// A member that is a number, if the client has such a field and it is one.
fn number(out: &mut Vec<u8>, name: &str, fields: &Fields) {
    let value = fields.get(name);
    let plain = std::str::from_utf8(value).ok().and_then(|text| text.parse::<f64>().ok());
    if plain.is_some_and(f64::is_finite) {
        member(out, name, value);
    }
}

fn string(out: &mut Vec<u8>, name: &str, fields: &Fields, field: &str) {
    if fields.has(field) {
        member(out, name, &quoted(fields.get(field)));
    }
}
