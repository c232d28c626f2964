//! Writing multivariant playlists, which name the media playlists.

use super::text::{quoted, quoted_uri, uri};
use std::fmt::Write;

/// A multivariant playlist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Multivariant {
    /// Decoding can begin with every segment of every playlist.
    pub independent_segments: bool,
    /// What goes with the variants.
    pub renditions: Vec<Rendition>,
    /// From which a client chooses.
    pub variants: Vec<Variant>,
}

/// What a rendition is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RenditionKind {
    /// Sound.
    #[default]
    Audio,
    /// Pictures from another side.
    Video,
    /// Text, in a playlist of its own.
    Subtitles,
    /// Text, in the pictures.
    ClosedCaptions,
}

/// A rendition of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendition {
    /// What it is.
    pub kind: RenditionKind,
    /// The group, which variants name.
    pub group: String,
    /// What a client shows, different in the group.
    pub name: String,
    /// RFC 5646.
    pub language: Option<String>,
    /// Its playlist; `None`: it is in the variant's, as captions always are.
    pub uri: Option<String>,
    /// It is played if nothing is chosen.
    pub default: bool,
    /// It may be chosen by its language.
    pub autoselect: bool,
    /// How many loudspeakers; 0: not told.
    pub channels: u8,
    /// Which of the captions in the pictures: `CC1` to `CC4`, `SERVICE1` to `SERVICE63`.
    pub instream_id: Option<String>,
}

/// Captions in the pictures of a variant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Captions {
    /// Nothing is known of them.
    #[default]
    Untold,
    /// There are none; said of all variants or of none.
    None,
    /// Those of the group.
    Group(String),
}

/// A variant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    /// Its playlist.
    pub uri: String,
    /// Bits a second at most, with the largest rendition of each group.
    pub bandwidth: u64,
    /// Bits a second; 0: not told.
    pub average_bandwidth: u64,
    /// Every codec in it and in its renditions.
    pub codecs: Vec<String>,
    /// Width and height; 0: not told.
    pub resolution: (u32, u32),
    /// Pictures a second; 0: not told.
    pub frame_rate: f64,
    /// Its group of sounds.
    pub audio: Option<String>,
    /// Its group of texts.
    pub subtitles: Option<String>,
    /// Its captions.
    pub captions: Captions,
}

impl Multivariant {
    /// The playlist.
    pub fn render(&self) -> String {
        let mut out = "#EXTM3U\n#EXT-X-VERSION:6\n".to_owned();
        if self.independent_segments {
            out.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        }
        self.renditions.iter().for_each(|rendition| rendition.render(&mut out));
        self.variants.iter().for_each(|variant| variant.render(&mut out));
        out
    }
}

impl Rendition {
    fn render(&self, out: &mut String) {
        out.push_str("#EXT-X-MEDIA:TYPE=");
        out.push_str(match self.kind {
            RenditionKind::Audio => "AUDIO",
            RenditionKind::Video => "VIDEO",
            RenditionKind::Subtitles => "SUBTITLES",
            RenditionKind::ClosedCaptions => "CLOSED-CAPTIONS",
        });
        let text = |out: &mut String, name: &str, value: &str| {
            out.push(',');
            quoted(out, name, value);
        };
        text(out, "GROUP-ID", &self.group);
        text(out, "NAME", &self.name);
        if let Some(language) = &self.language {
            text(out, "LANGUAGE", language);
        }
        // A client may choose what it would choose without being asked.
        for (name, yes) in
            [("DEFAULT", self.default), ("AUTOSELECT", self.autoselect || self.default)]
        {
            if yes {
                let _ = write!(out, ",{name}=YES");
            }
        }
        if self.channels > 0 {
            text(out, "CHANNELS", &self.channels.to_string());
        }
        if let Some(id) = &self.instream_id {
            text(out, "INSTREAM-ID", id);
        }
        if let Some(uri) = &self.uri {
            out.push(',');
            quoted_uri(out, "URI", uri);
        }
        out.push('\n');
    }
}

impl Variant {
    fn render(&self, out: &mut String) {
        let _ = write!(out, "#EXT-X-STREAM-INF:BANDWIDTH={}", self.bandwidth);
        if self.average_bandwidth > 0 {
            let _ = write!(out, ",AVERAGE-BANDWIDTH={}", self.average_bandwidth);
        }
        let mut text = |name: &str, value: Option<&String>| {
            if let Some(value) = value {
                out.push(',');
                quoted(out, name, value);
            }
        };
        let codecs = self.codecs.join(",");
        text("CODECS", Some(&codecs).filter(|codecs| !codecs.is_empty()));
        text("AUDIO", self.audio.as_ref());
        text("SUBTITLES", self.subtitles.as_ref());
        if let Captions::Group(group) = &self.captions {
            text("CLOSED-CAPTIONS", Some(group));
        }
        let (width, height) = self.resolution;
        if width > 0 && height > 0 {
            let _ = write!(out, ",RESOLUTION={width}x{height}");
        }
        if self.frame_rate > 0.0 && self.frame_rate.is_finite() {
            let _ = write!(out, ",FRAME-RATE={:.3}", self.frame_rate);
        }
        if self.captions == Captions::None {
            out.push_str(",CLOSED-CAPTIONS=NONE");
        }
        out.push('\n');
        uri(out, &self.uri);
        out.push('\n');
    }
}
