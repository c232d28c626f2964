//! Which files a stream has: for HLS one for each segment, for DASH one for each of its tracks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::SystemTime;

use broadcast::ChannelId;
use proto::{fmp4, hls};

use crate::archive::window::Reach;
use crate::dash;
use crate::files::earlier::{Earlier, Ours};
use crate::files::job::Step;
use crate::files::names::StreamNames;
use crate::files::turns;
use crate::keys::{self, Keys};
use crate::part::{Format, Track};
use crate::playlists::{self, Names};
use crate::timeline::{self, Segment, Timeline};
use crate::zone::Hub;

/// What an application asks for.
#[derive(Clone, Debug)]
pub enum Layout {
    /// Playlists, and segments with all tracks.
    Hls {
        /// How long playlists are, in milliseconds.
        playlist: u64,
        /// How much there is in memory, and behind it.
        reach: Reach,
        /// All segments stay.
        event: bool,
        /// Segments are encrypted: how often keys change, where their files are, and what stands before their names.
        keys: Option<(Keys, PathBuf, String)>,
        /// `hls_variant`
        variants: Vec<(String, Vec<String>)>,
        /// `hls_captions`
        captions: Vec<hls::Caption>,
    },
    /// Descriptions, and segments of each track.
    Dash(dash::Settings),
}

/// Where a stream is.
pub struct Source<'a> {
    /// What there is.
    pub timeline: &'a Timeline,
    /// Its zone.
    pub hub: &'static Hub,
    /// Its channel there, by number and name.
    pub id: ChannelId,
    /// See `id`.
    pub channel: &'a [u8],
    /// What its playlist has listed, if that is known to be more.
    pub earlier: Option<&'a Earlier>,
    /// Segments of which no file was written while they could be read.
    pub lost: &'a BTreeSet<u64>,
}

/// A file: where it is, what is in it, and its rights.
pub type File = (PathBuf, Vec<u8>, u32);

const DASH: [(Track, &str); 2] = [(Track::Video, "m4v"), (Track::Audio, "m4a")];

impl Layout {
    /// How long what is listed is, in milliseconds, and whether all is.
    pub fn listed(&self) -> (u64, bool) {
        match self {
            Layout::Hls { playlist, event, .. } => (*playlist, *event),
            Layout::Dash(settings) => (settings.playlist, false),
        }
    }

