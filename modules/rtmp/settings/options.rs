//! What directives set in a block: `rtmp`, `server` or `application`. What a block leaves unset it has
//! from the one around it.

use conf::{Opt, Word};

use crate::access::key::{Key, Signature};
use crate::access::login::Login;
use crate::access::rules::Rule;
use crate::hooks::hook::Hook;
use crate::hooks::netcall::Method;
use crate::log::format::{AccessLog, Format};
use crate::publish::meta::Meta;

/// Declares the options and how they inherit: each is named once.
macro_rules! options {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// One block's options.
        #[derive(Default)]
        pub struct BlockOptions {
            $($(#[$doc])* pub $name: Opt<$type>,)*
        }

        impl BlockOptions {
            /// Takes what is unset from the block around this one.
            pub fn inherit(&mut self, outer: &BlockOptions) {
                self.add_guards(outer);
                $(self.$name.inherit(&outer.$name);)*
            }
        }
    };
}

options! {
    // The connection.
    timeout: u64,
    handshake_timeout: u64,
    ping: u64,
    ping_timeout: u64,
    busy: bool,
    so_keepalive: bool,
    max_streams: u64,
    max_message: u64,
    max_memory: u64,
    max_args: u64,
    ack_window: u64,
    chunk_size: u64,
    max_connections: u64,
    // The stream.
    live: bool,
    gop_cache: bool,
    live_window: u64,
    max_behind: u64,
    merge_write: u64,
    delay: u64,
    wait_key: bool,
    wait_video: bool,
    interleave: bool,
    meta: Meta,
    idle_streams: bool,
    publish_notify: bool,
    play_restart: bool,
    drop_idle_publisher: u64,
    publish_grace: u64,
    publish_takeover: bool,
    // Who may.
    rules: Vec<Rule>,
    keys: Vec<Key>,
    signatures: Vec<Signature>,
    logins: Vec<Login>,
    // Who is told.
    hooks: Vec<Hook>,
    notify_method: Method,
    notify_update_timeout: u64,
    notify_update_strict: bool,
    netcall_timeout: u64,
    events: Word,
    formats: Vec<Format>,
    access_log: Vec<AccessLog>,
}

impl BlockOptions {
    /// What keeps clients out adds up: an inner block that lets somebody in does not open what the outer one
    /// has shut. As nginx-rtmp has it: the outer block's rules come behind the inner one's, and each hook
    /// is inherited by itself.
    fn add_guards(&mut self, outer: &BlockOptions) {
        add(&mut self.rules, &outer.rules, |_, _| false);
        add(&mut self.keys, &outer.keys, |_, _| false);
        add(&mut self.signatures, &outer.signatures, |_, _| false);
        add(&mut self.logins, &outer.logins, |_, _| false);
        add(&mut self.hooks, &outer.hooks, Hook::is_same_event);
    }
}

/// Appends what the outer block has, but for what the inner one has in its place.
fn add<T: Clone>(inner: &mut Opt<Vec<T>>, outer: &Opt<Vec<T>>, replaces: fn(&T, &T) -> bool) {
    let own = inner.as_slice().len();
    for one in outer.as_slice() {
        if !inner.as_slice()[..own].iter().any(|known| replaces(known, one)) {
            inner.push(one.clone());
        }
    }
}
