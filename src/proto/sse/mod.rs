//! Event streams (HTML standard §9.2): rendering, parsing, ids.
//!
//! ```text
//! id: k3x9qa-17 LF
//! event: tick LF
//! data: one line LF
//! data: another LF
//! LF                      dispatches the event
//! : a comment LF
//! ```

mod data;
mod id;
mod parse;
mod render;

pub use data::{data_of, type_of};
pub use id::EventId;
pub use parse::{Event, Parser, TooLarge};
pub use render::{
    FieldError, check_data, check_event_type, check_id, comment, comment_line, cursor, event, retry,
};
