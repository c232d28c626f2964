//! Memory of a worker: strings with a length, pooled blocks, arenas, and chains of buffers.
//!
//! A worker is one thread, so nothing here is `Send` and reference counts are plain integers.
//! [`Block`] is the only thing that allocates: bytes are read into a block, and every [`Str`] cut
//! from it shares the block until the last of them is dropped.
//!
//! ```text
//!   BufPool --take--> Block --share/freeze--> Str --push--> Chain --writev/sendfile--> socket
//!      ^                                       |
//!      +------------- last drop ---------------+
//! ```

mod block;
mod bounds;
mod buf;
mod bufpool;
mod chain;
mod pool;
mod str;

pub use block::Block;
pub use buf::{Buf, Window};
pub use bufpool::{BufPool, Stats};
pub use chain::Chain;
pub use pool::{Pool, Writer};
pub use str::Str;
