//! What peers speak: HTTP/1, or what scripts are asked by (FastCGI, SCGI, uwsgi), or memcached.
//!
//! ```text
//! what has come ─▶ head: Reading ─▶ the answer's head, and what of its body came with it ─▶ framing: Framing ─▶ the body
//!                   └── records: FastCGI's are taken off before anybody looks ──────────────┘
//! ```

mod framing;
mod head;
mod records;

use std::rc::Rc;

use mem::Str;

pub use framing::{Framing, Piece};
pub use head::Reading;

/// What a peer speaks.
#[derive(Clone, Debug)]
pub enum Protocol {
    /// HTTP/1.0 or 1.1.
    Http,
    /// A script's answer in records.
    FastCgi {
        /// The peer was asked to keep the connection.
        keeps: bool,
        /// Text for the log that makes an answer none, as long as its head is not there.
        catches: Rc<[Vec<u8>]>,
    },
    /// A script's answer as it is: SCGI, uwsgi.
    Cgi,
    /// The value of a key.
    Memcached {
        /// As it was sent.
        key: Str,
    },
}

impl Protocol {
    /// Whether a body goes out in records.
    pub fn has_records(&self) -> bool {
        matches!(self, Protocol::FastCgi { .. })
    }
}
