//! The `rtmp` block, configured: its zone, its listeners, and what a worker has of it.

use std::cell::{Cell, OnceCell, RefCell};
use std::os::fd::AsRawFd;
use std::rc::Rc;

use live::Rpc;
use module::{Instance, Process, Sockets};
use proto::query;

use crate::admin::command;
use crate::admin::record;
use crate::admin::stats;
use crate::events::tell;
use crate::follow;
use crate::listener::Listener;
use crate::publish::resume;
use crate::running::{self, ListenAddress, Running};
use crate::settings::app::{App, Server};
use crate::zone::ZoneConf;

/// What a configuration asks for.
pub struct Plan {
    zone: Rc<ZoneConf>,
    listens: Vec<ListenAddress>,
    servers: Vec<Rc<Server>>,
    /// What has a part in the processes' life; the zone first.
    processes: Vec<Rc<dyn Process>>,
}

/// What a configuration asks for.
pub fn plan(
    zone: Rc<ZoneConf>,
    listens: Vec<ListenAddress>,
    servers: Vec<Rc<Server>>,
    others: Vec<Rc<dyn Process>>,
) -> Plan {
    let first: Rc<dyn Process> = zone.clone();
    let processes = std::iter::once(first).chain(others).collect();
    Plan { zone, listens, servers, processes }
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

impl RtmpInstance {
    /// With a plan, if there is a block.
    pub fn new(plan: Option<Plan>) -> RtmpInstance {
        RtmpInstance { plan, broken: RefCell::default() }
    }
}

impl RtmpInstance {
    /// A publisher's worker is dead: tells the players of its stream, and who listens to events. `false`: some cannot be
    /// told now.
    fn tell_of(&self, plan: &Plan, orphans: Vec<Vec<u8>>) -> bool {
        let Some(zone) = plan.zone.zone() else { return true };
        let app_of = |channel: &[u8]| {
            let mut apps = plan.servers.iter().flat_map(|server| &server.apps);
            apps.find(|app| channel.starts_with(app.prefix.as_bytes()))
        };
        let max_age = |channel: &[u8]| app_of(channel).map_or(120_000, |app| resume::max_age(app));
        let mut broken = self.broken.borrow_mut();
        // A follower's channel is nobody's stream: its successor sees to it.
        let streams = orphans.into_iter().filter(|channel| !follow::is_claim(channel));
        broken.extend(streams.map(|channel| Broken { channel, told: false }));
        broken.retain_mut(|stream| {
            let channel = &stream.channel;
            stream.told = stream.told || resume::try_tell_broken(zone, channel, max_age(channel));
            let known = app_of(channel);
            let tell = |app: &Rc<App>| tell::try_tell_lost(app, &channel[app.prefix.len()..]);
            !stream.told || !known.is_none_or(tell)
        });
        broken.is_empty()
    }
}

impl Process for RtmpInstance {
    fn parts(&self) -> &[Rc<dyn Process>] {
        self.plan.as_ref().map_or(&[], |plan| &plan.processes)
    }

    fn started(&'static self) -> Result<(), String> {
        let Some(plan) = &self.plan else { return Ok(()) };
        plan.processes.iter().try_for_each(|part| part.started())?;
        let hub = plan.zone.hub().ok_or("the rtmp_zone has no hub")?;
        let running: &'static Running = Box::leak(Box::new(Running {
            hub,
            rpc: OnceCell::new(),
            servers: &plan.servers,
            listens: &plan.listens,
            clients: RefCell::default(),
            accepted: Cell::new(0),
            gone: (Cell::new(0), Cell::new(0)),
            since: rt::now(),
        }));
        let rpc = Rpc::start(hub, move |call, out| reply(running, call, out))?;
        let _ = running.rpc.set(rpc);
        running::set(running);
        follow::watch(running);
        Ok(())
    }

    fn stopping(&'static self) {
        if self.plan.is_some() {
            follow::leave();
        }
    }

    fn worker_ended(&self, pid: i32) -> bool {
        let Some(plan) = &self.plan else { return true };
        // Each of them, whatever the others say.
        let others = plan.processes.iter().skip(1).filter(|part| !part.worker_ended(pid)).count();
        plan.zone.sweep(pid).is_some_and(|orphans| self.tell_of(plan, orphans)) && others == 0
    }
}

impl Instance for RtmpInstance {
    fn listen(&'static self, sockets: &Sockets, number: usize) -> Result<(), String> {
        for listener in self.plan.iter().flat_map(|plan| &plan.listens) {
            let service: &'static Listener = Box::leak(Box::new(Listener::new(listener)));
            sockets.each(&listener.address, number, |socket, shared| {
                rt::add_listener(&socket.as_raw_fd(), service, shared)
            })?;
        }
        Ok(())
    }
}

/// What this worker says to a call.
fn reply(running: &'static Running, call: &[u8], out: &mut Vec<u8>) {
    match query::get(call, b"call").as_deref() {
        Some(b"stat") => stats::write(running, out),
        Some(b"record") => record::run(running, call, out),
        Some(b"drop" | b"redirect") => {
            let concerned = command::run(running, call);
            query::add(out, "count", concerned.clients.to_string().as_bytes());
            let viewers: Vec<String> = concerned.viewers.iter().map(u64::to_string).collect();
            if !viewers.is_empty() {
                query::add(out, "viewers", viewers.join(",").as_bytes());
            }
        }
        _ => {}
    }
}
