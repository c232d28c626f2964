//! The addresses in playlists and descriptions, which are relative to these.

use proto::hls;

use crate::dash;
use crate::keys::Keys;
use crate::part::{Format, Track};
use crate::playlists::Names;
use crate::timeline::Segment;

/// Where the master playlist and the description for DASH are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the stream's directory, as everything else: `NAME/index.m3u8`.
    Inside,
    /// Beside the directory, which has this name, as it stands in an address: `NAME.m3u8`.
    Beside(String),
}

/// The addresses of a stream.
pub struct Addresses {
    place: Place,
    /// What they end with.
    end: String,
}

impl Addresses {
    /// Of a stream whose addresses end with these arguments and the `?` before them.
    pub fn new(place: Place, end: &[u8]) -> Addresses {
        Addresses { place, end: String::from_utf8_lossy(end).into_owned() }
    }

    /// What they end with.
    pub fn end(&self) -> &str {
        &self.end
    }

    /// The playlist of a track in the master playlist: of the stream itself, or of a variant with another suffix. `name`: the
    /// last part of the stream's.
    pub fn playlist(&self, name: &[u8], suffix: &str, track: Track) -> String {
        let (stem, end) = (track.stem(), &self.end);
        match (&self.place, suffix) {
            (Place::Inside, "") => format!("{stem}.m3u8{end}"),
            (Place::Inside, suffix) => {
                let mut escaped = Vec::new();
                proto::escape::component(name, &mut escaped);
                let name = String::from_utf8_lossy(&escaped);
                format!("../{name}{suffix}/{stem}.m3u8{end}")
            }
            (Place::Beside(directory), suffix) => {
                format!("{directory}{suffix}/{stem}.m3u8{end}")
            }
        }
    }

    /// The names in the playlist of one track.
    pub fn by_track(&self, track: Track, keys: Option<Keys>) -> ByTrack<'_> {
        ByTrack { track, end: &self.end, keys }
    }

    /// The names in a description for DASH.
    pub fn by_time(&self) -> ByTime<'_> {
        let directory = match &self.place {
            Place::Inside => String::new(),
            Place::Beside(directory) => format!("{directory}/"),
        };
        ByTime { directory, end: &self.end }
    }
}

/// The names in the playlist of one track.
pub struct ByTrack<'a> {
    track: Track,
    end: &'a str,
    keys: Option<Keys>,
}

impl Names for ByTrack<'_> {
    fn segment(&self, segment: &Segment) -> String {
        let extension = match segment.format {
            Format::Ts => "ts",
            Format::Cmaf => "m4s",
        };
        format!("{}-{}.{extension}{}", self.track.stem(), segment.msn, self.end)
    }

    fn part(&self, segment: &Segment, part: u64) -> String {
        format!("{}-{}.{part}.m4s{}", self.track.stem(), segment.msn, self.end)
    }

    fn init(&self, segment: &Segment) -> Option<String> {
        let name = format!("{}-init-{}.mp4{}", self.track.stem(), segment.version, self.end);
        (segment.format == Format::Cmaf).then_some(name)
    }

    fn key(&self, segment: &Segment) -> Option<hls::Key> {
        let number = self.keys?.of(segment);
        Some(hls::Key { uri: format!("{number}.key{}", self.end), iv: number.into() })
    }
}

/// The names in a description for DASH.
pub struct ByTime<'a> {
    directory: String,
    end: &'a str,
}

impl dash::Names for ByTime<'_> {
    fn init(&self, track: Track, version: u32) -> String {
        format!("{}{}-init-{version}.mp4{}", self.directory, track.stem(), self.end)
    }

    fn numbered(&self, track: Track) -> String {
        format!("{}{}-$Number$.m4s{}", self.directory, track.stem(), self.end)
    }

    fn media(&self, track: Track, version: u32) -> String {
        format!("{}{}-{version}-t$Time$.m4s{}", self.directory, track.stem(), self.end)
    }
}
