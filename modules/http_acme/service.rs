//! The module's part in the life of the processes.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use conf::Error;
use http::Hooks;
use module::{Process, Role, Slot, Wanted};
use shm::Watch;

use crate::boards::Boards;
use crate::order::Order;
use crate::stored::Stored;
use crate::{job, stored};

/// Looks, two in a second, after which a helper that gives no sign of life is ended.
const PATIENCE: u32 = 30;

/// All certificates of a configuration.
#[derive(Default)]
pub struct Service {
    pub boards: Boards,
    /// The memory of certificates, and that of proofs.
    slots: OnceCell<[Slot; 2]>,
    room: Cell<usize>,
    orders: RefCell<Vec<Rc<Order>>>,
    watch: Watch,
}

impl Service {
    /// Asks for the memory, and for a part in the life of processes.
    pub fn install(self: &Rc<Self>, zone: Option<&(String, usize)>, hooks: &mut Hooks<'_, '_>) {
        let (name, len) = zone.cloned().unwrap_or_else(|| ("ngx_acme_shared".to_owned(), 1 << 20));
        self.room.set(self.boards.room(len));
        self.slots.get_or_init(|| {
            let mut region = |name: String, len| {
                hooks.region(Wanted { name, shape: "2".to_owned(), len, file: None })
            };
            let proofs = self.boards.proofs_size();
            [region(format!("acme.{name}"), len), region(format!("acme_proofs.{name}"), proofs)]
        });
        hooks.process(self.clone());
    }

    /// Adds a certificate that is wanted; two servers may want the same.
    pub fn add(&self, order: Order) -> Result<(), String> {
        let mut orders = self.orders.borrow_mut();
        if orders.iter().all(|known| known.name() != order.name()) {
            orders.push(Rc::new(order));
        }
        let mut keys: Vec<_> = orders.iter().filter_map(|one| one.issuer.key_on_board()).collect();
        keys.sort();
        keys.dedup();
        match orders.len() + keys.len() > self.room.get() {
            true => Err(format!("acme_shared_zone has no room for {} certificates", orders.len())),
            false => Ok(()),
        }
    }
}

impl Process for Service {
    /// What is in files is served from the first handshake on.
    fn opened(&self) -> Result<(), Error> {
        let Some([certificates, proofs]) = self.slots.get() else { return Ok(()) };
        drop((certificates.take_previous(), proofs.take_previous()));
        let (Some(certificates), Some(proofs)) = (certificates.region(), proofs.region()) else {
            return Ok(());
        };
        self.boards.proofs.open(proofs.clone());
        if !self.boards.certificates.open(certificates.clone()) {
            return Ok(());
        }
        for order in self.orders.borrow().iter() {
            let Some(Stored { pem, life }) = stored::in_file(order) else { continue };
            if life.is_over() {
                let file = &order.file;
                sys::log!(
                    Warn,
                    "certificate \"{file}\" has expired, and is served until another has come"
                );
            }
            self.boards.certificates.write(&order.name(), &pem);
        }
        Ok(())
    }

    fn needs(&self, role: Role) -> bool {
        role == Role::Helper && !self.orders.borrow().is_empty()
    }

    fn assist(&'static self, role: Role) {
        if role == Role::Helper {
            rt::spawn(job::run(self.boards.clone(), self.orders.borrow().clone()));
        }
    }

    fn look(&self) {
        self.watch.look(&self.boards.certificates);
    }

    fn stuck(&self) -> Vec<i32> {
        self.watch.stuck(&self.boards.certificates, PATIENCE).into_iter().collect()
    }
}
