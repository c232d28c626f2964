//! Metadata: what a publisher tells of its stream, and what players are told.

use proto::rtmp::amf::{self, Decoder, Value};

use crate::record::{HAS_AUDIO, HAS_VIDEO, SETTLED};

/// `meta`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Meta {
    /// What is known of a stream, in one form.
    #[default]
    On,
    /// What the publisher says, as it says it.
    Copy,
    /// Nothing.
    Off,
}

/// What a data message is.
pub enum Data<'a> {
    /// Metadata: its members, and the message without the command before it.
    Metadata(Vec<(&'a [u8], Value<'a>)>, &'a [u8]),
    /// Metadata is no longer valid.
    Cleared,
    /// Something else: cue points, captions.
    Other(&'a [u8]),
}

/// Reads a data message.
pub fn read(payload: &[u8]) -> Data<'_> {
    let mut decoder = Decoder::new(payload);
    let Ok(Some(Value::String(name))) = decoder.next() else { return Data::Other(payload) };
    match name {
        b"@setDataFrame" => {
            // A short string: marker, length, bytes.
            let rest = &payload[payload.len().min(3 + name.len())..];
            match read(rest) {
                Data::Metadata(members, payload) => Data::Metadata(members, payload),
                _ => Data::Other(rest),
            }
        }
        b"@clearDataFrame" => Data::Cleared,
        b"onMetaData" => match decoder.next() {
            Ok(Some(Value::Object(members) | Value::EcmaArray(members))) => {
                Data::Metadata(members, payload)
            }
            _ => Data::Other(payload),
        },
        _ => Data::Other(payload),
    }
}

/// What players are told with `meta on`, in nginx-rtmp's order; a publisher may call it otherwise.
const KNOWN: &[&str] = &[
    "width",
    "height",
    "displayWidth",
    "displayHeight",
    "duration",
    "framerate",
    "fps",
    "videodatarate",
    "videocodecid",
    "audiodatarate",
    "audiocodecid",
    "audiosamplerate",
    "audiosamplesize",
    "audiochannels",
    "stereo",
    "profile",
    "level",
    "encoder",
    "hasVideo",
    "hasAudio",
];

/// What tells of tracks, and which: players believe it more than the header of FLV.
const TRACKS: &[(&str, u32)] = &[("hasVideo", HAS_VIDEO), ("hasAudio", HAS_AUDIO)];

/// Whether metadata tells which tracks there are.
pub fn tells_tracks(members: &[(&[u8], Value<'_>)]) -> bool {
    members.iter().any(|(key, _)| TRACKS.iter().any(|(name, _)| *key == name.as_bytes()))
}

/// The metadata that players get with `meta on`. What it tells of tracks is what is known of them: these
/// flags of a record.
pub fn render(members: &[(&[u8], Value<'_>)], contents: u32) -> Vec<u8> {
    let find = |name: &str| {
        let found = members.iter().rev().find(|(key, _)| *key == name.as_bytes());
        found.map(|(_, value)| value.clone())
    };
    let mut told: Vec<(&[u8], Value<'_>)> = vec![(b"Server", "rserve".into())];
    for name in KNOWN {
        let value = find(name).or_else(|| match *name {
            "displayWidth" => find("width"),
            "displayHeight" => find("height"),
            "framerate" => find("fps"),
            "fps" => find("framerate"),
            // What is live has none.
            "duration" => Some(0.0.into()),
            _ => None,
        });
        let track = TRACKS.iter().find(|(track, _)| track == name).map(|(_, bit)| *bit);
        let value = value.map(|value| match track {
            Some(bit) if contents & SETTLED != 0 => Value::Boolean(contents & bit != 0),
            _ => value,
        });
        if let Some(value @ (Value::Number(_) | Value::String(_) | Value::Boolean(_))) = value {
            told.push((name.as_bytes(), value));
        }
    }
    let mut payload = Vec::with_capacity(512);
    amf::string(&mut payload, b"onMetaData");
    Value::EcmaArray(told).encode(&mut payload);
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(names: &[&[u8]], members: Vec<(&[u8], Value<'_>)>) -> Vec<u8> {
        let mut payload = Vec::new();
        names.iter().for_each(|name| amf::string(&mut payload, name));
        Value::EcmaArray(members).encode(&mut payload);
        payload
    }

    #[test]
    fn the_command_goes_the_metadata_stays() {
        let members = || vec![(&b"width"[..], Value::Number(640.0)), (b"own", "x".into())];
        let payload = message(&[b"@setDataFrame", b"onMetaData"], members());
        let Data::Metadata(found, rest) = read(&payload) else { panic!("no metadata") };
        assert_eq!(found, members());
        assert_eq!(rest, message(&[b"onMetaData"], members()));
        let told = render(&found, 0);
        let Data::Metadata(told, _) = read(&told) else { panic!("no metadata") };
        let width = told.iter().find(|(name, _)| *name == b"displayWidth");
        assert_eq!(width.map(|(_, value)| value), Some(&Value::Number(640.0)));
        assert!(told.iter().all(|(name, _)| *name != b"own"));
    }

    #[test]
    fn what_it_tells_of_tracks_is_so() {
        let members = [(&b"hasAudio"[..], Value::Boolean(true)), (b"hasVideo", false.into())];
        let told = |contents| {
            let payload = render(&members, contents);
            let Data::Metadata(told, _) = read(&payload) else { panic!("no metadata") };
            let find = |name: &[u8]| told.iter().find(|(key, _)| *key == name)?.1.as_bool();
            (find(b"hasVideo"), find(b"hasAudio"))
        };
        assert_eq!(told(HAS_VIDEO), (Some(false), Some(true)), "nobody knows yet");
        assert_eq!(told(HAS_VIDEO | SETTLED), (Some(true), Some(false)));
        assert!(tells_tracks(&members) && !tells_tracks(&members[..0]));
    }

    #[test]
    fn what_is_no_metadata_passes() {
        let cue = message(&[b"onCuePoint"], Vec::new());
        assert!(matches!(read(&cue), Data::Other(same) if same == cue));
        let wrapped = message(&[b"@setDataFrame", b"onTextData"], Vec::new());
        assert!(
            matches!(read(&wrapped), Data::Other(rest) if rest == message(&[b"onTextData"], Vec::new()))
        );
        assert!(matches!(read(&message(&[b"@clearDataFrame"], Vec::new())), Data::Cleared));
        assert!(matches!(read(b""), Data::Other(b"")));
        assert!(matches!(read(&[2, 0, 10]), Data::Other(_)));
    }
}
