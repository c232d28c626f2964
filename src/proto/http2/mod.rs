//! What can be told of HTTP/2 (RFC 9113) without speaking it: the frames of a client as they pass, and whether it asks for
//! more than it should.

mod frames;
mod traffic;

pub use frames::{Frame, Frames, Kind, PREFACE};
pub use traffic::{Offence, Traffic};
