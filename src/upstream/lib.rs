//! What this server asks other servers for, on behalf of its clients: groups of peers, the choice among them, connections that
//! are kept, and the exchange itself.
//!
//! ```text
//! request ─▶ Chooser ─▶ Claim: a peer ─▶ Pool, or a new connection ─▶ Conversation ─▶ Reply ─▶ Relay: the body ─▶ client
//!               ▲                                                        │
//!               └──── another peer, where the rules allow it ────────────┘
//! ```
//! What is known of peers is in shared memory (`peers.rs`), and outlives workers, reloads and upgrades. Who they are, names may tell
//! (`source.rs`, `follow.rs`): then a group's peers change while it is used.
#![forbid(unsafe_code)]

mod address;
mod answer;
mod balance;
mod block;
mod body;
mod caching;
mod client;
mod connecting;
mod conversation;
mod duplex;
mod encrypting;
mod encryption;
mod exchange;
mod family;
mod follow;
mod group;
mod hidden;
mod link;
mod method;
mod next;
mod params;
mod passing;
mod peers;
mod pipes;
mod place;
mod points;
mod pool;
mod protocol;
mod relay;
mod resolvers;
mod script;
mod sending;
mod server;
mod settings;
mod source;
mod tries;
mod tunnel;
mod upstreams;

pub use address::{Target, parse};
pub use balance::Asker;
pub use block::{Block, Inner};
pub use body::outgoing;
/// For [`cached_family_settings`].
#[doc(hidden)]
pub use cache;
pub use caching::purpose::Purpose;
pub use caching::serve::{Fetcher, at_once, serve};
pub use caching::{
    Caching, Methods, UseStale, find_cache, make_caches, methods, valid, word, words,
};
pub use connecting::{Connecting, connect};
pub use duplex::{Duplex, Ended, Way};
pub use encrypting::Encrypting;
pub use encryption::Encryption;
pub use exchange::{Ask, Reply};
pub use group::Group;
pub use hidden::Hidden;
pub use link::Link;
pub use next::{Ignored, Next};
pub use params::{Params, Told, WrittenParam, param};
pub use passing::Passing;
pub use place::Place;
pub use protocol::Protocol;
pub use resolvers::{Resolvers, Resolving};
pub use script::{Family, Script};
pub use sending::Outgoing;
pub use settings::{Buffers, Settings, WEB, buffers, check_sizes, folder, temp_path};
/// For [`encrypted_family_settings`].
#[doc(hidden)]
pub use tls;
pub use tries::{Tries, Try, number, seconds};
pub use upstreams::{Lost, Resolution, Upstream, UpstreamModule, Upstreams, of_host};
