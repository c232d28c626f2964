//! What variables tell of the peers of a session.

use std::cell::RefCell;

use stream::{Session, Variable};
use upstream::{Tries, Try, number, seconds};

/// The tries of a session.
#[derive(Default)]
pub struct Tried(pub RefCell<Tries>);

fn list(session: &Session, out: &mut Vec<u8>, each: impl Fn(&Try, &mut Vec<u8>) -> bool) -> bool {
    let tried = session.known_context::<Tried>();
    tried.is_some_and(|tried| tried.0.borrow().list(out, each))
}

/// The variables.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: "upstream_addr",
        get: |session, _, out| {
            list(session, out, |one, out| {
                out.extend_from_slice(&one.peer);
                true
            })
        },
        help: "the peers that were tried, in order",
    },
    Variable {
        name: "upstream_bytes_received",
        get: |session, _, out| list(session, out, |one, out| number(one.received.get(), out)),
        help: "bytes that came from each",
    },
    Variable {
        name: "upstream_bytes_sent",
        get: |session, _, out| list(session, out, |one, out| number(one.sent.get(), out)),
        help: "bytes that were sent to each",
    },
    Variable {
        name: "upstream_connect_time",
        get: |session, _, out| list(session, out, |one, out| seconds(one.connect.get(), out)),
        help: "seconds until the connection to each was there",
    },
    Variable {
        name: "upstream_first_byte_time",
        get: |session, _, out| list(session, out, |one, out| seconds(one.header.get(), out)),
        help: "seconds until the first byte of each came",
    },
    Variable {
        name: "upstream_session_time",
        get: |session, _, out| list(session, out, |one, out| seconds(one.response.get(), out)),
        help: "seconds until the session with each had ended",
    },
];
