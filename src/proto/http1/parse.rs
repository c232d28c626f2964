//! How the head of a request is parsed.
//!
//! ```text
//!   first call ──> whole ── httparse finds the words ──────────────> Head
//!                    │ not complete, not plain, or not good
//!                    v
//!   next calls ──> lines ── request_line, then fields, one by one ──> Head, Partial or Reject
//! ```
//!
//! Nearly every head is there at once and plain: `whole` has `httparse` read it, holds it against
//! nginx's rules and takes it or leaves it. `lines` is nginx's parser. It judges all that is left
//! and alone refuses; it goes on where it stopped when a head trickles in, and refuses a bad line
//! as soon as it is there. What `whole` takes, `lines` would read in the same way.

use super::head::{Head, HeadLimits, Parsed};
use super::{Reject, lines, whole};

/// Parses what has arrived of a head.
///
/// Call it again with the same `head` and a longer `buf` that begins with the same bytes until it
/// is complete; [`Head::clear`] before the next request, whose bytes are then `buf[head.len..]`.
pub fn parse(buf: &[u8], head: &mut Head, limits: &HeadLimits) -> Result<Parsed, Reject> {
    if head.len == 0 && whole::parse(buf, head, limits) {
        return Ok(Parsed::Complete);
    }
    lines::parse(buf, head, limits)
}
