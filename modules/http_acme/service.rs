//! The module's part in the life of the processes.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use conf::Error;
use http::Hooks;
use module::{Process, Slot, Wanted};
use shm::{Board, Watch};

use crate::order::Order;
use crate::{job, state};

/// A certificate with its chain and key is no longer than that.
const LONGEST: usize = (16 << 10) - 64;
/// Room for proofs that are shown at the same time, one for each issuer.
const PROOFS: usize = 2;
/// Looks, two in a second, after which a helper that gives no sign of life is ended.
const PATIENCE: u32 = 30;

/// All certificates of a configuration.
pub struct Service {
    board: Arc<Board>,
    slot: OnceCell<Slot>,
    room: Cell<usize>,
    orders: RefCell<Vec<Rc<Order>>>,
    watch: Watch,
}

impl Default for Service {
    fn default() -> Service {
        Service {
            board: Arc::new(Board::new(LONGEST)),
            slot: OnceCell::new(),
            room: Cell::new(0),
            orders: RefCell::default(),
            watch: Watch::default(),
        }
    }
}

impl Service {
    /// Where certificates and proofs are.
    pub fn board(&self) -> Arc<Board> {
        self.board.clone()
    }

    /// Asks for the memory, and for a part in the life of processes.
    pub fn install(self: &Rc<Self>, zone: Option<&(String, usize)>, hooks: &mut Hooks<'_, '_>) {
        let (name, len) = zone.cloned().unwrap_or_else(|| ("ngx_acme_shared".to_owned(), 1 << 20));
        self.room.set((len - self.board.size(0)) / (self.board.size(1) - self.board.size(0)));
        self.slot.get_or_init(|| {
            hooks.region(Wanted {
                name: format!("acme.{name}"),
                shape: "1".to_owned(),
                len,
                file: None,
            })
        });
        hooks.process(self.clone());
    }

    /// Adds a certificate that is wanted; two servers may want the same.
    pub fn add(&self, order: Order) -> Result<(), String> {
        let mut orders = self.orders.borrow_mut();
        if orders.iter().all(|known| known.name() != order.name()) {
            orders.push(Rc::new(order));
        }
        match orders.len() + PROOFS > self.room.get() {
            true => Err(format!("acme_shared_zone has no room for {} certificates", orders.len())),
            false => Ok(()),
        }
    }
}

impl Process for Service {
    /// What is in files is served from the first handshake on.
    fn opened(&self) -> Result<(), Error> {
        let Some(slot) = self.slot.get() else { return Ok(()) };
        drop(slot.take_previous());
        let Some(region) = slot.region() else { return Ok(()) };
        if !self.board.open(region.clone()) {
            return Ok(());
        }
        for order in self.orders.borrow().iter() {
            let Some(path) = state::certificate(order) else { continue };
            if let Ok(Some(pem)) = state::read(&path)
                && tls::fresh::check(&pem).is_ok()
            {
                self.board.write(&order.name(), &pem);
            }
        }
        Ok(())
    }

    fn needs_help(&self) -> bool {
        !self.orders.borrow().is_empty()
    }

    fn help(&'static self) {
        rt::spawn(job::run(self.board(), self.orders.borrow().clone()));
    }

    fn look(&self) {
        self.watch.look(&self.board);
    }

    fn stuck(&self) -> Vec<i32> {
        self.watch.stuck(&self.board, PATIENCE).into_iter().collect()
    }
}
