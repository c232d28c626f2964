//! Figures in nginx-rtmp's XML.

use std::io;

use quick_xml::Writer;
use quick_xml::escape::escape;
use quick_xml::events::{BytesDecl, BytesPI, BytesText, Event};

use crate::web::picture::{Fields, Picture, ShownStream, TOTALS};

/// Writes everything.
pub fn render(picture: &Picture, stylesheet: Option<&str>) -> Vec<u8> {
    let mut xml = Xml(Writer::new_with_indent(Vec::with_capacity(4096), b' ', 0));
    // To memory: this cannot fail.
    let _ = xml.document(picture, stylesheet);
    let mut out = xml.0.into_inner();
    out.push(b'\n');
    out
}

/// When this binary was made, as far as its file tells.
fn built() -> String {
    let file = std::env::current_exe().and_then(|path| path.metadata()?.modified());
    let time = file.ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    time.map_or(String::new(), |time| sys::clock::local(time.as_secs()).access_log().to_string())
}

/// Characters that XML cannot have become `?`, line ends and tabs spaces, what is no UTF-8 U+FFFD.
fn characters(text: &[u8]) -> String {
    let plain = |character| match character {
        '\t' | '\n' | '\r' => ' ',
        c if c < ' ' || ('\u{FFFE}'..='\u{FFFF}').contains(&c) => '?',
        c => c,
    };
    String::from_utf8_lossy(text).chars().map(plain).collect()
}

struct Xml(Writer<Vec<u8>>);

impl Xml {
    fn document(&mut self, picture: &Picture, stylesheet: Option<&str>) -> io::Result<()> {
        self.0.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
        if let Some(href) = stylesheet {
            let href = characters(href.as_bytes());
            let content = format!("xml-stylesheet type=\"text/xsl\" href=\"{}\"", escape(&href));
            self.0.write_event(Event::PI(BytesPI::new(content)))?;
        }
        self.within("rtmp", |xml| {
            // What nginx-rtmp's own style sheet shows at its foot.
            let version = env!("CARGO_PKG_VERSION");
            xml.element("nginx_version", format!("(rserve/{version})").as_bytes())?;
            xml.element("nginx_rtmp_version", version.as_bytes())?;
            xml.element("built", built().as_bytes())?;
            xml.element("rserve_version", version.as_bytes())?;
            xml.element("pid", sys::process::pid().to_string().as_bytes())?;
            if picture.parts.global {
                xml.global(picture)?;
            }
            match picture.parts.live {
                true => xml.servers(picture),
                false => Ok(()),
            }
        })
    }

    fn within(
        &mut self,
        name: &str,
        inner: impl FnOnce(&mut Xml) -> io::Result<()>,
    ) -> io::Result<()> {
        let element = quick_xml::events::BytesStart::new(name);
        self.0.write_event(Event::Start(element.borrow()))?;
        inner(self)?;
        self.0.write_event(Event::End(element.to_end()))
    }

    fn element(&mut self, name: &str, text: &[u8]) -> io::Result<()> {
        let text = characters(text);
        self.0.create_element(name).write_text_content(BytesText::new(&text)).map(drop)
    }

    fn empty(&mut self, name: &str) -> io::Result<()> {
        self.0.create_element(name).write_empty().map(drop)
    }

    fn number(&mut self, name: &str, number: u64) -> io::Result<()> {
        self.element(name, number.to_string().as_bytes())
    }

    /// An element for a value, if there is one.
    fn given(&mut self, name: &str, fields: &Fields, field: &str) -> io::Result<()> {
        match fields.get(field) {
            b"" => Ok(()),
            value => self.element(name, value),
        }
    }

    fn global(&mut self, picture: &Picture) -> io::Result<()> {
        let total = |name| picture.totals.get(name).copied().unwrap_or(0);
        self.number("uptime", total("uptime"))?;
        for name in TOTALS {
            self.number(if *name == "accepted" { "naccepted" } else { name }, total(name))?;
        }
        self.number("unanswered", total("unanswered"))
    }

    fn servers(&mut self, picture: &Picture) -> io::Result<()> {
        let with_clients = picture.parts.clients;
        for server in &picture.servers {
            self.within("server", |xml| {
                for (name, streams) in &server.apps {
                    xml.within("application", |xml| {
                        xml.element("name", name)?;
                        xml.within("live", |xml| {
                            for (name, stream) in streams {
                                xml.stream(name, stream, with_clients)?;
                            }
                            let clients = streams.values().map(|stream| stream.clients.len());
                            xml.number("nclients", clients.sum::<usize>() as u64)
                        })
                    })?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn stream(&mut self, name: &[u8], stream: &ShownStream, clients: bool) -> io::Result<()> {
        let publisher = stream.publisher();
        let published = |name| publisher.map_or(0, |publisher| publisher.number(name));
        self.within("stream", |xml| {
            xml.element("name", name)?;
            for name in ["time", "bw_in", "bytes_in"] {
                xml.number(name, published(name))?;
            }
            for name in ["bw_out", "bytes_out", "bw_audio", "bw_video"] {
                xml.number(name, stream.sum(name))?;
            }
            let all = stream.clients.iter().chain(stream.viewers.values());
            for client in all.filter(|_| clients) {
                xml.client(client)?;
            }
            if let Some(publisher) = publisher {
                xml.meta(publisher)?;
            }
            // It stands only where there are some: nginx-rtmp has none.
            if !stream.viewers.is_empty() {
                xml.number("hls", stream.viewers.len() as u64)?;
            }
            xml.number("nclients", stream.clients.len() as u64)?;
            if publisher.is_some() {
                xml.empty("publishing")?;
                xml.empty("active")?;
            }
            Ok(())
        })
    }

    fn client(&mut self, client: &Fields) -> io::Result<()> {
        self.within("client", |xml| {
            for name in ["id", "address", "time", "flashver", "pageurl", "swfurl", "protocol"] {
                xml.given(name, client, name)?;
            }
            xml.number("dropped", client.number("dropped"))?;
            let avsync = client.get("avsync");
            xml.element("avsync", if avsync.is_empty() { b"0" } else { avsync })?;
            for name in ["timestamp", "bytes_in", "bytes_out"] {
                xml.number(name, client.number(name))?;
            }
            if client.has("publishing") {
                xml.empty("publishing")?;
            }
            xml.empty("active")
        })
    }

    fn meta(&mut self, publisher: &Fields) -> io::Result<()> {
        let video = [
            ("width", "width"),
            ("height", "height"),
            ("frame_rate", "frame_rate"),
            ("codec", "video"),
            ("profile", "video_profile"),
            ("compat", "compat"),
            ("level", "level"),
        ];
        let audio = [
            ("codec", "audio"),
            ("profile", "audio_profile"),
            ("channels", "channels"),
            ("sample_rate", "sample_rate"),
        ];
        self.within("meta", |xml| {
            for (track, fields) in [("video", &video[..]), ("audio", &audio[..])] {
                if publisher.has(track) {
                    xml.within(track, |xml| {
                        fields
                            .iter()
                            .try_for_each(|(name, field)| xml.given(name, publisher, field))
                    })?;
                }
            }
            Ok(())
        })
    }
}
