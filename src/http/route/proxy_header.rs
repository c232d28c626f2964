//! The PROXY protocol's header, which comes before the first request of a connection.

use std::cell::RefCell;
use std::collections::HashMap;

use proto::proxy_protocol::{self, Parsed};

pub use proto::proxy_protocol::Header;
use rt::Conn;

thread_local! {
    /// What proxies have told, by the number of the connection.
    static HEADERS: RefCell<HashMap<u64, Header>> = RefCell::default();
}

/// What a proxy has told of a connection.
pub fn with<T>(conn: Conn, look: impl FnOnce(&Header) -> T) -> Option<T> {
    HEADERS.with_borrow(|headers| headers.get(&conn.serial()).map(look))
}

/// The connection has ended.
pub fn forget(conn: Conn) {
    HEADERS.with_borrow_mut(|headers| drop(headers.remove(&conn.serial())));
}

/// Takes the header, if it is there. It alone is taken: what follows is the first request.
pub fn take(conn: Conn) -> Step {
    let mut bytes = [0; proxy_protocol::MOST];
    let count = match conn.peek(&mut bytes) {
        Ok(count) => count,
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Step::Wait,
        Err(_) => return Step::Close,
    };
    match proxy_protocol::parse(&bytes[..count]) {
        Parsed::Header(len, header) => match conn.read(&mut bytes[..len]) {
            Ok(taken) if taken == len => {
                HEADERS.with_borrow_mut(|headers| headers.insert(conn.serial(), header));
                Step::Done
            }
            _ => Step::Close,
        },
        Parsed::Incomplete if !conn.hung_up() => {
            conn.expect_more();
            Step::Wait
        }
        Parsed::Incomplete if count == 0 => Step::Close,
        Parsed::Incomplete | Parsed::Invalid => {
            let shown = bytes[..count.min(107)].escape_ascii();
            sys::log!(
                Error,
                "*{} broken header: \"{shown}\" while reading PROXY protocol, client: {}",
                conn.serial(),
                conn.peer()
            );
            Step::Close
        }
    }
}

/// What becomes of a connection.
pub enum Step {
    /// The rest of the header is to come.
    Wait,
    /// Its requests follow.
    Done,
    /// It is none.
    Close,
}

/// Waits for the header. `false`: there is none.
pub async fn wait(conn: Conn) -> bool {
    while conn.readable().await.is_ok() {
        match take(conn) {
            Step::Wait => {}
            Step::Done => return true,
            Step::Close => return false,
        }
    }
    false
}
