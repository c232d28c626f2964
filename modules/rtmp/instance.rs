//! The `rtmp` block, configured: its zone, its listeners, and what a worker has of it.

use std::cell::{Cell, OnceCell, RefCell};
use std::os::fd::AsRawFd;
use std::rc::Rc;

use conf::Error;
use live::{Replies, Rpc};
use module::{Instance, Process, Regions, Sockets};
use proto::query;
use proto::rtmp::handshake;
use sys::socket::Address;

use crate::admin;
use crate::client::Client;
use crate::events;
use crate::grace;
use crate::port::Port;
use crate::protocol::{Hub, LiveStreams};
use crate::settings::{App, Server};
use crate::stats;
use crate::zone::ZoneConf;
use live::Slab;

/// What a configuration asks for.
pub struct Plan {
    zone: Rc<ZoneConf>,
    ports: Vec<PortPlan>,
    servers: Vec<Rc<Server>>,
}

/// A listening address.
pub struct PortPlan {
    /// Where.
    pub address: Address,
    /// Its clients come through a proxy that tells who they are.
    pub proxy_protocol: bool,
    /// The servers behind it, the default one first.
    pub servers: Vec<Rc<Server>>,
    /// One of them was written as the default one.
    pub has_default: bool,
}

/// What a configuration asks for.
pub fn plan(zone: Rc<ZoneConf>, ports: Vec<PortPlan>, servers: Vec<Rc<Server>>) -> Plan {
    Plan { zone, ports, servers }
}

/// All that an `rtmp {}` block came to.
pub struct RtmpInstance {
    plan: Option<Plan>,
    /// Streams whose publisher's worker has died, until that is told.
    broken: RefCell<Vec<Broken>>,
}

struct Broken {
    channel: Vec<u8>,
    /// The players know.
    told: bool,
}

/// What a worker has of it.
pub struct Running {
    /// Its part in the zone.
    pub hub: &'static Hub,
    rpc: OnceCell<&'static Rpc<LiveStreams>>,
    /// The servers.
    pub servers: &'static [Rc<Server>],
    /// The listening addresses.
    pub ports: &'static [PortPlan],
    /// Its clients.
    pub clients: RefCell<Slab<Rc<Client>>>,
    /// Connections that it has accepted.
    pub accepted: Cell<u64>,
    /// Bytes sent to, and received from, clients that have gone.
    pub gone: (Cell<u64>, Cell<u64>),
    /// When it began, in the loop's milliseconds.
    pub since: u64,
    random: Cell<u64>,
}

thread_local! {
    static RUNNING: Cell<Option<&'static Running>> = const { Cell::new(None) };
}

/// What this worker has of the `rtmp` block; `None`: there is none.
pub fn running() -> Option<&'static Running> {
    RUNNING.get()
}

impl RtmpInstance {
    /// With a plan, if there is a block.
    pub fn new(plan: Option<Plan>) -> RtmpInstance {
        RtmpInstance { plan, broken: RefCell::default() }
    }
}

impl RtmpInstance {
    fn zone(&self) -> Option<&Rc<ZoneConf>> {
        self.plan.as_ref().map(|plan| &plan.zone)
    }

    /// A publisher's worker is dead: tells the players of its stream, and who listens to events. `false`: some cannot be
    /// told now.
    fn tell_of(&self, plan: &Plan, orphans: Vec<Vec<u8>>) -> bool {
        let Some(zone) = plan.zone.zone() else { return true };
        let app_of = |channel: &[u8]| {
            let mut apps = plan.servers.iter().flat_map(|server| &server.apps);
            apps.find(|app| channel.starts_with(app.prefix.as_bytes()))
        };
        let max_age = |channel: &[u8]| app_of(channel).map_or(120_000, |app| grace::max_age(app));
        let mut broken = self.broken.borrow_mut();
        broken.extend(orphans.into_iter().map(|channel| Broken { channel, told: false }));
        broken.retain_mut(|stream| {
            let channel = &stream.channel;
            stream.told = stream.told || grace::try_tell_broken(zone, channel, max_age(channel));
            let known = app_of(channel);
            let tell = |app: &Rc<App>| events::try_tell_lost(app, &channel[app.prefix.len()..]);
            !stream.told || !known.is_none_or(tell)
        });
        broken.is_empty()
    }
}

impl Process for RtmpInstance {
    fn opened(&self) -> Result<(), Error> {
        self.zone().map_or(Ok(()), |zone| zone.opened())
    }

    fn outgoing(&self, next: &Regions, back: bool) {
        self.zone().into_iter().for_each(|zone| zone.outgoing(next, back));
    }

    fn decided(&self, serves: bool) {
        self.zone().into_iter().for_each(|zone| zone.decided(serves));
    }

    fn replaced(&self, by: &Regions) {
        self.zone().into_iter().for_each(|zone| zone.replaced(by));
    }

