//! Which tracks a stream has: what the header of FLV has to tell before the first tag.
//!
//! Players of FLV make nothing of a stream before they have the configuration of each track that its
//! header announces, and take no notice of one that it does not.

use proto::rtmp::amf::Value;

use crate::record::{HAS_AUDIO, HAS_VIDEO, PROMISE_MS, PROMISED, SECOND_TRACK_MS, SETTLED};

/// What a publisher has sent, and what it has promised.
#[derive(Default)]
pub struct Contents {
    seen: u32,
    /// By its metadata; `None`: that tells nothing of tracks.
    promised: Option<u32>,
    /// When the first frame came, in the zone's milliseconds.
    since: Option<u64>,
}

impl Contents {
    /// A message of a track: [`HAS_AUDIO`] or [`HAS_VIDEO`]. A header alone is a track, too; it is a frame
    /// that the time is counted from. `true`: the track is new.
    pub fn saw(&mut self, track: u32, is_frame: bool, now: u64) -> bool {
        if is_frame {
            self.since.get_or_insert(now);
        }
        let new = self.seen & track == 0;
        self.seen |= track;
        new
    }

    /// Metadata has come.
    pub fn metadata(&mut self, members: &[(&[u8], Value<'_>)]) {
        let find = |name: &str| {
            members.iter().rev().find(|(key, _)| *key == name.as_bytes()).map(|(_, value)| value)
        };
        let says = |flag: &str, names: &[&str]| match find(flag) {
            Some(Value::Boolean(has)) => Some(*has),
            _ => names.iter().filter_map(|name| find(name)).map(is_something).reduce(|a, b| a || b),
        };
        let video = says("hasVideo", &["videocodecid", "width", "videodatarate", "framerate"]);
        let audio = says("hasAudio", &["audiocodecid", "audiosamplerate", "audiodatarate"]);
        let bit = |has: Option<bool>, bit| if has == Some(true) { bit } else { 0 };
        let promised = bit(video, HAS_VIDEO) | bit(audio, HAS_AUDIO);
        self.promised = (promised != 0).then_some(promised);
    }

    /// What every record of the stream tells of it: the tracks that are there, and whether these are all that
    /// is to be waited for.
    pub fn flags(&self, now: u64) -> u32 {
        let (wanted, patience, promised) = match self.promised {
            Some(promised) => (promised, PROMISE_MS, PROMISED),
            None => (HAS_AUDIO | HAS_VIDEO, SECOND_TRACK_MS, 0),
        };
        let complete = self.seen & wanted == wanted;
        let settled = self.since.is_some_and(|since| complete || now >= since + patience);
        self.seen | promised | if settled { SETTLED } else { 0 }
    }
}

fn is_something(value: &Value<'_>) -> bool {
    match value {
        Value::Number(number) => *number > 0.0,
        Value::String(text) => !text.is_empty(),
        Value::Boolean(flag) => *flag,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: u32 = HAS_AUDIO | HAS_VIDEO;

    #[test]
    fn what_is_promised_is_waited_for() {
        let mut contents = Contents::default();
        contents.metadata(&[(b"width", 640.0.into()), (b"audiocodecid", 10.0.into())]);
        assert_eq!(contents.flags(0), PROMISED, "nothing is there");
        contents.saw(HAS_VIDEO, false, 0);
        contents.saw(HAS_VIDEO, true, 100);
        assert_eq!(contents.flags(100), HAS_VIDEO | PROMISED);
        contents.saw(HAS_AUDIO, false, 900);
        assert_eq!(contents.flags(900), BOTH | SETTLED | PROMISED);
    }

    #[test]
    fn a_promise_that_is_not_kept_is_not_waited_for_for_ever() {
        let mut contents = Contents::default();
        contents.metadata(&[(b"hasAudio", true.into()), (b"hasVideo", true.into())]);
        contents.saw(HAS_VIDEO, true, 100);
        assert_eq!(contents.flags(100 + PROMISE_MS - 1), HAS_VIDEO | PROMISED);
        assert_eq!(contents.flags(100 + PROMISE_MS), HAS_VIDEO | SETTLED | PROMISED);
        contents.saw(HAS_AUDIO, true, 20_000);
        assert_eq!(contents.flags(20_000), BOTH | SETTLED | PROMISED, "it comes late");
    }

    #[test]
    fn what_is_not_promised_is_not_waited_for() {
        // ffmpeg -an tells of video alone; others write a codec of 0, or say so.
        let told: [&[(&[u8], Value<'_>)]; 3] = [
            &[(b"videocodecid", 7.0.into()), (b"width", 320.0.into())],
            &[(b"videocodecid", "avc1".into()), (b"audiocodecid", 0.0.into())],
            &[
                (b"hasVideo", true.into()),
                (b"hasAudio", false.into()),
                (b"audiodatarate", 96.0.into()),
            ],
        ];
        for members in told {
            let mut contents = Contents::default();
            contents.metadata(members);
            contents.saw(HAS_VIDEO, true, 5);
            assert_eq!(contents.flags(5), HAS_VIDEO | SETTLED | PROMISED, "{members:?}");
        }
        let mut silent = Contents::default();
        silent.metadata(&[(b"title", "x".into())]);
        silent.saw(HAS_AUDIO, true, 5);
        assert_eq!(silent.flags(5), HAS_AUDIO, "it has promised nothing");
        assert_eq!(silent.flags(5 + SECOND_TRACK_MS), HAS_AUDIO | SETTLED);
    }
}
