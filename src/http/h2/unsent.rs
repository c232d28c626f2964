//! Frames that go out together: the crate writes each by itself, and wants each to be sent at once.

use std::cell::Cell;
use std::io::{self, ErrorKind, IoSlice};
use std::task::{Context, Poll};

use mem::Block;
use rt::Io;

/// So much goes out in one call.
const COLLECTED: usize = 32 << 10;

/// What was written and not sent. Whoever lets the crate work sends it afterwards.
#[derive(Default)]
pub struct Unsent {
    block: Option<Block>,
    /// How much of it has gone out.
    sent: usize,
}

impl Unsent {
    /// Whether it must be sent before more is taken.
    pub fn is_full(&self) -> bool {
        self.block.as_ref().is_some_and(|block| block.spare() == 0)
    }

    /// Takes what there is room for.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        let block = self.block.get_or_insert_with(|| Block::take(COLLECTED));
        let count = bytes.len().min(block.spare());
        let fits = block.extend_from_slice(&bytes[..count]);
        debug_assert!(fits);
        count
    }

    /// Sends it. Ready: all of it; else `blocked_since` is when the socket began to take nothing.
    pub fn drain(
        &mut self,
        io: Io,
        blocked_since: &Cell<u64>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(block) = &mut self.block else { return Poll::Ready(Ok(())) };
        while self.sent < block.len() {
            match io.write(&[IoSlice::new(&block.filled()[self.sent..])], false) {
                Ok(count) => {
                    self.sent += count;
                    blocked_since.set(0);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if blocked_since.get() == 0 {
                        blocked_since.set(rt::now().max(1));
                    }
                    io.wakes(cx);
                    return Poll::Pending;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        // What waits for nothing keeps nothing.
        (self.block, self.sent) = (None, 0);
        Poll::Ready(Ok(()))
    }
}
