//! Media presentation descriptions of MPEG-DASH (ISO 23009-1), of live streams above all.
//!
//! ```text
//! MPD  [ServiceDescription: Latency]
//!      Period* : AdaptationSet* : [AudioChannelConfiguration] [ProducerReferenceTime]
//!                                 SegmentTemplate: [SegmentTimeline: S*]
//!                                 Representation*
//!      UTCTiming
//! ```
//! Times on the wall are milliseconds since 1970, durations milliseconds, times of media ticks of their track.

mod model;
mod render;
mod xml;

pub use model::{
    AdaptationSet, Addressing, Extent, Latency, Mpd, Period, Reference, Representation, Sort,
    UtcTiming,
};
