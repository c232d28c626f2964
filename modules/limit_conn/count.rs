//! How many requests of each key are being served.
//!
//! Of each key every worker has an entry of its own in the table, which is taken away when the worker ends, in whichever
//! way: what it has counted never outlives it.

use std::rc::Rc;

use module::TableZone;
use shm::Entry;

/// Counts a request of a key, if fewer than `most` are being served.
pub fn count(zone: &Rc<TableZone>, key: &[u8], most: u64) -> Result<Counted, Refused> {
    let (table, tag) = zone.table().zip(zone.tag()).ok_or(Refused::Full)?;
    let key = table.key(key);
    let locked = table.lock();
    let (mut own, mut served) = (None, 0);
    for entry in locked.all(key) {
        served += locked.value(entry)[0].get();
        if locked.tag(entry) == tag {
            own = Some(entry);
        }
    }
    if served >= most {
        return Err(Refused::Above);
    }
    let entry = match own {
        Some(entry) => {
            locked.value(entry)[0].add(1);
            entry
        }
        None => locked.insert(key, tag, [1, 0]).ok_or(Refused::Full)?,
    };
    Ok(Counted { zone: zone.clone(), entry })
}

/// Why a request is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// As many as there may be are being served.
    Above,
    /// There is no room for its key.
    Full,
}

/// A request that is counted, until this is dropped.
pub struct Counted {
    zone: Rc<TableZone>,
    entry: Entry,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Some((table, tag)) = self.zone.table().zip(self.zone.tag()) else { return };
        let locked = table.lock();
        // Who was taken for dead, and was not, has nothing left to give back.
        if !locked.is_tagged(self.entry, tag) {
            return;
        }
        let [served, _] = locked.value(self.entry);
        served.sub(1);
        if served.get() == 0 {
            locked.remove(self.entry);
        }
    }
}
