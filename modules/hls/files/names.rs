//! What the files of a stream are called.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use proto::escape;

use crate::part::Format;
use crate::timeline::{Segment, Track};

/// What files of segments are called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Their number.
    Sequential,
    /// The stream's clock, in 90,000ths of a second.
    Timestamp,
    /// The time of day, in milliseconds.
    System,
}

/// Where the files of an application's streams are.
#[derive(Clone, Debug)]
pub struct Places {
    /// `hls_path`
    pub root: PathBuf,
    /// `hls_nested`
    pub nested: bool,
    /// `hls_fragment_naming`
    pub naming: Naming,
    /// `hls_fragment_naming_granularity`
    pub granularity: u64,
    /// `hls_base_url`
    pub base_url: String,
}

/// Whether files may be called after a stream: its name leads nowhere else, and hides nothing.
pub fn is_fit(name: &[u8]) -> bool {
    let bad = |byte: &u8| *byte == b'/' || byte.is_ascii_control() || *byte == b'"';
    !name.is_empty()
        && name[0] != b'.'
        && !name.iter().any(bad)
        && std::str::from_utf8(name).is_ok()
}

/// The files of one stream.
pub struct StreamNames {
    places: Places,
    name: String,
    /// Names that were given to segments, by their numbers.
    given: HashMap<u64, String>,
}

impl StreamNames {
    /// Of a stream whose name is [fit](is_fit).
    pub fn new(places: Places, name: &str) -> StreamNames {
        StreamNames { places, name: name.to_owned(), given: HashMap::new() }
    }

    /// The directory that they are in.
    pub fn directory(&self) -> PathBuf {
        match self.places.nested {
            true => self.places.root.join(&self.name),
            false => self.places.root.clone(),
        }
    }

    /// The playlist.
    pub fn playlist(&self) -> PathBuf {
        match self.places.nested {
            true => self.directory().join("index.m3u8"),
            false => self.directory().join(format!("{}.m3u8", self.name)),
        }
    }

    /// The file of a segment, without its directory.
    pub fn segment(&mut self, segment: &Segment) -> String {
        if let Some(known) = self.given.get(&segment.msn) {
            return known.clone();
        }
        let number = match self.places.naming {
            Naming::Sequential => segment.msn,
            Naming::Timestamp => self.rounded(segment.base(Track::Video)),
            Naming::System => self.rounded(segment.wall),
        };
        let extension = match segment.format {
            Format::Ts => "ts",
            Format::Cmaf => "m4s",
        };
        let taken = |name: &String| self.given.values().any(|known| known == name);
        let named = |suffix: &str| self.named(&format!("{number}{suffix}.{extension}"));
        // Two segments of one grain, or after a clock that was set back, have names of their own.
        let mut name = named("");
        if taken(&name) {
            name = named(&format!("-{}", segment.msn));
        }
        self.given.insert(segment.msn, name.clone());
        name
    }

    /// The file of what a decoder needs first.
    pub fn init(&self, version: u32) -> String {
        self.named(&format!("init-{version}.mp4"))
    }

    /// A segment is gone.
    pub fn forget(&mut self, msn: u64) {
        self.given.remove(&msn);
    }

    /// As a playlist names a file.
    pub fn url(&self, file: &str) -> String {
        let base = &self.places.base_url;
        match self.places.nested && !base.is_empty() {
            true => format!("{base}{}/{}", escaped(&self.name), escaped(file)),
            false => format!("{base}{}", escaped(file)),
        }
    }

    fn named(&self, rest: &str) -> String {
        match self.places.nested {
            true => rest.to_owned(),
            false => format!("{}-{rest}", self.name),
        }
    }

    fn rounded(&self, number: u64) -> u64 {
        match self.places.granularity {
            0 | 1 => number,
            grain => number - number % grain,
        }
    }
}

/// As a part of an address.
fn escaped(name: &str) -> String {
    let mut out = Vec::new();
    escape::component(name.as_bytes(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether a file of a directory may be one of ours of that stream, by its name.
pub fn is_ours(path: &Path, name: &str, nested: bool) -> bool {
    let Some(file) = path.file_name().and_then(|file| file.to_str()) else { return false };
    let rest = if nested {
        Some(file)
    } else {
        file.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'))
    };
    let stem = rest.and_then(|rest| {
        rest.strip_suffix(".ts")
            .or_else(|| rest.strip_suffix(".m4s"))
            .or_else(|| rest.strip_suffix(".mp4"))
    });
    stem.is_some_and(|stem| {
        let digits = stem.strip_prefix("init-").unwrap_or(stem);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_not_fit() {
        for bad in ["", ".", "..", ".hidden", "a/b", "../x", "a\nb", "a\"b", "\0"] {
            assert!(!is_fit(bad.as_bytes()), "{bad:?}");
        }
        assert!(!is_fit(b"\xff"));
        assert!(is_fit("cam 1ä".as_bytes()));
        assert_eq!(escaped("cam 1ä"), "cam%201%C3%A4");
    }

    #[test]
    fn only_what_looks_like_ours_is() {
        let ours = |file: &str, nested| is_ours(Path::new(file), "cam", nested);
        assert!(ours("/x/cam-17.ts", false) && ours("/x/cam-init-17.mp4", false));
        assert!(ours("/x/17.m4s", true));
        for other in ["/x/cam.ts", "/x/cam-a.ts", "/x/camera-1.ts", "/x/cam-17.txt", "/x/cam-.ts"] {
            assert!(!ours(other, false), "{other}");
        }
    }
}
