//! Workers come and go: nobody is refused meanwhile, sessions come to their end, and what is known of peers stays.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use support::{PATIENCE, Server, Wire, wait_for};

use crate::peer::{Peer, nobody};
use crate::twin::start;

fn conf(peer: &Peer, more: &str) -> String {
    format!(
        "worker_processes 2; {more} stream {{ server {{ listen 127.0.0.1:{{port}}; proxy_pass 127.0.0.1:{0}; }}
        server {{ listen 127.0.0.1:{{port2}} udp; proxy_responses 1; return told; }} }}",
        peer.port
    )
}

/// Waits until none of these workers is there, and two others are.
fn replaced(server: &Server, before: &[u32]) {
    wait_for("new workers", || {
        let now = server.workers();
        now.len() >= 2 && before.iter().all(|pid| !now.contains(pid))
    });
}

/// Clients that come all the time, and count; each is served in full.
fn crowd(
    port: u16,
    over: &Arc<AtomicBool>,
    served: &Arc<AtomicUsize>,
) -> std::thread::JoinHandle<()> {
    let (over, served) = (over.clone(), served.clone());
    std::thread::spawn(move || {
        while !over.load(Ordering::SeqCst) {
            let mut wire = Wire::open(port);
            wire.send("ping");
            assert_eq!(wire.exactly(4), b"ping");
            served.fetch_add(1, Ordering::SeqCst);
        }
    })
}

#[test]
fn a_reload_refuses_nobody_and_old_sessions_go_on() {
    let peer = Peer::echo();
    let server = start(&conf(&peer, ""));
    wait_for("the workers", || server.workers().len() == 2);
    let mut old = server.wire();
    old.send("x");
    assert_eq!(old.exactly(1), b"x");
    let (over, served) = (Arc::default(), Arc::<AtomicUsize>::default());
    let crowd = crowd(server.port(), &over, &served);
    for _ in 0..3 {
        let before = server.workers();
        server.signal("HUP");
        wait_for("new workers", || {
            server.workers().iter().filter(|pid| !before.contains(pid)).count() == 2
        });
        let sofar = served.load(Ordering::SeqCst);
        wait_for("more clients", || served.load(Ordering::SeqCst) > sofar + 20);
    }
    over.store(true, Ordering::SeqCst);
    crowd.join().expect("all were served");
    for _ in 0..3 {
        old.send("still here");
        assert_eq!(old.exactly(10), b"still here");
    }
    // The worker goes with its last session.
    let workers = server.workers().len();
    assert!(workers >= 3, "{workers}");
    old.half_close();
    assert!(old.closes());
    wait_for("the end of the old worker", || server.workers().len() == 2);
}

#[test]
fn old_sessions_end_when_their_time_is_over() {
    let peer = Peer::echo();
    let server = start(&conf(&peer, "worker_shutdown_timeout 300ms;"));
    wait_for("the workers", || server.workers().len() == 2);
    let mut old = server.wire();
    old.send("x");
    assert_eq!(old.exactly(1), b"x");
    let before = server.workers();
    server.signal("HUP");
    replaced(&server, &before);
    assert!(old.closes());
}

/// A worker that is killed takes its sessions with it, and nothing else.
#[test]
fn a_killed_worker_costs_its_sessions_alone() {
    let (peer, dead) = (Peer::echo(), nobody());
    let server = start(&format!(
        "worker_processes 1; stream {{ upstream group {{ server 127.0.0.1:{dead} fail_timeout=1h; server 127.0.0.1:{} max_conns=2; }}
        server {{ listen 127.0.0.1:{{port}}; proxy_pass group; }} }}",
        peer.port
    ));
    let ping = |wire: &mut Wire| {
        wire.send("ping");
        wire.comes("ping")
    };
    let (mut one, mut two) = (server.wire(), server.wire());
    assert!(ping(&mut one) && ping(&mut two));
    assert!(!ping(&mut server.wire()), "there is no place for a third");
    let refused = || server.error_log().matches("Connection refused").count();
    assert_eq!(refused(), 1, "it is known to be dead");
    let before = server.workers();
    support::process::kill(&[before[0]]);
    wait_for("another worker", || server.workers().iter().any(|pid| !before.contains(pid)));
    drop((one.rest(), two.rest()));
    // Their places are free, and it is still known who is dead.
    let (mut one, mut two) = (server.wire(), server.wire());
    assert!(ping(&mut one) && ping(&mut two));
    assert_eq!(refused(), 1);
    let before = server.workers();
    server.signal("HUP");
    replaced_one(&server, &before);
    drop((one, two));
    wait_for("a place", || ping(&mut server.wire()));
    assert_eq!(refused(), 1);
}

