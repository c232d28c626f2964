//! HTTP/1 (RFC 9112): the heads of requests and answers, the framing of their bodies, and status lines.

mod answer;
mod bad_answer;
mod chunked;
mod fields;
mod framing;
mod head;
mod host;
mod lines;
mod listed;
mod method;
mod name;
mod parse;
mod request_line;
mod response;
mod section;
pub mod status;
mod whole;

pub use answer::{AnswerHead, parse_answer};
pub use bad_answer::BadAnswer;
pub use chunked::{CHUNK_END, Chunked, LAST_CHUNK, Step, chunk_head};
pub use framing::{Body, framing, keep_alive};
pub use head::{Field, Head, HeadLimits, Parsed, Range32, Version};
pub use host::{HostPort, host};
pub use listed::Listed;
pub use method::Method;
pub use name::Name;
pub use parse::parse;
pub use response::{Framing, NotHttp, ResponseHead, parse_response};
pub use section::FieldSection;

/// Why a request is refused: the status of the answer, and the reason for the error log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The status as nginx has it: 494 (shown as 400) for a head that is too large.
    pub status: u16,
    /// The reason in nginx's words.
    pub reason: &'static str,
}

impl Reject {
    /// A refusal.
    pub const fn new(status: u16, reason: &'static str) -> Reject {
        Reject { status, reason }
    }
}

impl std::fmt::Display for Reject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.reason)
    }
}

impl std::error::Error for Reject {}
