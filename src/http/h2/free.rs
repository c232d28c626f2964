//! Requests that are not in use: a stream that is answered at once allocates little.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

use crate::request::connect_info::ConnectInfo;
use crate::request::{Listener, Request};

thread_local! {
    #[expect(clippy::vec_box, reason = "the box moves between this list and a stream")]
    static FREE: RefCell<Vec<Box<Request>>> = const { RefCell::new(Vec::new()) };
}

/// So many are kept; a burst's surplus is freed.
const MOST_FREE: usize = 64;

/// A request whose memory goes back when the stream ends.
pub struct Lent(Option<Box<Request>>);

impl Lent {
    /// One for a connection.
    pub fn take(connection: ConnectInfo, listener: &'static Listener) -> Lent {
        Lent(Some(match FREE.with_borrow_mut(Vec::pop) {
            Some(mut request) => {
                request.attach(connection, listener);
                request
            }
            None => Box::new(Request::new(connection, listener)),
        }))
    }
}

const TAKEN: &str = "only its end takes the request away";

impl Deref for Lent {
    type Target = Request;

    fn deref(&self) -> &Request {
        self.0.as_ref().expect(TAKEN)
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Request {
        self.0.as_mut().expect(TAKEN)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(mut request) = self.0.take() else { return };
        // First: what a module has kept in the request may come here again when it is dropped.
        request.reset();
        FREE.with_borrow_mut(|free| {
            if free.len() < MOST_FREE {
                free.push(request);
            }
        });
    }
}
