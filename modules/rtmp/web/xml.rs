//! Figures in nginx-rtmp's XML.

use std::io::Write;

use crate::web::picture::{Fields, Picture, ShownStream, TOTALS};

/// Writes everything.
pub fn render(picture: &Picture, stylesheet: Option<&str>) -> Vec<u8> {
    let mut xml = Xml { out: b"<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n".to_vec() };
    if let Some(href) = stylesheet {
        xml.out.extend_from_slice(b"<?xml-stylesheet type=\"text/xsl\" href=\"");
        xml.text(href.as_bytes());
        xml.out.extend_from_slice(b"\" ?>\n");
    }
    xml.within("rtmp", |xml| {
        // What nginx-rtmp's own style sheet shows at its foot.
        let version = env!("CARGO_PKG_VERSION");
        xml.element("nginx_version", format!("(rserve/{version})").as_bytes());
        xml.element("nginx_rtmp_version", version.as_bytes());
        xml.element("built", built().as_bytes());
        xml.element("rserve_version", version.as_bytes());
        xml.element("pid", sys::process::pid().to_string().as_bytes());
        if picture.parts.global {
            xml.global(picture);
        }
        if !picture.parts.live {
            return;
        }
        for server in &picture.servers {
            xml.within("server", |xml| {
                for (name, streams) in &server.apps {
                    xml.within("application", |xml| {
                        xml.element("name", name);
                        xml.within("live", |xml| {
                            let clients = picture.parts.clients;
                            streams
                                .iter()
                                .for_each(|(name, stream)| xml.stream(name, stream, clients));
                            let clients = streams.values().map(|stream| stream.clients.len());
                            xml.number("nclients", clients.sum::<usize>() as u64);
                        });
                    });
                }
            });
        }
    });
    xml.out
}

/// When this binary was made, as far as its file tells.
fn built() -> String {
    let file = std::env::current_exe().and_then(|path| path.metadata()?.modified());
    let time = file.ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    time.map_or(String::new(), |time| sys::clock::local(time.as_secs()).access_log().to_string())
}

struct Xml {
    out: Vec<u8>,
}

impl Xml {
    /// What stands between tags. Characters that XML cannot have become `?`, what is no UTF-8 U+FFFD.
    fn text(&mut self, text: &[u8]) {
        for character in String::from_utf8_lossy(text).chars() {
            let escaped = match character {
                '<' => "&lt;",
                '>' => "&gt;",
                '&' => "&amp;",
                '"' => "&quot;",
                '\'' => "&#39;",
                '\t' | '\n' | '\r' => " ",
                c if c < ' ' || ('\u{FFFE}'..='\u{FFFF}').contains(&c) => "?",
                c => {
                    self.out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    continue;
                }
            };
            self.out.extend_from_slice(escaped.as_bytes());
        }
    }

    fn within(&mut self, name: &str, inner: impl FnOnce(&mut Xml)) {
        let _ = writeln!(self.out, "<{name}>");
        inner(self);
        let _ = writeln!(self.out, "</{name}>");
    }

    fn element(&mut self, name: &str, text: &[u8]) {
        let _ = write!(self.out, "<{name}>");
        self.text(text);
        let _ = writeln!(self.out, "</{name}>");
    }

    fn number(&mut self, name: &str, number: u64) {
        self.element(name, number.to_string().as_bytes());
    }

    /// An element for a value, if there is one.
    fn given(&mut self, name: &str, fields: &Fields, field: &str) {
        if !fields.get(field).is_empty() {
            self.element(name, fields.get(field));
        }
    }

    fn global(&mut self, picture: &Picture) {
        self.number("uptime", picture.totals.get("uptime").copied().unwrap_or(0));
        for name in TOTALS {
            let value = picture.totals.get(name).copied().unwrap_or(0);
            self.number(if *name == "accepted" { "naccepted" } else { name }, value);
        }
        self.number("unanswered", picture.totals.get("unanswered").copied().unwrap_or(0));
    }

    fn stream(&mut self, name: &[u8], stream: &ShownStream, clients: bool) {
        let publisher = stream.publisher();
        self.within("stream", |xml| {
            xml.element("name", name);
            xml.number("time", publisher.map_or(0, |publisher| publisher.number("time")));
            xml.number("bw_in", publisher.map_or(0, |publisher| publisher.number("bw_in")));
            xml.number("bytes_in", publisher.map_or(0, |publisher| publisher.number("bytes_in")));
            xml.number("bw_out", stream.sum("bw_out"));
            xml.number("bytes_out", stream.sum("bytes_out"));
            xml.number("bw_audio", stream.sum("bw_audio"));
            xml.number("bw_video", stream.sum("bw_video"));
            if clients {
                stream.clients.iter().for_each(|client| xml.client(client));
            }
            if let Some(publisher) = publisher {
                xml.meta(publisher);
            }
            xml.number("nclients", stream.clients.len() as u64);
            if publisher.is_some() {
                xml.out.extend_from_slice(b"<publishing/>\n<active/>\n");
            }
        });
    }

    fn client(&mut self, client: &Fields) {
        self.within("client", |xml| {
            for name in ["id", "address", "time", "flashver", "pageurl", "swfurl", "protocol"] {
                xml.given(name, client, name);
            }
            xml.number("dropped", client.number("dropped"));
            let avsync = client.get("avsync");
            xml.element("avsync", if avsync.is_empty() { b"0" } else { avsync });
            xml.number("timestamp", client.number("timestamp"));
            xml.number("bytes_in", client.number("bytes_in"));
            xml.number("bytes_out", client.number("bytes_out"));
            if client.has("publishing") {
                xml.out.extend_from_slice(b"<publishing/>\n");
            }
            xml.out.extend_from_slice(b"<active/>\n");
        });
    }

    fn meta(&mut self, publisher: &Fields) {
        self.within("meta", |xml| {
            if publisher.has("video") {
                xml.within("video", |xml| {
                    xml.given("width", publisher, "width");
                    xml.given("height", publisher, "height");
                    xml.given("frame_rate", publisher, "frame_rate");
                    xml.given("codec", publisher, "video");
                    xml.given("profile", publisher, "video_profile");
                    xml.given("compat", publisher, "compat");
                    xml.given("level", publisher, "level");
                });
            }
            if publisher.has("audio") {
                xml.within("audio", |xml| {
                    xml.given("codec", publisher, "audio");
                    xml.given("profile", publisher, "audio_profile");
                    xml.given("channels", publisher, "channels");
                    xml.given("sample_rate", publisher, "sample_rate");
                });
            }
        });
    }
}
