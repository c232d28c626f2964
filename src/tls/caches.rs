//! What directives have asked to be kept in memory that all workers share: sessions, and what clients' issuers have said.

use std::rc::Rc;

use conf::Error;
use module::{Process, Setup};

use crate::store::Zone;

/// Those of one block.
#[derive(Default)]
pub(crate) struct Caches(Vec<Cache>);

struct Cache {
    directive: &'static str,
    name: String,
    size: usize,
    zone: Rc<Zone>,
}

impl Caches {
    /// One of this name, which other servers may have, too.
    pub fn zone(
        &mut self,
        directive: &'static str,
        name: &str,
        size: usize,
        setup: &mut Setup<'_>,
    ) -> Result<Rc<Zone>, Error> {
        if let Some(known) = self.0.iter().find(|known| known.name == name) {
            let conflict = match (known.directive == directive, known.size) {
                (true, other) if other == size => return Ok(known.zone.clone()),
                (true, other) => format!(
                    "the size {size} of shared memory zone \"{name}\" conflicts with already declared size {other}"
                ),
                (false, _) => format!(
                    "the shared memory zone \"{name}\" is already declared for a different use: \"{}\"",
                    known.directive
                ),
            };
            return Err(Error::new(format!("\"{directive}\": {conflict}")));
        }
        let region = match directive {
            "ssl_ocsp_cache" => format!("ssl_ocsp.{name}"),
            _ => format!("ssl_sessions.{name}"),
        };
        let zone = Rc::new(Zone::new(setup, region, size));
        self.0.push(Cache { directive, name: name.to_owned(), size, zone: zone.clone() });
        Ok(zone)
    }

    /// Their parts in the life of the processes.
    pub fn into_processes(self) -> impl Iterator<Item = Rc<dyn Process>> {
        self.0.into_iter().map(|cache| cache.zone as Rc<dyn Process>)
    }
}
