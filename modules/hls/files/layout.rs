//! Which files a stream has: for HLS one for each segment, for DASH one for each of its tracks.

use std::collections::BTreeMap;
use std::path::PathBuf;

use broadcast::ChannelId;
use proto::{fmp4, hls};

use crate::dash;
use crate::files::names::StreamNames;
use crate::keys::{self, Keys};
use crate::part::Format;
use crate::playlists::{self, Names};
use crate::timeline::{Segment, Timeline, Track};
use crate::zone::Hub;

/// What an application asks for.
#[derive(Clone, Debug)]
pub enum Layout {
    /// Playlists, and segments with all tracks.
    Hls {
        /// How long playlists are, in milliseconds.
        playlist: u64,
        /// All segments stay.
        event: bool,
        /// Segments are encrypted: how often keys change, where their files are, and what stands before their names.
        keys: Option<(Keys, PathBuf, String)>,
        /// `hls_variant`
        variants: Vec<(String, Vec<String>)>,
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

    /// The files of a segment.
    pub fn files(
        &self,
        segment: &Segment,
        names: &mut StreamNames,
        source: &Source<'_>,
    ) -> Vec<File> {
        let directory = names.directory();
        let attachment = source.hub.attachment;
        let read = |track| {
            // Gone meanwhile: then it is not listed much longer either.
            crate::timeline::bytes(attachment, source.id, segment, track, None).unwrap_or_default()
        };
        match self {
            Layout::Hls { keys, .. } => {
                let path = directory.join(names.segment(segment));
                let Some((keys, root, _)) = keys else {
                    return vec![(path, read(None), 0o644)];
                };
                let number = keys.of(segment);
                let key = keys::key(attachment.zone(), source.channel, number);
                let key_path = names.directory_in(root).join(names.file(&format!("{number}.key")));
                let bytes = keys::encrypt(key, number, &read(None));
                // The key before what is encrypted with it; nobody but the server may read it.
                vec![(key_path, key.to_vec(), 0o600), (path, bytes, 0o644)]
            }
            Layout::Dash(_) => {
                let tracks = DASH.into_iter().filter(|(track, _)| segment.has(*track));
                let files = tracks.map(|(track, extension)| {
                    let name = names.file(&format!("{}.{extension}", segment.base(track)));
                    (directory.join(name), read(Some(track)), 0o644)
                });
                files.collect()
            }
        }
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
                let listed = Listed { files: &files, names, keys };
                let mut media = playlists::media(timeline, track, &listed, *playlist, *event)?;
                // Whoever reads files cannot wait for parts.
                (media.part_target, media.hint) = (None, None);
                media.segments.retain(|segment| segment.uri.is_some());
                media.segments.iter_mut().for_each(|segment| segment.parts.clear());
                Some((names.list(names.name(), "m3u8"), hls::playlist(&media, false)))
            }
            Layout::Dash(settings) => {
                let text = dash::manifest(timeline, *settings, &Described(names), None)?;
                Some((names.list(names.name(), "mpd"), text))
            }
        }
    }

    /// The master playlist that this stream is a variant in.
    pub fn master(&self, names: &StreamNames, source: &Source<'_>) -> Option<(PathBuf, String)> {
        let Layout::Hls { variants, playlist, .. } = self else { return None };
        let suffixes = variants.iter().map(|(suffix, _)| &suffix[..]);
        let suffix =
            suffixes.filter(|suffix| names.name().ends_with(suffix)).max_by_key(|it| it.len())?;
        let base = names.name().strip_suffix(suffix).filter(|base| !base.is_empty())?;
        let channel = source.channel.strip_suffix(suffix.as_bytes())?;
        let uri = |suffix: &str, _| names.variant(&format!("{base}{suffix}"));
        let text = crate::master::playlist(source.hub, variants, *playlist, channel, uri)?;
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
}

impl Names for Listed<'_> {
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
struct Described<'a>(&'a StreamNames);

impl dash::Names for Described<'_> {
    fn init(&self, track: Track, version: u32) -> String {
        self.0.url(&self.0.file(&format!("init-{version}.{}", extension(track))))
    }

    fn media(&self, track: Track) -> String {
        // A stream's name has no such sign.
        self.0.url(&self.0.file(&format!("$Time$.{}", extension(track)))).replace("%24", "$")
    }
}

fn extension(track: Track) -> &'static str {
    match track {
        Track::Video => "m4v",
        Track::Audio => "m4a",
    }
}