    /// What the names of lists and journals end with.
    pub fn kind(&self) -> &'static str {
        match self {
            Layout::Hls { .. } => "m3u8",
            Layout::Dash(_) => "mpd",
        }
    }

    /// The journal of a stream's files.
    pub fn journal(&self, names: &StreamNames) -> PathBuf {
        names.directory().join(names.journal(self.kind()))
    }

    /// Has all files of a stream removed that its journal tells of, but these; not if somebody has written to that since.
    pub fn keep(
        &self,
        names: &StreamNames,
        kept: BTreeSet<PathBuf>,
        unless_since: Option<SystemTime>,
    ) -> Step {
        let (journal, directories) = (self.journal(names), self.directories(names));
        Step::Keep { journal, directories, kept, unless_since }
    }

    /// The directories that files are in.
    pub fn directories(&self, names: &StreamNames) -> Vec<PathBuf> {
        let keys = match self {
            Layout::Hls { keys: Some((_, root, _)), .. } => Some(names.directory_in(root)),
            _ => None,
        };
        std::iter::once(names.directory()).chain(keys).collect()
    }

    /// What decoders need first of a segment's tracks.
    pub fn inits(&self, segment: &Segment, names: &StreamNames) -> Vec<File> {
        let tracks = &segment.tracks;
        let directory = names.directory();
        let file = |name: String, bytes: Option<Vec<u8>>| {
            bytes.map(|bytes| (directory.join(name), bytes, 0o644))
        };
        if segment.format == Format::Ts {
            return Vec::new();
        }
        match self {
            Layout::Hls { .. } => {
                let bytes = fmp4::movie_init(tracks.video.as_ref(), tracks.audio.as_ref());
                file(init(names, segment.version), bytes).into_iter().collect()
            }
            Layout::Dash(_) => {
                let video = tracks.video.as_ref().and_then(fmp4::video_init);
                let audio = tracks.audio.as_ref().and_then(fmp4::audio_init);
                let both = DASH.into_iter().zip([video, audio]);
                let files = both.filter_map(|((_, extension), bytes)| {
                    file(names.file(&format!("init-{}.{extension}", segment.version)), bytes)
                });
                files.collect()
            }
        }
    }

    /// Where the files of a segment are.
    pub fn paths(&self, segment: &Segment, names: &mut StreamNames) -> Vec<PathBuf> {
        let directory = names.directory();
        match self {
            Layout::Hls { keys, .. } => {
                let path = directory.join(names.segment(segment));
                let key = keys.as_ref().map(|(keys, root, _)| {
                    let key = names.file(&format!("{}.key", keys.of(segment)));
                    names.directory_in(root).join(key)
                });
                // The key before what is encrypted with it.
                key.into_iter().chain([path]).collect()
            }
            Layout::Dash(_) => {
                let tracks = DASH.into_iter().filter(|(track, _)| segment.has(*track));
                let files = tracks.map(|(track, extension)| {
                    let (version, base) = (segment.version, segment.base(track));
                    directory.join(names.file(&format!("{version}-{base}.{extension}")))
                });
                files.collect()
            }
        }
    }

    /// How its playlist names files.
    pub fn ours(&self, names: &StreamNames) -> Ours {
        let start = names.file("");
        let keys = match self {
            Layout::Hls { keys: Some((_, _, url)), .. } => Some(names.url_below(url, &start)),
            _ => None,
        };
        Ours { files: names.url(&start), keys }
    }

    /// The files of a segment, at [these places](Layout::paths). `None`: the zone does not have all of it any more.
    pub fn files(
        &self,
        segment: &Segment,
        names: &mut StreamNames,
        source: &Source<'_>,
    ) -> Option<Vec<File>> {
        let attachment = source.hub.attachment;
        let read = |track| {
            let mut out = turns::buffer();
            timeline::read(attachment, source.id, segment, track, &mut out).map(|()| out)
        };
        let contents = match self {
            Layout::Hls { keys: None, .. } => vec![(read(None)?, 0o644)],
            Layout::Hls { keys: Some((keys, _, _)), .. } => {
                let number = keys.of(segment);
                let key = keys::key(attachment.zone(), source.channel, number);
                let bytes = keys::encrypt(key, number, &read(None)?);
                // Nobody but the server may read a key.
                vec![(key.to_vec(), 0o600), (bytes, 0o644)]
            }
            Layout::Dash(_) => {
                let tracks = DASH.into_iter().filter(|(track, _)| segment.has(*track));
                let tracks = tracks.map(|(track, _)| Some((read(Some(track))?, 0o644)));
                tracks.collect::<Option<_>>()?
            }
        };
        let files = self.paths(segment, names).into_iter().zip(contents);
        Some(files.map(|(path, (bytes, mode))| (path, bytes, mode)).collect())
    }

    /// The playlist, or description.
    pub fn list(&self, names: &mut StreamNames, source: &Source<'_>) -> Option<(PathBuf, String)> {
        let timeline = source.timeline;
        match self {
            Layout::Hls { playlist, event, keys, .. } => {
                let files = timeline.segments.iter();
                let files = files.map(|segment| (segment.msn, names.segment(segment)));
                let files: BTreeMap<u64, String> = files.collect();
                let newest = timeline.segments.back()?;
                let is_sound = newest.format == Format::Cmaf && newest.tracks.video.is_none();
                let track = if is_sound { Track::Audio } else { Track::Video };
                let keys = keys.as_ref().map(|(keys, _, url)| (*keys, &url[..]));
                let listed = Listed { files: &files, names, keys, lost: source.lost };
                let mut media = playlists::media(timeline, track, &listed, *playlist, *event)?;
                // Whoever reads files cannot wait for parts.
                (media.part_target, media.hint) = (None, None);
                media.segments.retain(|segment| segment.uri.is_some());
                media.segments.iter_mut().for_each(|segment| segment.parts.clear());
                let is_first = timeline.segments.front().is_some_and(|first| first.alone);
                if let Some(earlier) = source.earlier.filter(|_| !is_first) {
                    earlier.put_before(&mut media, &self.ours(names));
                }
                Some((names.list(names.name(), "m3u8"), hls::playlist(&media, false)))
            }
            Layout::Dash(settings) => {
                let text =
                    dash::manifest(timeline, *settings, &Described(names, source.lost), None)?;
                Some((names.list(names.name(), "mpd"), text))
            }
        }
    }

    /// The master playlist that this stream is a variant in; `None` as text: none of those is there. `gone`: this one is not
    /// to be in it.
    pub fn master(
        &self,
        names: &StreamNames,
        source: &Source<'_>,
        gone: bool,
    ) -> Option<(PathBuf, Option<String>)> {
        let Layout::Hls { variants, captions, reach, .. } = self else { return None };
        let suffixes = variants.iter().map(|(suffix, _)| &suffix[..]);
        let suffix =
            suffixes.filter(|suffix| names.name().ends_with(suffix)).max_by_key(|it| it.len())?;
        let base = names.name().strip_suffix(suffix).filter(|base| !base.is_empty())?;
        let channel = source.channel.strip_suffix(suffix.as_bytes())?;
        let uri = |suffix: &str, _| names.variant(&format!("{base}{suffix}"));
        let listed = variants.iter().filter(|(known, _)| !(gone && known == suffix)).cloned();
        let listed: Vec<_> = listed.collect();
        let text = crate::master::playlist(source.hub, &listed, captions, reach, channel, uri);
        Some((names.list(base, "m3u8"), text))
    }
}

