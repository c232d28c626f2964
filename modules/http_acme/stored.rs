//! Certificates that there are already: in files, on the board.

use shm::Board;

use crate::order::Order;
use crate::plan::Life;
use crate::state;

/// A certificate that can be used.
pub struct Stored {
    /// It, those between it and a root, and its key.
    pub pem: Vec<u8>,
    pub life: Life,
}

impl Stored {
    /// `None`: it is no use.
    pub fn of(pem: Vec<u8>) -> Option<Stored> {
        let life = Life::of(&pem).filter(|_| tls::fresh::check(&pem).is_ok())?;
        Some(Stored { pem, life })
    }
}

/// What is in an order's file.
pub fn in_file(order: &Order) -> Option<Stored> {
    let path = state::certificate(order)?;
    match state::read(&path) {
        Ok(pem) => Stored::of(pem?),
        Err(error) => {
            let why = sys::log::errno(&error);
            sys::log!(Error, "\"{}\" cannot be read {why}", path.display());
            None
        }
    }
}

/// What is on the board.
pub fn on_board(order: &Order, board: &Board) -> Option<Stored> {
    Stored::of(board.read(&order.name())?)
}

/// The one that ends later: a file is older where it could not be written.
pub fn later(one: Option<Stored>, other: Option<Stored>) -> Option<Stored> {
    one.into_iter().chain(other).max_by_key(|stored| stored.life.end)
}
