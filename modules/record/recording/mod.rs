//! One stream, recorded by one recorder.
//!
//! ```text
//!            a frame to begin with          all tracks are known, or have had their time
//!      Idle ─────────────────────▶ Gathering ─────────────────▶ Opening ──▶ Writing
//!        ▲                                                         │           │ interval, size, end, error, an operator
//!        └─────────────────────────────────────────────────────────┴── Ending ◀┘
//! ```
//! What comes while a file is gathered for, opened or ended is held, or stays in the log (`takes`).

mod change;
mod follow;
mod frame;
mod held;
mod note;
mod opening;
mod state;
mod write;

pub use follow::Recorders;
pub use note::Note;
