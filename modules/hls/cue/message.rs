//! From a publisher's message to a cue.
//!
//! Members stand in the object behind the name, or in its `parameters`, which win. Their names are taken in any case, without
//! `-` and `_`. What is known of encoders: `onCuePoint` as Flash has it (`name`, `time`, `type`, `parameters`), as YouTube
//! asks for it (`cue_point_start`, `break_duration_sec`, `splice_event_id`), `onAdCue` of Adobe Primetime (`cue`, `id`,
//! `duration`, in which `cue` may be a section of SCTE-35 in Base64).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proto::rtmp::amf::{Decoder, Value};
use proto::{hex, scte35};

use super::point::{Action, Cue};

/// Names and ids have no more characters.
const LONGEST: usize = 64;
/// A section has no more bytes: playlists have it as long as it is known.
const LONGEST_SECTION: usize = 512;
/// No break is said to be longer, in seconds.
const LONGEST_SECONDS: f64 = 86_400.0;

const ID: &[&str] = &["id", "eventid", "spliceeventid"];
const DURATION: &[&str] = &["duration", "breakduration", "breakdurationsec"];
const OUT: &[&str] = &["outofnetwork", "outofnetworkindicator", "cuepointstart"];
const SECTION: &[&str] = &["scte35", "cue", "data", "messagedata"];
/// What may say in a word what it does.
const WORD: &[&str] = &["cue", "command", "type", "name"];
const OUT_WORDS: &[&str] =
    &["spliceout", "cueout", "out", "adstart", "adbreakstart", "breakstart", "adbegin"];
const IN_WORDS: &[&str] = &["splicein", "cuein", "in", "adend", "adbreakend", "breakend"];
/// What is the beginning of a break if it says how long that is.
const BREAK: &str = "adbreak";

/// Reads a message; `wall` is for whoever knows. `None`: it is no cue point, or cannot be read.
pub fn read(payload: &[u8]) -> Option<Cue> {
    let mut decoder = Decoder::new(payload);
    let mut next = || decoder.next().ok().flatten();
    let mut name = next()?;
    if name.as_bytes() == Some(b"@setDataFrame") {
        name = next()?;
    }
    if !matches!(name.as_bytes(), Some(b"onCuePoint" | b"onAdCue")) {
        return None;
    }
    let value = next()?;
    let members = Members([value.get("parameters"), Some(&value)]);
    let section = members.find(SECTION).find_map(section).unwrap_or_default();
    let said = scte35::read(&section).unwrap_or_default();
    let id = members.find(ID).find_map(text);
    let duration = members.find(DURATION).find_map(milliseconds).or(said.duration);
    let out = members.find(OUT).find_map(truth);
    let words = || members.find(WORD).filter_map(Value::as_bytes).map(plain);
    let is_one_of = |known: &[&str]| words().any(|word| known.contains(&&*word));
    let action = match out.or(said.out) {
        Some(true) => Action::Out,
        Some(false) => Action::In,
        None if is_one_of(OUT_WORDS) => Action::Out,
        None if is_one_of(IN_WORDS) => Action::In,
        None if is_one_of(&[BREAK]) && duration.is_some() => Action::Out,
        None => Action::Mark,
    };
    let id = id.or(said.event.map(|event| event.to_string()));
    let name = members.find(&["name"]).chain(members.find(&["type"])).find_map(text);
    Some(Cue { action, id, name, duration, section, wall: 0 })
}

/// The members of a cue, the inner ones first.
struct Members<'v, 'm>([Option<&'v Value<'m>>; 2]);

impl<'v, 'm> Members<'v, 'm> {
    /// Those with such names.
    fn find(&self, names: &'static [&'static str]) -> impl Iterator<Item = &'v Value<'m>> {
        let all = self.0.into_iter().flatten().flat_map(|value| match value {
            Value::Object(members) | Value::EcmaArray(members) | Value::Typed(_, members) => {
                &members[..]
            }
            _ => &[],
        });
        all.filter(|(name, _)| names.contains(&&*plain(name))).map(|(_, value)| value)
    }
}

/// Letters and digits, small: `Splice-Out` and `splice_out` are one word.
fn plain(name: &[u8]) -> String {
    let name = name.get(..LONGEST.min(name.len())).unwrap_or_default();
    let letters = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
    letters.map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

/// A name that may stand in a playlist: what could mean something there is `_`.
fn text(value: &Value<'_>) -> Option<String> {
    let text = match value {
        Value::String(bytes) => String::from_utf8_lossy(&bytes[..bytes.len().min(4 * LONGEST)]),
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            format!("{number:.0}").into()
        }
        _ => return None,
    };
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_.:/@+ ".contains(it);
    let plain = text.trim().chars().map(|it| if is_plain(it) { it } else { '_' });
    Some(plain.take(LONGEST).collect::<String>()).filter(|text| !text.is_empty())
}

fn milliseconds(value: &Value<'_>) -> Option<u64> {
    let seconds = match value {
        Value::String(bytes) => std::str::from_utf8(bytes).ok()?.trim().parse().ok()?,
        _ => value.as_f64()?,
    };
    let ms = (seconds.clamp(0.0, LONGEST_SECONDS) * 1000.0).round() as u64;
    // Of what is not known it is said to be 0.
    Some(ms).filter(|ms| *ms > 0)
}

fn truth(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Boolean(truth) => Some(*truth),
        Value::Number(number) => Some(*number != 0.0),
        Value::String(bytes) => match &*plain(bytes) {
            "true" | "yes" | "1" => Some(true),
            "false" | "no" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A section of SCTE-35, in Base64 or hexadecimal.
fn section(value: &Value<'_>) -> Option<Vec<u8>> {
    let text = value.as_bytes()?.trim_ascii();
    if text.len() > 2 * LONGEST_SECTION + 2 {
        return None;
    }
    let bytes = match text.strip_prefix(b"0x").or(text.strip_prefix(b"0X")) {
        Some(digits) => hex::decode(digits)?,
        None => STANDARD.decode(text).ok()?,
    };
    let is_one = bytes.len() <= LONGEST_SECTION && scte35::read(&bytes).is_some();
    is_one.then_some(bytes)
}
