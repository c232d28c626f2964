//! Connections that are not in use: the ready path allocates nothing.

use std::cell::RefCell;

use rt::Conn;

use super::connection::Connection;
use crate::request::Listener;

thread_local! {
    #[expect(clippy::vec_box, reason = "the box moves between this list, the stack and a task")]
    static FREE: RefCell<Vec<Box<Connection>>> = const { RefCell::new(Vec::new()) };
}

/// So many are kept; a burst's surplus is freed.
const MOST_FREE: usize = 64;

/// One for `conn`.
pub fn take(conn: Conn, listener: &'static Listener) -> Box<Connection> {
    match FREE.with_borrow_mut(Vec::pop) {
        Some(mut connection) => {
            connection.reuse(conn, listener);
            connection
        }
        None => Box::new(Connection::new(conn, listener)),
    }
}

/// Keeps its memory for the next one.
pub fn give_back(mut connection: Box<Connection>) {
    // First: what a module has kept in the request may come here again when it is dropped.
    connection.release();
    FREE.with_borrow_mut(|free| {
        if free.len() < MOST_FREE {
            free.push(connection);
        }
    });
}
