//! FastCGI (its specification, 1.0), the web server's side: one request at a time on a connection.
//!
//! ```text
//! record:         version 1 │ type │ request id (2) │ length (2) │ length of padding │ 0 │ content │ padding
//!
//! BEGIN_REQUEST   1  ──▶    role (2) │ flags │ 0 (5)
//! PARAMS          4  ──▶    variables, then an empty record
//! STDIN           5  ──▶    the request's body, then an empty record
//! END_REQUEST     3  ◀──    status of the application (4) │ status of the protocol │ 0 (3)
//! STDOUT          6  ◀──    head and body of the answer (see `cgi`), then an empty record
//! STDERR          7  ◀──    text for the log
//!
//! variable:       length of name │ length of value │ name │ value
//!                 up to 127 in one byte, else in four, the first bit set
//! ```
//! Numbers are big-endian. Content is filled up to eight bytes, as nginx does. What else there is (multiplexing, questions
//! about it, other roles) nginx does not speak either.

mod read;
mod write;

pub use read::{BadRecord, End, Event, Reader, Step};
pub use write::{MOST_STDIN, Params, STDIN_END, begin, padding, stdin, stdin_head};

const VERSION: u8 = 1;
/// The request on a connection: there is no other.
const REQUEST: u16 = 1;
/// Bytes of a record before its content.
const HEAD: usize = 8;

const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;
