//! A server of a group whose peers are what DNS says of a name: its addresses, or where a service of it is (SRV).

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, Waker};

use resolver::{Failure, Service};
use sys::socket::Address;

use crate::resolvers::Resolving;
use crate::server::{Options, Server, Sought};

/// Milliseconds after which a name that does not exist is asked for again, unless `valid=` says another time: nginx's.
const GONE_MS: u64 = 10_000;
/// After what has failed nobody asks again sooner.
const LEAST_MS: u64 = 1000;

/// One.
pub struct Source {
    /// Which of the group's servers it is.
    pub at: usize,
    /// That, as it is written.
    server: Server,
    sought: Sought,
    resolving: Resolving,
    /// When it is asked for next, in the loop's milliseconds; 0: it was not yet.
    due: Cell<u64>,
    /// Who waits for that.
    keeper: RefCell<Option<Waker>>,
    /// What went wrong last, for the log: it is said once.
    failed: Cell<Option<Failure>>,
}

impl Source {
    /// Of the server at this place of its group. `None`: it is no name.
    pub fn of(at: usize, server: &Server, resolving: Resolving) -> Option<Source> {
        let sought = server.sought.clone()?;
        let (due, keeper, failed) = (Cell::new(0), RefCell::new(None), Cell::new(None));
        Some(Source { at, server: server.clone(), sought, resolving, due, keeper, failed })
    }

    /// Nothing has come of it yet, not even a failure.
    pub fn is_new(&self) -> bool {
        self.due.get() == 0
    }

    /// Asks for its peers: as servers, which differ in what SRV says of them. `None`: nobody could tell, and what was known before
    /// stays.
    pub async fn ask(&self) -> Option<Vec<Server>> {
        let Sought { host, service, .. } = &self.sought;
        let found = match service {
            None => {
                let found = self.resolving.addresses(host).await;
                found.map(|found| (self.of_addresses(&found.all), found.until))
            }
            Some(service) => {
                let found = self.resolving.services(host, service).await;
                found.map(|found| (self.of_services(&found.all), found.until))
            }
        };
        let now = rt::now();
        let (servers, due) = match found {
            Ok((servers, until)) => {
                self.failed.set(None);
                (Some(servers), until)
            }
            Err(why) => {
                self.tell(why);
                match why.is_final() {
                    true => (Some(Vec::new()), now + self.resolving.valid().unwrap_or(GONE_MS)),
                    false => (None, now + self.resolving.timeout().max(LEAST_MS)),
                }
            }
        };
        self.due.set(due.max(now + 1));
        if let Some(keeper) = self.keeper.take() {
            keeper.wake();
        }
        servers
    }

    /// Waits until it is to be asked for again, which others who ask put off.
    pub async fn pause(&self) {
        loop {
            let (due, now) = (self.due.get(), rt::now());
            if due <= now {
                return;
            }
            let mut sleep = pin!(rt::sleep(due - now));
            poll_fn(|cx| {
                self.keeper.replace(Some(cx.waker().clone()));
                match self.due.get() == due {
                    true => sleep.as_mut().poll(cx),
                    false => Poll::Ready(()),
                }
            })
            .await;
        }
    }

    fn tell(&self, why: Failure) {
        if self.failed.replace(Some(why)) == Some(why) {
            return;
        }
        let Sought { host, service, .. } = &self.sought;
        match service {
            None => sys::log!(Error, "{host} could not be resolved ({why})"),
            Some(service) => {
                sys::log!(Error, "service {service} of {host} could not be resolved ({why})");
            }
        }
    }

    /// In an order of their own: that of an answer says nothing.
    fn of_addresses(&self, found: &[std::net::IpAddr]) -> Vec<Server> {
        let mut ips = found.to_vec();
        ips.sort_unstable();
        ips.dedup();
        let port = self.sought.port;
        let addresses = ips.into_iter().map(|ip| Address::Inet((ip, port).into())).collect();
        vec![self.server_at(addresses, self.server.options)]
    }

    /// Those of the first priority are as the server is; the others are behind them, or, if it is behind others itself, none
    /// of its. A weight is that of SRV, unless another is written.
    fn of_services(&self, found: &[Service]) -> Vec<Server> {
        let own = self.server.options;
        let mut services = found.to_vec();
        services.sort_unstable_by_key(|one| (one.priority, one.address, one.port, one.weight));
        services.dedup_by_key(|one| (one.priority, one.address, one.port));
        let first = services.first().map_or(0, |one| one.priority);
        let its = services.into_iter().filter(|one| !own.backup || one.priority == first);
        its.map(|one| {
            let backup = own.backup || one.priority != first;
            let weight = if own.weight == 1 { u32::from(one.weight).max(1) } else { own.weight };
            let address = Address::Inet((one.address, one.port).into());
            self.server_at(vec![address], Options { weight, backup, ..own })
        })
        .collect()
    }

    fn server_at(&self, addresses: Vec<Address>, options: Options) -> Server {
        Server { addresses, options, ..self.server.clone() }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use resolver::Settings;

    use super::*;
    use crate::resolvers::Resolvers;

    fn source(options: Options) -> Source {
        let word =
            conf::Word { text: "name".to_owned(), span: conf::Span::default(), quoted: false };
        let sought = Sought { host: "name".to_owned(), port: 81, service: None, word };
        let server =
            Server { options, sought: Some(sought), ..Server::of("name".to_owned(), Vec::new()) };
        let dns = Settings::of(vec!["127.0.0.1:53".parse().expect("an address")]);
        Source::of(0, &server, Resolvers::default().with(&dns, 1000)).expect("a name")
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn addresses_have_an_order_of_their_own() {
        let source = source(Options::default());
        let found = ["10.0.0.2", "::1", "10.0.0.1", "10.0.0.2"].map(ip);
        let servers = source.of_addresses(&found);
        let addresses: Vec<String> =
            servers.iter().flat_map(|one| &one.addresses).map(ToString::to_string).collect();
        assert_eq!(addresses, ["10.0.0.1:81", "10.0.0.2:81", "[::1]:81"]);
    }

    /// What comes of services of these priorities and weights: weight, and whether it stands behind the others.
    fn services(options: Options, all: &[(u16, u16)]) -> Vec<(u32, bool)> {
        let service = |(port, &(priority, weight)): (u16, &(u16, u16))| Service {
            priority,
            weight,
            port,
            address: ip("10.0.0.1"),
        };
        let services: Vec<Service> = (1..).zip(all).map(service).collect();
        let servers = source(options).of_services(&services);
        servers.iter().map(|one| (one.options.weight, one.options.backup)).collect()
    }

    #[test]
    fn services_are_weighed_and_ordered() {
        let (plain, behind) = (Options::default(), Options { backup: true, ..Options::default() });
        let all = [(5, 3), (2, 0), (2, 7)];
        assert_eq!(services(plain, &all), [(1, false), (7, false), (3, true)]);
        assert_eq!(
            services(behind, &all),
            [(1, true), (7, true)],
            "there is nothing behind those behind"
        );
        let heavy = Options { weight: 4, ..plain };
        assert_eq!(services(heavy, &all), [(4, false), (4, false), (4, true)]);
        assert_eq!(services(plain, &[]), []);
    }
}
