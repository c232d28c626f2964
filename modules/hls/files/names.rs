//! What the files of a stream are called.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use proto::escape;

use crate::part::{Format, Track};
use crate::timeline::Segment;

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
    /// `hls_path`, `dash_path`
    pub root: PathBuf,
    /// `hls_dir_access`: the mode of directories that are made.
    pub directory_mode: u32,
    /// A directory for each stream.
    pub nested: bool,
    /// `hls_nested_index_filename`: the list in such a directory, without its ending.
    pub index: String,
    /// `hls_fragment_naming`
    pub naming: Naming,
    /// `hls_fragment_naming_granularity`
    pub granularity: u64,
    /// `hls_base_url`
    pub base_url: String,
}

/// Whether files may be called after a stream: its name leads nowhere else, and hides nothing.
pub fn is_fit(name: &[u8]) -> bool {
    let bad =
        |byte: &u8| *byte == b'/' || byte.is_ascii_control() || *byte == b'"' || *byte == b'$';
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
        self.directory_of(&self.name)
    }

    /// Where in another directory files of the stream are.
    pub fn directory_in(&self, root: &Path) -> PathBuf {
        if self.places.nested { root.join(&self.name) } else { root.to_owned() }
    }

    fn directory_of(&self, name: &str) -> PathBuf {
        match self.places.nested {
            true => self.places.root.join(name),
            false => self.places.root.clone(),
        }
    }

    /// The playlist, or description, of this stream or of another one of the application.
    pub fn list(&self, name: &str, extension: &str) -> PathBuf {
        match self.places.nested {
            true => self.directory_of(name).join(format!("{}.{extension}", self.places.index)),
            false => self.places.root.join(format!("{name}.{extension}")),
        }
    }

    /// The stream's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file of a segment with all of its tracks, without its directory.
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
        let mut name = self.file(&format!("{number}.{extension}"));
        // Two segments of one grain, or after a clock that was set back, have names of their own.
        if self.given.values().any(|known| *known == name) {
            name = self.file(&format!("{number}-{}.{extension}", segment.msn));
        }
        self.given.insert(segment.msn, name.clone());
        name
    }

    /// A segment has a name already.
    pub fn reserve(&mut self, msn: u64, name: String) {
        self.given.insert(msn, name);
    }

    /// A segment is gone.
    pub fn forget(&mut self, msn: u64) {
        self.given.remove(&msn);
    }

    /// As a playlist names a file.
    pub fn url(&self, file: &str) -> String {
        self.url_below(&self.places.base_url, file)
    }

    /// As a playlist names a file that is below another address.
    pub fn url_below(&self, base: &str, file: &str) -> String {
        match self.places.nested && !base.is_empty() {
            true => format!("{base}{}/{}", escaped(&self.name), escaped(file)),
            false => format!("{base}{}", escaped(file)),
        }
    }

    /// As the master playlist names the playlist of a variant.
    pub fn variant(&self, name: &str) -> String {
        let base = &self.places.base_url;
        let index = escaped(&self.places.index);
        match self.places.nested {
            true if base.is_empty() => format!("../{}/{index}.m3u8", escaped(name)),
            true => format!("{base}{}/{index}.m3u8", escaped(name)),
            false => format!("{base}{}.m3u8", escaped(name)),
        }
    }

    /// A file of this stream, without its directory.
    pub fn file(&self, rest: &str) -> String {
        match self.places.nested {
            true => rest.to_owned(),
            false => format!("{}-{rest}", self.name),
        }
    }

    /// The journal of files of this kind, without its directory.
    pub fn journal(&self, kind: &str) -> String {
        format!(".{}", self.file(kind))
    }

    fn rounded(&self, number: u64) -> u64 {
        match self.places.granularity {
            0 | 1 => number,
            grain => number - number % grain,
        }
    }
}

/// As a part of an address.
pub fn escaped(name: &str) -> String {
    let mut out = Vec::new();
    escape::component(name.as_bytes(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_not_fit() {
        for bad in ["", ".", "..", ".hidden", "a/b", "../x", "a\nb", "a\"b", "\0", "$Time$"] {
            assert!(!is_fit(bad.as_bytes()), "{bad:?}");
        }
        assert!(!is_fit(b"\xff"));
        assert!(is_fit("cam 1ä".as_bytes()));
        assert_eq!(escaped("cam 1ä"), "cam%201%C3%A4");
    }
}
