//! Where a server's certificates come from.

use std::rc::Rc;
use std::sync::Arc;

use rustls::server::ResolvesServerCert;

use crate::certificate::Identities;
use crate::fresh::Fresh;
use crate::named::Named;
use crate::x509::Certificate;

/// What chooses one in the handshake.
#[derive(Clone)]
pub(crate) enum Source {
    /// Found in each handshake.
    Named(Rc<Named>),
    /// Those that were loaded.
    Fixed(Arc<Identities>),
    /// Those of now.
    Fresh(Arc<Fresh>),
}

impl Source {
    pub fn resolver(&self) -> Arc<dyn ResolvesServerCert> {
        match self {
            // A handshake has a configuration of its own.
            Source::Named(_) => Arc::new(Identities::new(Vec::new())),
            Source::Fixed(fixed) => fixed.clone(),
            Source::Fresh(fresh) => fresh.clone(),
        }
    }

    /// Looks at that of the certificates of now that ends first.
    pub fn with_first_to_end<T>(&self, look: impl FnOnce(&Certificate<'_>) -> T) -> Option<T> {
        let all = match self {
            Source::Named(_) => return None,
            Source::Fixed(fixed) => fixed.all(),
            Source::Fresh(fresh) => fresh.all(),
        };
        let all = all.iter().filter_map(|one| Certificate::parse(one.cert.first()?).ok());
        all.min_by_key(|certificate| certificate.not_after.unix()).map(|first| look(&first))
    }
}
