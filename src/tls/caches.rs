//! What directives have asked to be kept in memory that all workers share: sessions, and what clients' issuers have said.

use std::rc::Rc;

use conf::Error;
use module::{Process, Setup};

use crate::store::Zone;

/// What is kept.
#[derive(Clone, Copy)]
pub(crate) enum Kept {
    Sessions,
    Standings,
}

impl Kept {
    fn other(self) -> Kept {
        match self {
            Kept::Sessions => Kept::Standings,
            Kept::Standings => Kept::Sessions,
        }
    }

    fn directive(self) -> &'static str {
        match self {
            Kept::Sessions => "ssl_session_cache",
            Kept::Standings => "ssl_ocsp_cache",
        }
    }

    fn region(self, name: &str) -> String {
        match self {
            Kept::Sessions => format!("ssl_sessions.{name}"),
            Kept::Standings => format!("ssl_ocsp.{name}"),
        }
    }
}

/// Those of one block, by the names of their regions. Blocks of other protocols may have the same.
#[derive(Default)]
pub(crate) struct Caches(Vec<(String, Rc<Zone>)>);

impl Caches {
    /// One of this name, which other servers may have, too. The errors are nginx's.
    pub fn zone(
        &mut self,
        kept: Kept,
        name: &str,
        size: usize,
        setup: &mut Setup<'_>,
    ) -> Result<Rc<Zone>, Error> {
        let (region, other) = (kept.region(name), kept.other());
        let known = setup.regions.len_of(&region).filter(|known| *known != size);
        let conflict = match (known, setup.regions.len_of(&other.region(name))) {
            (Some(known), _) => Some(format!(
                "the size {size} of shared memory zone \"{name}\" conflicts with already declared size {known}"
            )),
            (_, Some(_)) => Some(format!(
                "the shared memory zone \"{name}\" is already declared for a different use: \"{}\"",
                other.directive()
            )),
            _ => None,
        };
        if let Some(conflict) = conflict {
            return Err(Error::new(format!("\"{}\": {conflict}", kept.directive())));
        }
        if let Some((_, known)) = self.0.iter().find(|(known, _)| *known == region) {
            return Ok(known.clone());
        }
        let zone = Rc::new(Zone::new(setup, region.clone(), size));
        self.0.push((region, zone.clone()));
        Ok(zone)
    }

    /// Their parts in the life of the processes.
    pub fn into_processes(self) -> impl Iterator<Item = Rc<dyn Process>> {
        self.0.into_iter().map(|(_, zone)| zone as Rc<dyn Process>)
    }
}
