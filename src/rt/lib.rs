//! A worker's event loop: connection slots, tasks, timers and readiness on one `mio::Poll`.
//!
//! ```text
//!            accept                readable               must wait
//!   (free) ─────────▶  Idle  ─────────────▶ ready path ─────────────▶ Task
//!      ▲                ▲  ▲                  │  answered at once       │ done
//!      │                │  └──────────────────┘                        │
//!      │ close          └──────────────────────────────────────────────┘
//! ```
//!
//! A slot is `Idle` (a descriptor and a deadline: no buffer, no future), on the *ready path* (a plain
//! function call that is never stored) or a `Task` (a pinned future). That is the whole state machine.
//! One loop runs per thread; handles are plain indices with a generation, so a stale one is noticed
//! and nothing is reference-counted. Create the loop after `fork`: an epoll descriptor is shared by
//! the processes that inherit it.

mod accept;
mod alarm;
mod beat;
mod conn;
mod hold;
mod inbox;
mod io;
mod layer;
mod linger;
mod listen;
mod listener;
mod occupy;
mod offload;
mod pulse;
mod service;
mod sleep;
mod slot;
mod socket;
mod step;
mod stream;
mod table;
mod timer;
mod token;
mod transport;
mod turn;
mod waker;
mod worker;
mod yield_now;

pub use accept::{add_listener, listens, pass, remove_listeners};
pub use beat::add_pulse;
pub use conn::{Conn, TimedOut};
pub use hold::{Hold, hold};
pub use layer::Layer;
pub use linger::{Lingering, linger};
pub use listener::ListenerId;
pub use occupy::{detached, nest, spawn};
pub use offload::{Lane, Offload, offload, offload_if};
pub use pulse::Pulse;
pub use service::{Next, Service, Task};
pub use sleep::{Sleep, sleep};
pub use socket::{Socket, adopt, connect, connect_from, pair};
pub use stream::Stream;
pub use token::Token;
pub use transport::Io;
pub use turn::{finish, run};
pub use worker::{
    Config, Figures, after, began_request, connections, create, drain, draining, figures, moment,
    now, on_readable, slots, stop, wake_all, wall,
};
pub use yield_now::yield_now;
