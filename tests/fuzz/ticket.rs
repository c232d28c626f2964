//! A ticket that a client brings, with which its session is to go on.

use std::sync::{Arc, LazyLock};

use rustls::server::ProducesTickets;

type Tickets = Arc<dyn ProducesTickets>;

/// One server, another that trusts others, and one whose newest key is another: it can still read what the first made.
static SERVERS: LazyLock<[Tickets; 3]> = LazyLock::new(|| {
    let (key, newer) = (vec![7; 80], vec![8; 48]);
    let make = |keys: &[Vec<u8>], identity| tls::tickets::with_files(keys, 300, [identity; 32]);
    let make = |keys: &[Vec<u8>], identity| make(keys, identity).expect("keys");
    let first = std::slice::from_ref(&key);
    [make(first, 1), make(first, 2), make(&[newer, key.clone()], 1)]
});

/// What nobody has sealed opens nowhere; what one has sealed, it reads again to the letter, as does who has its key and
/// its identity, and nobody else; and no ticket of which one byte was changed, or that was cut or grew, is one.
///
/// The input: what is changed in a ticket (where, two bytes, and how, one), and the session in it. It is a ticket itself, too.
pub fn ticket(data: &[u8]) {
    let [own, other, later] = &*SERVERS;
    for server in &*SERVERS {
        assert_eq!(server.decrypt(data), None);
    }
    let Some((&[high, low, change], session)) = data.split_first_chunk() else { return };
    let ticket = own.encrypt(session).expect("there is a key");
    assert_eq!(own.decrypt(&ticket).as_deref(), Some(session));
    assert_eq!(later.decrypt(&ticket).as_deref(), Some(session));
    assert_eq!(other.decrypt(&ticket), None);
    let at = usize::from(u16::from_be_bytes([high, low])) % ticket.len();
    assert_eq!(own.decrypt(&ticket[..at]), None);
    let mut changed = ticket;
    changed[at] ^= change.max(1);
    assert_eq!(own.decrypt(&changed), None);
    changed[at] ^= change.max(1);
    changed.push(change);
    assert_eq!(own.decrypt(&changed), None);
}
