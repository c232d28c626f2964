//! Words in shared memory.
//!
//! The tests of this crate kill a process before each of their changes ([`crate::step`]).

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::step::step;

macro_rules! word {
    ($name:ident, $plain:ty, $atomic:ty) => {
        /// A word that several processes see. [`get`](Self::get) and [`set`](Self::set) are for what a
        /// lock protects; what is read without it is published with [`publish`](Self::publish).
        #[repr(transparent)]
        #[derive(Debug, Default)]
        pub struct $name($atomic);

        impl $name {
            /// The value; the caller holds the lock, or does not mind one of a moment ago.
            pub fn get(&self) -> $plain {
                self.0.load(Ordering::Relaxed)
            }

            /// Sets the value; the caller holds the lock.
            pub fn set(&self, value: $plain) {
                step();
                self.0.store(value, Ordering::Relaxed);
            }

            /// Adds, wrapping; the caller holds the lock, or is the only writer.
            pub fn add(&self, value: $plain) {
                self.set(self.get().wrapping_add(value));
            }

            /// Takes away, down to 0; under the rule of [`add`](Self::add).
            pub fn sub(&self, value: $plain) {
                self.set(self.get().saturating_sub(value));
            }

            /// Sets the value after all that was written before.
            pub fn publish(&self, value: $plain) {
                step();
                self.0.store(value, Ordering::Release);
            }

            /// The value, and all that was written before it was published.
            pub fn published(&self) -> $plain {
                self.0.load(Ordering::Acquire)
            }

            /// Exchanges the value; in one order with all other exchanges and their neighbours.
            pub fn exchange(&self, value: $plain) -> $plain {
                step();
                self.0.swap(value, Ordering::SeqCst)
            }

            /// Replaces `old`, if that is the value still.
            pub fn replace(&self, old: $plain, new: $plain) -> bool {
                step();
                self.0.compare_exchange(old, new, Ordering::SeqCst, Ordering::SeqCst).is_ok()
            }
        }
    };
}

word!(U32, u32, AtomicU32);
word!(U64, u64, AtomicU64);

/// The words that bytes make, the last one filled up.
pub(crate) fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    })
}