fn init(names: &StreamNames, version: u32) -> String {
    names.file(&format!("init-{version}.mp4"))
}

/// The names in a playlist.
struct Listed<'a> {
    files: &'a BTreeMap<u64, String>,
    names: &'a StreamNames,
    keys: Option<(Keys, &'a str)>,
    lost: &'a BTreeSet<u64>,
}

impl Names for Listed<'_> {
    fn is_lost(&self, segment: &Segment) -> bool {
        self.lost.contains(&segment.msn)
    }

    fn segment(&self, segment: &Segment) -> String {
        self.names.url(self.files.get(&segment.msn).map_or("", |file| file))
    }

    fn part(&self, segment: &Segment, _: u64) -> String {
        self.segment(segment)
    }

    fn init(&self, segment: &Segment) -> Option<String> {
        let is_apart = segment.format == Format::Cmaf;
        is_apart.then(|| self.names.url(&init(self.names, segment.version)))
    }

    fn key(&self, segment: &Segment) -> Option<hls::Key> {
        let (keys, url) = self.keys?;
        let number = keys.of(segment);
        let file = self.names.file(&format!("{number}.key"));
        Some(hls::Key { uri: self.names.url_below(url, &file), iv: number.into() })
    }
}

/// The names in a description.
struct Described<'a>(&'a StreamNames, &'a BTreeSet<u64>);

impl dash::Names for Described<'_> {
    fn is_lost(&self, segment: &Segment) -> bool {
        self.1.contains(&segment.msn)
    }

    fn init(&self, track: Track, version: u32) -> String {
        self.0.url(&self.0.file(&format!("init-{version}.{}", extension(track))))
    }

    fn numbered(&self, track: Track) -> String {
        // Files are there when they are whole: nobody is told of numbers.
        self.media(track, 0)
    }

    fn media(&self, track: Track, version: u32) -> String {
        // A stream's name has no such sign.
        self.0
            .url(&self.0.file(&format!("{version}-$Time$.{}", extension(track))))
            .replace("%24", "$")
    }
}

fn extension(track: Track) -> &'static str {
    match track {
        Track::Video => "m4v",
        Track::Audio => "m4a",
    }
}
