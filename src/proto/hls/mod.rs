//! Playlists of HTTP Live Streaming (RFC 8216, and draft-pantos-hls-rfc8216bis-22 for what has low latency), and what clients ask
//! them for.
//!
//! ```text
//! #EXTM3U  #EXT-X-VERSION  #EXT-X-TARGETDURATION  [#EXT-X-SERVER-CONTROL  #EXT-X-PART-INF]
//! #EXT-X-MEDIA-SEQUENCE  [#EXT-X-DISCONTINUITY-SEQUENCE]  [#EXT-X-PLAYLIST-TYPE]  [#EXT-X-INDEPENDENT-SEGMENTS]
//! [#EXT-X-SKIP]
//! ( [#EXT-X-DISCONTINUITY] [#EXT-X-KEY] [#EXT-X-MAP] [#EXT-X-PROGRAM-DATE-TIME] [#EXT-X-GAP] #EXT-X-PART*
//!   #EXTINF [#EXT-X-BYTERANGE] URI )*
//! #EXT-X-PART*  [#EXT-X-PRELOAD-HINT]  #EXT-X-RENDITION-REPORT*  [#EXT-X-ENDLIST]
//! ```
//! Durations are whole microseconds, and written as they are: no sum of them is off.

mod arguments;
mod bandwidth;
mod media;
mod multivariant;
mod playlist;
mod text;

pub use arguments::{Answer, Asked, There};
pub use bandwidth::Bandwidth;
pub use media::{Control, Key, Kind, Map, Part, Report, Segment};
pub use multivariant::{Captions, Multivariant, Rendition, RenditionKind, Variant};
pub use playlist::MediaPlaylist;

/// Microseconds a second.
pub const SECOND: u64 = 1_000_000;
