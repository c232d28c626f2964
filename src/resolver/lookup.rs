//! What a name has, wherever it leads to.

use std::net::IpAddr;
use std::rc::Rc;

use crate::client::Client;
use crate::failure::Failure;
use crate::found::{Failed, Found, Outcome};
use crate::message::{Data, Kind, MOST_HOPS, Query};
use crate::name::Name;
use crate::servers::Servers;
use crate::settings::Settings;
use crate::waits::all;

/// Nothing that was found is asked for again sooner.
const LEAST_MS: u64 = 1000;
/// Nor what was not.
const FAILED_MS: u64 = 1000;
/// So long at most holds what is not all, since of the rest nobody could tell.
const INCOMPLETE_MS: u64 = 10_000;

/// Who looks names up, with a configuration's servers.
#[derive(Debug)]
pub(crate) struct Lookup {
    client: Client,
    settings: Settings,
}

/// What a name has of one kind, and for how many seconds.
#[derive(Debug)]
pub(crate) struct Holding {
    pub data: Vec<Data>,
    pub ttl: u32,
}

impl Lookup {
    pub fn new(settings: Settings) -> Lookup {
        let servers = Servers::new(settings.servers.clone());
        Lookup { client: Client { servers, resend_ms: settings.resend_ms }, settings }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The addresses of a name. Both families are asked for at once; of one that does not come to an end, the other does not wait
    /// for long.
    pub async fn addresses(&self, name: &Name) -> Outcome<IpAddr> {
        let first = self.client.servers.next();
        let family = async |kind, is_wanted| match is_wanted {
            true => self.records(name, kind, first).await,
            false => Err(Failure::NotFound),
        };
        let families =
            [family(Kind::A, self.settings.ipv4), family(Kind::Aaaa, self.settings.ipv6)];
        let families = all(families, Result::is_ok, self.settings.resend_ms / 5).await;
        let (mut addresses, mut ttl, mut unknown) = (Vec::new(), u32::MAX, None);
        for family in families {
            match family.unwrap_or(Err(Failure::TimedOut)) {
                Ok(holding) => {
                    addresses.extend(holding.data.into_iter().filter_map(|data| match data {
                        Data::Address(address) => Some(address),
                        Data::Service { .. } => None,
                    }));
                    ttl = ttl.min(holding.ttl);
                }
                Err(why) if why.is_final() => {}
                Err(why) => unknown = Some(why),
            }
        }
        match addresses.is_empty() {
            true => Err(self.failed(unknown.unwrap_or(Failure::NotFound))),
            false => Ok(Found { all: addresses.into(), until: self.until(ttl, unknown.is_none()) }),
        }
    }

    /// Where a service is, which has such a name.
    pub async fn services(&self, name: &Name) -> Result<Holding, Failure> {
        self.records(name, Kind::Srv, self.client.servers.next()).await
    }

    /// What a name has of a kind; there is something. Where a server says no more than where it leads to, that is asked for next.
    async fn records(&self, name: &Name, kind: Kind, first: usize) -> Result<Holding, Failure> {
        let mut query = Rc::new(Query { name: name.clone(), kind });
        let (mut hops, mut ttl) = (0, u32::MAX);
        loop {
            let records = self.client.ask(&query, first).await?;
            (hops, ttl) = (hops + records.hops, ttl.min(records.ttl));
            match (records.data.is_empty(), records.hops) {
                (false, _) => return Ok(Holding { data: records.data, ttl }),
                (true, 0) => return Err(Failure::NotFound),
                (true, _) if hops >= MOST_HOPS => return Err(Failure::Server),
                (true, _) => query = Rc::new(Query { name: records.name, kind }),
            }
        }
    }

    /// Until when something holds.
    pub fn until(&self, ttl: u32, is_complete: bool) -> u64 {
        let by_itself = (u64::from(ttl) * 1000).max(LEAST_MS);
        let ms = self.settings.valid_ms.unwrap_or(by_itself);
        let most = if is_complete { u64::MAX } else { INCOMPLETE_MS };
        rt::now().saturating_add(ms.min(most))
    }

    /// A failure, which is remembered for a moment.
    pub fn failed(&self, why: Failure) -> Failed {
        Failed { why, until: rt::now() + FAILED_MS }
    }
}
