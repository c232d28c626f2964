//! Names of one configuration in one worker.

use std::cell::OnceCell;
use std::future::poll_fn;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use shm::{Holder, Region};

use crate::cache::{Asker, Cache, Wait};
use crate::failure::Failure;
use crate::found::{Found, Outcome, Row, Service};
use crate::lookup::Lookup;
use crate::message::{Data, MOST};
use crate::name::Name;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::waits::{all, within};

/// Finds addresses of names, and remembers them. Who asks for what is being asked for waits for the same answer.
///
/// It is made before there is a loop, and asks in that of the thread in which it is used.
pub struct Resolver {
    lookup: Lookup,
    addresses: Cache<IpAddr>,
    services: Cache<Service>,
    shared: OnceCell<Shared>,
}

/// What is looked for, in the keys of what workers share.
#[derive(Clone, Copy)]
enum Sought {
    Addresses = 1,
    Services = 2,
}

impl Resolver {
    /// With these settings, and nothing that others know.
    pub fn new(settings: Settings) -> Resolver {
        Resolver {
            lookup: Lookup::new(settings),
            addresses: Cache::new(),
            services: Cache::new(),
            shared: OnceCell::new(),
        }
    }

    /// Shares what is found with all that have this region, of [`size`](crate::size) and [`shape`](crate::shape), and the same
    /// settings. The first to do so makes the region what it is: that is over before others have it (a master does it before it
    /// has workers). The error: it is that of something else, or too small.
    pub fn share(&self, region: Arc<Region>) -> io::Result<()> {
        let settings = self.lookup.settings();
        let shared = Shared::of(region, settings.fingerprint(), 2 * settings.resend_ms)?;
        // The first one stays.
        let _ = self.shared.set(shared);
        Ok(())
    }

    /// Looks who has the lock of what is shared, at a time in milliseconds ([`Holder::look`]).
    pub fn look(&self, holder: &mut Holder, now: u64, patience: u64) -> Option<i32> {
        self.shared.get()?.look(holder, now, patience)
    }

    /// All addresses of a name, which are waited for at most so many milliseconds. What is written as an address, with or without
    /// brackets, is no name.
    pub async fn addresses(&'static self, name: &str, within_ms: u64) -> Result<Found, Failure> {
        if let Some(address) = literal(name) {
            return Ok(Found { all: Rc::new([address]), until: u64::MAX });
        }
        let name = Name::new(name).ok_or(Failure::NotFound)?;
        within(within_ms, self.wait_for_addresses(name)).await.unwrap_or(Err(Failure::TimedOut))
    }

    /// Where a service is that a name has: `http` is looked for as `_http._tcp.NAME`, what has a dot or begins with `_` as it is.
    /// There is one for each address of each server.
    pub async fn services(
        &'static self,
        name: &str,
        service: &str,
        within_ms: u64,
    ) -> Result<Found<Service>, Failure> {
        let name = Name::of_service(service, name).ok_or(Failure::NotFound)?;
        let sought = name.clone();
        let find = async move { self.find_services(&sought).await };
        let wait = self.wait(&self.services, Sought::Services, name, find);
        within(within_ms, wait).await.unwrap_or(Err(Failure::TimedOut))
    }

    /// The addresses that were found of a name last, also if they hold no more: for who was told of a failure that is not
    /// final. `None` as well if it was certain later that there are none, and if it was long ago.
    pub fn last_known(&self, name: &str) -> Option<Found> {
        self.addresses.last_known(&Name::new(name)?)
    }

    /// The same of a service.
    pub fn last_known_services(&self, name: &str, service: &str) -> Option<Found<Service>> {
        self.services.last_known(&Name::of_service(service, name)?)
    }

    fn wait_for_addresses(&'static self, name: Name) -> Wait<IpAddr> {
        let sought = name.clone();
        let find = async move { self.lookup.addresses(&sought).await };
        self.wait(&self.addresses, Sought::Addresses, name, find)
    }

    /// The addresses of all servers of a service.
    async fn find_services(&'static self, name: &Name) -> Outcome<Service> {
        let holding = self.lookup.services(name).await.map_err(|why| self.lookup.failed(why))?;
        let targets = holding.data.into_iter().filter_map(|data| match data {
            Data::Service { priority, weight, port, target: Some(target) } => {
                let addresses = self.wait_for_addresses(target);
                Some(async move { addresses.await.map(|found| (priority, weight, port, found)) })
            }
            _ => None,
        });
        let targets = all(targets, Result::is_ok, self.lookup.settings().resend_ms).await;
        let (mut services, mut until, mut unknown) = (Vec::new(), u64::MAX, None);
        for target in targets {
            match target.unwrap_or(Err(Failure::TimedOut)) {
                Ok((priority, weight, port, found)) => {
                    let service = |&address| Service { priority, weight, port, address };
                    services.extend(found.all.iter().map(service));
                    until = until.min(found.until);
                }
                Err(why) if why.is_final() => {}
                Err(why) => unknown = Some(why),
            }
        }
        if services.is_empty() {
            return Err(self.lookup.failed(unknown.unwrap_or(Failure::NotFound)));
        }
        services.sort_by_key(|service| service.priority);
        services.truncate(MOST);
        let until = until.min(self.lookup.until(holding.ttl, unknown.is_none()));
        Ok(Found { all: services.into(), until })
    }

    /// Waits for what is known of a name, or for what somebody finds, who begins at once if nobody has.
    fn wait<T: Row>(
        &'static self,
        cache: &'static Cache<T>,
        sought: Sought,
        name: Name,
        find: impl Future<Output = Outcome<T>> + 'static,
    ) -> Wait<T> {
        let (wait, asker) = cache.ask(&name, rt::now());
        if let Some(asker) = asker {
            rt::spawn(self.find(asker, sought, name, find));
        }
        wait
    }

    /// Finds out for all who want to know it; if there is nobody any more, that is given up.
    async fn find<T: Row>(
        &'static self,
        asker: Asker<T>,
        sought: Sought,
        name: Name,
        find: impl Future<Output = Outcome<T>>,
    ) {
        let find = async {
            match self.shared.get() {
                Some(shared) => shared.find(sought as u8, &name, find).await,
                None => find.await,
            }
        };
        let (mut find, ms) = (pin!(find), self.lookup.settings().resend_ms);
        let mut pause = rt::sleep(ms);
        let outcome = poll_fn(|cx| {
            if let Poll::Ready(outcome) = find.as_mut().poll(cx) {
                return Poll::Ready(Some(outcome));
            }
            // It may come late, and is worth a wait, but none of a worker that has nobody to serve.
            let is_over = Pin::new(&mut pause).poll(cx).is_ready();
            if (is_over || rt::draining()) && !asker.is_awaited() {
                return Poll::Ready(None);
            }
            if is_over {
                pause = rt::sleep(ms);
                let _ = Pin::new(&mut pause).poll(cx);
            }
            Poll::Pending
        });
        if let Some(outcome) = outcome.await {
            asker.tell(outcome);
        }
    }
}

/// An address instead of a name.
fn literal(name: &str) -> Option<IpAddr> {
    let inside = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match inside {
        Some(v6) => v6.parse().ok().map(IpAddr::V6),
        None => name.parse().ok(),
    }
}
