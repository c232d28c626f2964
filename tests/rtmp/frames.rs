//! Messages that can be told from each other, and read again in a word.
//!
//! ```text
//! vh3  header of video, the third     k3  key frame     p3  a frame that needs others
//! ah3  header of audio                a3  audio         meta, or a data message's name
//! ```

use proto::rtmp::amf::Value;
use proto::rtmp::message;

use crate::client::Message;

/// Bytes that say which they are, such that no part is like another's.
fn body(number: u32, len: usize) -> Vec<u8> {
    let filler = (0..len).map(|at| (at * 7 + number as usize * 13 + at / 256) as u8);
    number.to_be_bytes().into_iter().chain(filler).collect()
}

fn with(head: &[u8], number: u32, len: usize) -> Vec<u8> {
    [head, &body(number, len)].concat()
}

/// A sequence header of H.264.
pub fn avc_header(number: u32) -> Vec<u8> {
    with(&[0x17, 0, 0, 0, 0, 1, 0x42, 0xC0, 0x1E, 0xFF, 0xE0, 0], number, 0)
}

/// A key frame with a body of `len` bytes.
pub fn key_of(number: u32, len: usize) -> Vec<u8> {
    with(&[0x17, 1, 0, 0, 0], number, len)
}

/// A small key frame.
pub fn key(number: u32) -> Vec<u8> {
    key_of(number, 20)
}

/// A frame that needs those before it, with a body of `len` bytes.
pub fn inter_of(number: u32, len: usize) -> Vec<u8> {
    with(&[0x27, 1, 0, 0, 0], number, len)
}

/// A small one.
pub fn inter(number: u32) -> Vec<u8> {
    inter_of(number, 20)
}

/// A sequence header of AAC: 44100 Hz, two channels.
pub fn aac_header(number: u32) -> Vec<u8> {
    with(&[0xAF, 0, 0x12, 0x10], number, 0)
}

/// A frame of AAC.
pub fn aac(number: u32) -> Vec<u8> {
    with(&[0xAF, 1], number, 10)
}

/// A data message with this name and members.
pub fn data(name: &[&str], members: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut out = Vec::new();
    name.iter().for_each(|word| Value::from(*word).encode(&mut out));
    let members = members.iter().map(|(name, value)| (name.as_bytes(), value.clone()));
    Value::EcmaArray(members.collect()).encode(&mut out);
    out
}

/// Metadata as encoders send it.
pub fn metadata(width: f64) -> Vec<u8> {
    let members = [("width", width.into()), ("height", 480.0.into()), ("custom", "x".into())];
    data(&["@setDataFrame", "onMetaData"], &members)
}

/// A frame in a word, and its time: `k3@40`. What is damaged, or unknown, is shown as it is.
pub fn label(message: &Message) -> String {
    let Message { kind, time, payload, .. } = message;
    let heads: &[(&str, &[u8])] = match *kind {
        message::VIDEO => &[
            ("vh", &[0x17, 0, 0, 0, 0, 1, 0x42, 0xC0, 0x1E, 0xFF, 0xE0, 0]),
            ("k", &[0x17, 1, 0, 0, 0]),
            ("p", &[0x27, 1, 0, 0, 0]),
        ],
        message::AUDIO => &[("ah", &[0xAF, 0, 0x12, 0x10]), ("a", &[0xAF, 1])],
        _ => {
            let name = message.name();
            let name = if name == "onMetaData" { "meta" } else { &name };
            return format!("{name}@{time}");
        }
    };
    let known = heads.iter().find_map(|(word, head)| {
        let rest = payload.strip_prefix(*head)?;
        let number = u32::from_be_bytes(*rest.first_chunk()?);
        (*rest == body(number, rest.len() - 4)).then(|| format!("{word}{number}@{time}"))
    });
    known.unwrap_or_else(|| {
        let shown = &payload[..payload.len().min(16)];
        format!("{kind}:{}:{shown:02x?}@{time}", payload.len())
    })
}
