//! Followers: what the server itself reads of a stream, as a player does, but without a connection.
//!
//! ```text
//! publisher ─▶ zone ─▶ Followed (in the publisher's worker) ─▶ Follow: segmenter, recorder …
//!                ▲                                                 │
//!                └──── a note: how far it is ◀─────────────────────┘
//! ```
//! A follower has a channel of its own in the zone of the streams, `\0follow/NAME/STREAM`: its owner is who follows, its
//! newest record is what the follower has noted. So the one who goes on after a death begins exactly behind what was
//! done, and two never do the same thing: the second's notes are refused. What a follower still needs is not let go.

mod adopt;
mod api;
mod claim;
mod followed;
mod messages;
mod turns;

pub use adopt::{notes, watch};
pub use api::{Change, Follow, Followers, Message, Progress, Stream};
pub(crate) use claim::is_claim;
pub(crate) use followed::{Followed, command, follow, leave};
