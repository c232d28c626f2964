//! What an application asks for, as its directives are to be understood together.

use proto::hls::Caption;

use crate::archive::window::Reach;
use crate::dash;
use crate::files::Files;
use crate::keys::Keys;
use crate::segmenter::Options;
use crate::settings::conf::{Kind, ViewersBy};

/// A stream that has ended can be watched for so long.
pub const ENDED_MS: u64 = 120_000;
/// One that can be watched as a whole, for so long.
const EVENT_MS: u64 = 24 * 3600 * 1000;

/// What an application asks for.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How streams are cut.
    pub options: Options,
    /// How long playlists are, in milliseconds.
    pub playlist: u64,
    /// How much there is of a stream, in memory and behind it.
    pub reach: Reach,
    /// What becomes of old segments.
    pub kind: Kind,
    /// A stream that begins again goes on with the playlist.
    pub continuous: bool,
    /// `hls_path`, `dash_path`
    pub files: Vec<Files>,
    /// `hls_variant`: what the names of streams end with, and what is said of them.
    pub variants: Vec<(String, Vec<String>)>,
    /// `hls_captions`
    pub captions: Vec<Caption>,
    /// `hls_keys`
    pub keys: Option<Keys>,
    /// `hls_viewers`
    pub viewers: Option<ViewersBy>,
    /// `hls_max_viewers`
    pub most_viewers: usize,
    /// `hls_cue`
    pub cue: bool,
    /// `hls`
    pub hls: bool,
    /// `dash`
    pub dash: Option<dash::Settings>,
}

impl Settings {
    /// How long playlists are that players read from memory, in milliseconds.
    pub fn longest(&self, playlist: u64) -> u64 {
        self.reach.window.as_ref().map_or(playlist, |window| window.length.max(playlist))
    }

    /// What of a stream that has ended can be watched for so long, in milliseconds.
    pub fn ended(&self) -> u64 {
        match self.kind {
            Kind::Live => self.longest(ENDED_MS),
            Kind::Event => EVENT_MS,
        }
    }
}
