//! What a presentation consists of.

/// Whether it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Segments come; the description is to be asked for again after so many milliseconds.
    Live {
        /// minimumUpdatePeriod.
        update: u64,
    },
    /// It was live, and lasted so many milliseconds.
    Ended(u64),
    /// It is a recording, and lasts so many milliseconds.
    Recorded(u64),
}

/// Where a client has the time from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UtcTiming {
    /// From a location that answers with it.
    Http(String),
    /// It is this.
    Direct(u64),
}

/// How far behind a client plays that wants to be near, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Where it should be.
    pub target: u64,
    /// Not nearer than this.
    pub min: u64,
    /// Not farther.
    pub max: u64,
}

/// A presentation.
#[derive(Clone, Debug, PartialEq)]
pub struct Mpd {
    /// Whether it goes on.
    pub extent: Extent,
    /// When it began: never another time as long as the stream lives.
    pub availability_start: u64,
    /// When the description was made, or changed last.
    pub publish_time: u64,
    /// How far one can go back.
    pub time_shift: u64,
    /// How far behind a client should play; 0: as it likes.
    pub presentation_delay: u64,
    /// No segment is longer.
    pub max_segment: u64,
    /// How much a client has before it plays.
    pub min_buffer: u64,
    /// For those that want to be near.
    pub latency: Option<Latency>,
    /// A new one for each discontinuity.
    pub periods: Vec<Period>,
    /// Where a client has the time from.
    pub timing: Option<UtcTiming>,
}

/// A time in which nothing changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Period {
    /// Different in all of them, for ever.
    pub id: String,
    /// Since the beginning.
    pub start: u64,
    /// How long it was, if that is known and the segments do not say it.
    pub duration: Option<u64>,
    /// Pictures, sound.
    pub sets: Vec<AdaptationSet>,
}

/// What a set is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Pictures.
    #[default]
    Video,
    /// Sound.
    Audio,
}

/// How segments are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// Each with beginning and length, in ticks: `$Time$`, or `$Number$` from the number on.
    Timeline {
        /// The number of the first; `None`: the names have times.
        start_number: Option<u64>,
        /// Beginning and length.
        segments: Vec<(u64, u64)>,
    },
    /// All of the same length: `$Number$`.
    Duration {
        /// The number of the first of the period.
        start_number: u64,
        /// Ticks.
        duration: u64,
    },
}

/// What was when on the wall (ProducerReferenceTime): it is true of all that follows in the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Milliseconds since 1970.
    pub wall: u64,
    /// Ticks.
    pub time: u64,
}

/// Things between which one can switch.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptationSet {
    /// Different in the period.
    pub id: u32,
    /// What it is of.
    pub sort: Sort,
    /// RFC 5646.
    pub language: Option<String>,
    /// Ticks a second.
    pub timescale: u32,
    /// The time of media at the period's start.
    pub offset: u64,
    /// The names of init segments, with `$RepresentationID$`.
    pub initialization: String,
    /// The names of segments.
    pub media: String,
    /// How segments are told.
    pub addressing: Addressing,
    /// Decoding can begin with each of them.
    pub independent: bool,
    /// How much earlier than its end a segment can be asked for, in milliseconds: it comes in chunks.
    pub early: Option<u64>,
    /// What was when.
    pub reference: Option<Reference>,
    /// Between which one can switch.
    pub representations: Vec<Representation>,
}

/// One way to have it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Representation {
    /// Different in the period.
    pub id: String,
    /// Bits a second.
    pub bandwidth: u64,
    /// As RFC 6381 has them.
    pub codecs: String,
    /// Width and height, of pictures; 0: not told.
    pub size: (u32, u32),
    /// Pictures a second; 0: not told.
    pub frame_rate: f64,
    /// Samples a second, of sound; 0: not told.
    pub rate: u32,
    /// Loudspeakers; 0: not told.
    pub channels: u8,
}