    fn started(&'static self) -> Result<(), String> {
        let Some(plan) = &self.plan else { return Ok(()) };
        plan.zone.started()?;
        let hub = plan.zone.hub().ok_or("the rtmp_zone has no hub")?;
        let seed = sys::clock::monotonic_us() ^ u64::from(sys::process::pid() as u32) << 32;
        let running: &'static Running = Box::leak(Box::new(Running {
            hub,
            rpc: OnceCell::new(),
            servers: &plan.servers,
            ports: &plan.ports,
            clients: RefCell::default(),
            accepted: Cell::new(0),
            gone: (Cell::new(0), Cell::new(0)),
            since: rt::now(),
            random: Cell::new(seed),
        }));
        let rpc = Rpc::start(hub, move |call, out| reply(running, call, out))?;
        let _ = running.rpc.set(rpc);
        RUNNING.set(Some(running));
        Ok(())
    }

    fn draining(&'static self, within: Option<u64>) {
        self.zone().into_iter().for_each(|zone| zone.draining(within));
    }

    fn orphaned(&self) {
        self.zone().into_iter().for_each(|zone| zone.orphaned());
    }

    fn closed(&self) {
        self.zone().into_iter().for_each(|zone| zone.closed());
    }

    fn worker_ended(&self, pid: i32) -> bool {
        let Some(plan) = &self.plan else { return true };
        plan.zone.sweep(pid).is_some_and(|orphans| self.tell_of(plan, orphans))
    }

    fn room(&self) -> usize {
        self.zone().map_or(usize::MAX, |zone| zone.room())
    }

    fn attached(&self) -> Vec<i32> {
        self.zone().map(|zone| zone.attached()).unwrap_or_default()
    }

    fn stuck(&self) -> Vec<i32> {
        self.zone().map(|zone| zone.stuck()).unwrap_or_default()
    }
}

impl Instance for RtmpInstance {
    fn listen(&'static self, sockets: &Sockets, number: usize) -> Result<(), String> {
        for port in self.plan.iter().flat_map(|plan| &plan.ports) {
            let address = &port.address;
            let shared = sockets.shared(address);
            let service: &'static Port =
                Box::leak(Box::new(Port::new(&port.servers, port.proxy_protocol)));
            for socket in sockets.of_worker(address, number) {
                rt::add_listener(&socket.as_raw_fd(), service, shared)
                    .map_err(|e| format!("epoll_ctl({address}) failed {}", sys::log::errno(&e)))?;
            }
        }
        Ok(())
    }
}

/// What this worker says to a call.
fn reply(running: &'static Running, call: &[u8], out: &mut Vec<u8>) {
    match query::get(call, b"call").as_deref() {
        Some(b"stat") => stats::write(running, out),
        Some(b"drop" | b"redirect") => {
            let count = admin::run(running, call);
            query::add(out, "count", count.to_string().as_bytes());
        }
        _ => {}
    }
}

impl Running {
    /// Calls all workers. `None`: they cannot be called.
    pub async fn call(&self, arguments: &[u8]) -> Option<Replies> {
        self.rpc.get()?.call(arguments).await
    }

    /// A client has gone: what it was sent, and what it has sent, is not forgotten.
    pub fn count_gone(&self, client: &Client) {
        self.gone.0.set(self.gone.0.get() + client.sent.get());
        self.gone.1.set(self.gone.1.get() + client.received.total());
    }

    /// Bytes for a handshake. They are no secret: they only have to differ.
    pub fn random(&self) -> [u8; handshake::SIZE] {
        let mut bytes = [0; handshake::SIZE];
        for word in bytes.as_chunks_mut::<8>().0 {
            let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
            self.random.set(state);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *word = (mixed ^ mixed >> 27).to_le_bytes();
        }
        bytes
    }

    /// A secret that all workers have, and nobody else.
    pub fn secret(&self) -> [u8; 16] {
        let zone = self.hub.attachment.zone();
        let mut secret = [0; 16];
        secret[..8].copy_from_slice(&zone.key(b"a login's secret").to_le_bytes());
        secret[8..].copy_from_slice(&zone.key(b"the other half").to_le_bytes());
        secret
    }

    /// How long the clients of an application may take nothing of what they are sent, in milliseconds.
    pub fn timeout(&self, app: &App) -> u64 {
        self.servers.get(app.server).map_or(60_000, |server| server.timeout)
    }

    /// An application by name; `port`: of a server there alone. Of several, that of the server whose name the host
    /// fits best, else the first.
    pub fn app(&self, name: &[u8], port: Option<u16>, host: &[u8]) -> Option<&'static App> {
        let servers = self.servers.iter();
        let servers = servers.filter(|server| port.is_none_or(|port| server.ports.contains(&port)));
        let mut best: Option<(u8, &'static App)> = None;
        for server in servers {
            let Some(app) = server.app(name) else { continue };
            let fit = server.fits(host);
            if best.is_none_or(|(known, _)| fit > known) {
                best = Some((fit, app));
            }
        }
        best.map(|(_, app)| app)
    }
}
