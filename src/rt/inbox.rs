//! Wakes from other threads: the one door into a loop.

use std::io;
use std::sync::{Arc, Mutex};

use crate::token::Token;

/// Names that other threads want woken.
pub(crate) struct Inbox {
    names: Mutex<Vec<u64>>,
    waker: mio::Waker,
}

/// The inboxes of this process's loops, by the loop's number. A worker has one loop; tests have many.
static RINGS: Mutex<Vec<Option<Arc<Inbox>>>> = Mutex::new(Vec::new());

impl Inbox {
    /// Opens the inbox of a new loop and gives the loop its number.
    pub fn open(registry: &mio::Registry, token: mio::Token) -> io::Result<(u8, Arc<Inbox>)> {
        let waker = mio::Waker::new(registry, token)?;
        let inbox = Arc::new(Inbox { names: Mutex::new(Vec::new()), waker });
        let mut rings = RINGS.lock().map_err(|_| io::Error::other("the list of loops is lost"))?;
        let at = match rings.iter().position(Option::is_none) {
            Some(at) => at,
            None => {
                rings.push(None);
                rings.len() - 1
            }
        };
        let ring = u8::try_from(at).map_err(|_| io::Error::other("more than 256 event loops"))?;
        rings[at] = Some(inbox.clone());
        Ok((ring, inbox))
    }

    /// Wakes `token`'s task from a thread that is not its loop's.
    pub fn post(token: Token) {
        let inbox = match RINGS.lock() {
            Ok(rings) => rings.get(usize::from(token.ring())).cloned().flatten(),
            Err(_) => None,
        };
        let Some(inbox) = inbox else { return };
        if let Ok(mut names) = inbox.names.lock() {
            names.push(token.word());
        }
        let _ = inbox.waker.wake();
    }

    /// The names posted since the last call.
    pub fn take(&self) -> Vec<u64> {
        self.names.lock().map(|mut names| std::mem::take(&mut *names)).unwrap_or_default()
    }
}
