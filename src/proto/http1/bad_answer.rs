//! Why the answer of another server is refused.

use std::fmt;

/// Why an answer is refused: what it means is not certain, or it is none. Shown in nginx's words, for the error log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadAnswer {
    /// It does not begin with a status line of HTTP/1. nginx takes that for HTTP/0.9, and all of it for the body.
    StatusLine,
    /// A script's Status field has no status.
    Status,
    /// A line that is no field.
    Field,
    /// More fields than are taken.
    TooManyFields,
    /// A second Content-Length or Transfer-Encoding, even of the same value.
    Duplicate,
    /// A Content-Length that is no number, or none that a file can have.
    Length,
    /// Content-Length beside Transfer-Encoding.
    Both,
    /// Transfer-Encoding of HTTP/1.0, which does not know it (RFC 9112 §6.1).
    OldCoding,
    /// A Transfer-Encoding other than `chunked` alone.
    Coding,
}

impl fmt::Display for BadAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadAnswer::StatusLine => "upstream sent no valid HTTP/1.0 header",
            BadAnswer::Status => "upstream sent invalid status",
            BadAnswer::Field => "upstream sent invalid header",
            BadAnswer::TooManyFields => "upstream sent too many header lines",
            BadAnswer::Duplicate => "upstream sent duplicate header line",
            BadAnswer::Length => "upstream sent invalid \"Content-Length\" header",
            BadAnswer::Both => {
                "upstream sent \"Content-Length\" and \"Transfer-Encoding\" headers at the same time"
            }
            BadAnswer::OldCoding => {
                "upstream sent HTTP/1.0 response with \"Transfer-Encoding\" header"
            }
            BadAnswer::Coding => "upstream sent unknown \"Transfer-Encoding\"",
        })
    }
}

impl std::error::Error for BadAnswer {}
