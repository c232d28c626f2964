//! Master playlists.

use std::fmt::Write;

/// A master playlist: what there is to choose from.
#[derive(Clone, Debug, Default)]
pub struct Master {
    /// Every segment of every playlist begins with a key frame.
    pub independent: bool,
    /// Captions that are in the pictures.
    pub captions: Vec<Caption>,
    /// The variants, the one that is to be taken first in front.
    pub variants: Vec<Variant>,
}

/// Captions in the pictures' bytes (CEA-608 and 708).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caption {
    /// Where they are: `CC1` to `CC4`, `SERVICE1` to `SERVICE63`.
    pub instream: String,
    /// Their language, as RFC 5646 has it.
    pub language: String,
}

/// Sound by itself.
#[derive(Clone, Debug, Default)]
pub struct Audio {
    /// Where its playlist is.
    pub uri: String,
    /// Channels.
    pub channels: u8,
}

/// One way to watch the stream.
#[derive(Clone, Debug, Default)]
pub struct Variant {
    /// Where its playlist is.
    pub uri: String,
    /// Bits in a second at most, its sound included.
    pub bandwidth: u64,
    /// The same on average; 0: not known.
    pub average: u64,
    /// All that a client must be able to decode.
    pub codecs: Vec<String>,
    /// Width and height.
    pub resolution: Option<(u32, u32)>,
    /// Frames in a second.
    pub frame_rate: Option<f64>,
    /// Its sound, if that is by itself.
    pub audio: Option<Audio>,
    /// What an operator says of it: `KEY=VALUE`, which goes before what was measured.
    pub attributes: Vec<String>,
}

/// The group of all captions.
const CAPTIONS: &str = "\"cc\"";

impl Master {
    /// Writes it.
    pub fn playlist(&self) -> String {
        let mut out = format!("#EXTM3U\n#EXT-X-VERSION:{}\n", self.version());
        if self.independent {
            out.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        }
        let group = |number| match self.variants.len() {
            1 => "audio".to_owned(),
            _ => format!("audio{number}"),
        };
        for (number, variant) in self.variants.iter().enumerate() {
            if let Some(Audio { uri, channels }) = &variant.audio {
                let _ = writeln!(
                    out,
                    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{}\",NAME=\"audio\",DEFAULT=YES,AUTOSELECT=YES,\
                     CHANNELS=\"{channels}\",URI=\"{uri}\"",
                    group(number)
                );
            }
        }
        self.write_captions(&mut out);
        let captions = if self.captions.is_empty() { "NONE" } else { CAPTIONS };
        for (number, variant) in self.variants.iter().enumerate() {
            variant.write(&group(number), captions, &mut out);
        }
        out
    }

    /// RFC 8216 §7: services of CEA-708 came with the seventh.
    fn version(&self) -> u8 {
        let has_services = self.captions.iter().any(|it| it.instream.starts_with("SERVICE"));
        if has_services { 7 } else { 6 }
    }

    /// In a group no name is there twice, and of a language one is chosen by itself (RFC 8216 §4.3.4.1.1).
    fn write_captions(&self, out: &mut String) {
        for (at, Caption { instream, language }) in self.captions.iter().enumerate() {
            let is_first = self.captions[..at].iter().all(|before| before.language != *language);
            let (name, chosen) = match is_first {
                true => (language.clone(), ",AUTOSELECT=YES"),
                false => (format!("{language} {instream}"), ""),
            };
            let _ = writeln!(
                out,
                "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID={CAPTIONS},NAME=\"{name}\",LANGUAGE=\"{language}\"\
                 {chosen},INSTREAM-ID=\"{instream}\""
            );
        }
    }
}

impl Variant {
    fn write(&self, group: &str, captions: &str, out: &mut String) {
        let mut all = self.attributes.clone();
        let mut add = |name: &str, value: String| {
            let known = |given: &String| given.split('=').next() == Some(name);
            if !all.iter().any(known) {
                all.push(format!("{name}={value}"));
            }
        };
        add("BANDWIDTH", self.bandwidth.max(1).to_string());
        if self.average > 0 {
            add("AVERAGE-BANDWIDTH", self.average.to_string());
        }
        if !self.codecs.is_empty() {
            add("CODECS", format!("\"{}\"", self.codecs.join(",")));
        }
        if let Some((width, height)) = self.resolution {
            add("RESOLUTION", format!("{width}x{height}"));
        }
        if let Some(rate) = self.frame_rate {
            add("FRAME-RATE", format!("{rate:.3}"));
        }
        // All variants have the same: with NONE in one there are none in any (RFC 8216 §4.3.4.2).
        add("CLOSED-CAPTIONS", captions.to_owned());
        if self.audio.is_some() {
            add("AUDIO", format!("\"{group}\""));
        }
        let _ = writeln!(out, "#EXT-X-STREAM-INF:{}\n{}", all.join(","), self.uri);
    }
}