/// Nobody who comes is refused, and each death costs what was under way with that worker: of one client at a time, one session.
#[test]
fn deaths_refuse_nobody() {
    const DEATHS: usize = 3;
    let peer = Peer::echo();
    let server = start(&conf(&peer, ""));
    wait_for("the workers", || server.workers().len() == 2);
    let (over, served) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let (port, until, counted) = (server.port(), over.clone(), served.clone());
    let crowd = std::thread::spawn(move || {
        let mut lost = 0;
        while !until.load(Ordering::SeqCst) {
            // It panics if it is refused.
            let mut wire = Wire::open(port);
            wire.send("ping");
            match wire.comes("ping") {
                true => drop(counted.fetch_add(1, Ordering::SeqCst)),
                false => lost += 1,
            }
        }
        lost
    });
    for _ in 0..DEATHS {
        let sofar = served.load(Ordering::SeqCst);
        wait_for("clients", || served.load(Ordering::SeqCst) > sofar + 20);
        let before = server.workers();
        support::process::kill(&[before[0]]);
        wait_for("another worker", || {
            let now = server.workers();
            now.len() == 2 && !now.contains(&before[0])
        });
    }
    over.store(true, Ordering::SeqCst);
    let lost = crowd.join().expect("nobody was refused");
    assert!(lost <= DEATHS, "{lost}");
}

fn replaced_one(server: &Server, before: &[u32]) {
    wait_for("a new worker", || server.workers().iter().any(|pid| !before.contains(pid)));
}

/// The new binary has the sockets, of datagrams too; what comes meanwhile is served by either.
#[test]
fn an_upgrade_refuses_nobody() {
    let peer = Peer::echo();
    let server = start(&conf(&peer, ""));
    wait_for("the workers", || server.workers().len() == 2);
    let mut old = server.wire();
    old.send("x");
    assert_eq!(old.exactly(1), b"x");
    let (over, served) = (Arc::default(), Arc::<AtomicUsize>::default());
    let crowd = crowd(server.port(), &over, &served);
    let first = server.pid();
    server.signal("USR2");
    let new = server.dir().path("logs/rserve.pid");
    wait_for("the new master", || {
        let pid = std::fs::read_to_string(&new).unwrap_or_default();
        pid.trim().parse::<u32>().is_ok_and(|pid| pid != first)
    });
    support::process::signal(first, "WINCH");
    let sofar = served.load(Ordering::SeqCst);
    wait_for("more clients", || served.load(Ordering::SeqCst) > sofar + 50);
    over.store(true, Ordering::SeqCst);
    crowd.join().expect("all were served");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
    socket.connect(("127.0.0.1", server.port2())).expect("an address");
    socket.send(b"?").expect("sent");
    let mut answer = [0; 10];
    assert_eq!(
        socket.recv(&mut answer).map(|len| answer[..len].to_vec()).expect("an answer"),
        b"told"
    );
    old.send("still here");
    assert_eq!(old.exactly(10), b"still here");
    support::process::signal(first, "QUIT");
    drop(old);
}

/// Answers that come after a reload reach the client, by the old worker; what it asks then is the new one's.
#[test]
fn datagrams_are_answered_by_the_old_worker() {
    let peer = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    peer.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
    let server = start(&format!(
        "worker_processes 1; stream {{ server {{ listen 127.0.0.1:{{port}}; return x; }}
        server {{ listen 127.0.0.1:{{port2}} udp; proxy_timeout 10s; proxy_pass 127.0.0.1:{}; }} }}",
        peer.local_addr().expect("an address").port()
    ));
    let client = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    client.set_read_timeout(Some(PATIENCE)).expect("SO_RCVTIMEO");
    client.connect(("127.0.0.1", server.port2())).expect("an address");
    let mut buffer = [0; 100];
    client.send(b"one").expect("sent");
    let (_, first) = peer.recv_from(&mut buffer).expect("it goes on");
    let before = server.workers();
    server.signal("HUP");
    replaced_one(&server, &before);
    wait_for("the reload", || server.error_log().contains("gracefully shutting down"));
    peer.send_to(b"late", first).expect("sent");
    let len = client.recv(&mut buffer).expect("an answer");
    assert_eq!(&buffer[..len], b"late");
    client.send(b"two").expect("sent");
    let (len, second) = peer.recv_from(&mut buffer).expect("it goes on");
    assert_eq!(&buffer[..len], b"two");
    assert_ne!(first, second, "it is a session of the new worker");
    peer.send_to(b"and back", second).expect("sent");
    let len = client.recv(&mut buffer).expect("an answer");
    assert_eq!(&buffer[..len], b"and back");
}
