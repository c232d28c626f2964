//! Viewers without a connection of their own: they ask for playlists and segments, each time anew, and are known by a token.
//!
//! Each worker has those who have asked it of late. Who has come with a token that was given to it is counted: a client
//! that asks once and keeps nothing is no viewer.

pub mod refused;
pub mod token;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::client::Client;
use crate::running::Running;
use crate::settings::app::App;

/// One of them, as it was when it came.
struct Viewer {
    client: Rc<Client>,
    name: Vec<u8>,
    /// It has gone if it does not ask before this time of the loop.
    until: u64,
}

thread_local! {
    /// By its number and the stream's name in the log.
    static KNOWN: RefCell<HashMap<(u64, Vec<u8>), Viewer>> = RefCell::default();
}

/// How long a viewer counts that asks no more, and how many are counted.
#[derive(Clone, Copy, Debug)]
pub struct ViewerLimits {
    /// Milliseconds.
    pub patience: u64,
    /// In one worker: who comes then is served, and not counted.
    pub most: usize,
}

/// A viewer has asked for something of a stream. `false`: an operator has sent it away.
pub fn seen(
    running: &'static Running,
    app: &App,
    client: &Rc<Client>,
    name: &[u8],
    id: u64,
    limits: ViewerLimits,
) -> bool {
    if refused::has(running, id) {
        return false;
    }
    let now = rt::now();
    let until = now + limits.patience;
    KNOWN.with_borrow_mut(|known| {
        let key = (id, app.channel(name));
        if let Some(viewer) = known.get_mut(&key) {
            viewer.until = until;
            return;
        }
        if known.len() >= limits.most {
            known.retain(|_, viewer| now < viewer.until);
        }
        if known.len() < limits.most {
            known.insert(key, Viewer { client: client.clone(), name: name.to_vec(), until });
        }
    });
    true
}

/// Calls `each` with the viewers that are there: number, who it was when it came, and the stream's name.
pub fn each(mut each: impl FnMut(u64, &Client, &[u8])) {
    let now = rt::now();
    KNOWN.with_borrow_mut(|known| {
        known.retain(|_, viewer| now < viewer.until);
        known.iter().for_each(|((id, _), viewer)| each(*id, &viewer.client, &viewer.name));
    });
}

/// Sends viewers away, from all workers and for all streams.
pub fn send_away(running: &Running, ids: &[u64]) {
    ids.iter().for_each(|id| refused::add(running, *id));
    KNOWN.with_borrow_mut(|known| known.retain(|(id, _), _| !ids.contains(id)));
}
