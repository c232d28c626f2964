//! What a task has besides its client's connection: sockets of its own, sleeps, other tasks; and what belongs to no
//! task. Each test has its own loop in its own thread.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io::{IoSlice, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::time::Instant;

use rt::{Pulse, Stream};
use sys::socket::{Address, Peer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CONFIG: rt::Config = rt::Config { slots: 8, multi_accept: false };

/// Runs a task in a loop of its own, to the task's end.
fn run(task: impl Future<Output = ()> + 'static) {
    rt::create(CONFIG).expect("a loop");
    let done = Rc::new(Cell::new(false));
    let theirs = done.clone();
    rt::spawn(async move {
        task.await;
        theirs.set(true);
        rt::stop();
    });
    // A task that panics does not come so far.
    rt::after(20_000, rt::stop);
    rt::run().expect("the loop runs");
    assert!(done.get(), "the task has come to its end");
}

#[test]
fn one_task_relays_between_two_sockets() {
    run(async {
        let ((near, one), (other, far)) =
            (rt::pair().expect("a pair"), rt::pair().expect("a pair"));
        rt::spawn(async move {
            let (mut from, mut to) = (Stream(rt::Io::new(*one)), Stream(rt::Io::new(*other)));
            tokio::io::copy_bidirectional(&mut from, &mut to).await.expect("copied");
            drop((one, other));
        });
        let (mut near_end, mut far_end) = (Stream(rt::Io::new(*near)), Stream(rt::Io::new(*far)));
        // More than a socket holds: both sides have to wait for each other.
        let question = vec![7; 4 << 20];
        let sent = question.clone();
        rt::spawn(async move {
            near_end.write_all(&sent).await.expect("sent");
            near_end.shutdown().await.expect("shut");
            let mut answer = Vec::new();
            near_end.read_to_end(&mut answer).await.expect("read");
            assert_eq!(answer, b"thanks");
            drop(near);
        });
        let mut heard = Vec::new();
        far_end.read_to_end(&mut heard).await.expect("read");
        assert!(heard == question);
        far_end.write_all(b"thanks").await.expect("sent");
    });
}

/// Without tokio's traits, as most modules do it.
#[test]
fn all_is_written_and_what_has_come_is_read() {
    run(async {
        let (near, far) = rt::pair().expect("a pair");
        // More than a socket holds: it has to wait for the reader.
        let sent: Vec<u8> = (0..3 << 20).map(|at: u32| at as u8).collect();
        let wanted = sent.clone();
        rt::spawn(async move { near.write_all(&sent).await.expect("sent") });
        let (mut heard, mut buffer) = (Vec::new(), [0; 5000]);
        loop {
            match far.read_some(&mut buffer).await.expect("read") {
                0 => break,
                count => heard.extend_from_slice(&buffer[..count]),
            }
        }
        assert!(heard == wanted);
        // The peer has gone; one that is there, and silent, is not waited for longer than the deadline.
        assert!(far.write_all(b"?").await.is_err());
        let (near, far) = rt::pair().expect("a pair");
        far.set_timeout(20);
        let late = far.read_some(&mut buffer).await.expect_err("nothing was written");
        assert_eq!(late.kind(), std::io::ErrorKind::TimedOut);
        drop(near);
    });
}

#[test]
fn somebody_is_there_or_nobody_or_too_late() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let there = Address::Inet(listener.local_addr().expect("its address"));
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let path = std::env::temp_dir().join(format!("rserve-rt-{}", std::process::id()));
    let unix = UnixListener::bind(&path).expect("a socket");
    let server = std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().expect("a connection");
        tcp.write_all(b"tcp").expect("sent");
        let (mut local, _) = unix.accept().expect("a connection");
        local.write_all(b"unix").expect("sent");
        // It says nothing more, and stays.
        let _ = tcp.read(&mut [0]);
    });
    let name = path.clone();
    run(async move {
        let tcp = rt::connect(&there, 5_000).await.expect("somebody is there");
        let mut word = [0; 3];
        Stream(rt::Io::new(*tcp)).read_exact(&mut word).await.expect("read");
        assert_eq!(&word, b"tcp");
        let local = rt::connect(&Address::Unix(name), 5_000).await.expect("somebody is there");
        let mut word = [0; 4];
        Stream(rt::Io::new(*local)).read_exact(&mut word).await.expect("read");
        assert_eq!(&word, b"unix");
        let refused = rt::connect(&Address::Inet(gone), 5_000).await.expect_err("nobody");
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        // Each socket has a deadline of its own.
        tcp.set_timeout(30);
        local.set_timeout(60_000);
        let late = Stream(rt::Io::new(*tcp)).read(&mut word).await.expect_err("nothing comes");
        assert_eq!(late.kind(), std::io::ErrorKind::TimedOut);
    });
    server.join().expect("the server");
    std::fs::remove_file(path).expect("our socket");
}

#[test]
fn datagrams_are_waited_for() {
    let far = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let near = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let (from, to) = (near.local_addr().expect("a name"), far.local_addr().expect("a name"));
    near.connect(to).expect("a peer");
    let server = std::thread::spawn(move || {
        let mut question = [0; 16];
        let (count, _) = far.recv_from(&mut question).expect("a question");
        for _ in 0..3 {
            far.send_to(&question[..count], from).expect("an answer");
        }
    });
    run(async move {
        let socket = rt::adopt(near.into(), Peer::Inet(to)).expect("a socket");
        assert_eq!(socket.write(&[IoSlice::new(b"name?")], false).expect("sent"), 5);
        let mut answer = [0; 16];
        for _ in 0..3 {
            let count = loop {
                match socket.try_read(|fd| sys::stream::recv(fd, &mut answer)) {
                    Ok(count) => break count,
                    Err(_) => socket.readable().await.expect("it comes"),
                }
            };
            assert_eq!(&answer[..count], b"name?");
        }
    });
    server.join().expect("the server");
}

#[test]
fn there_are_no_more_sockets_than_connections() {
    run(async {
        let mut all: Vec<_> = (0..4).map(|_| rt::pair().expect("room")).collect();
        let why = rt::pair().expect_err("eight are there").to_string();
        assert_eq!(why, "there are not enough worker_connections");
        all.pop();
        rt::pair().expect("room again");
    });
}

#[test]
fn sleeps_end_in_their_order_and_cost_no_connection() {
    let order = Rc::new(RefCell::new(Vec::new()));
    let theirs = order.clone();
    run(async move {
        for ms in [80, 20, 50] {
            let order = theirs.clone();
            rt::spawn(async move {
                rt::sleep(ms).await;
                order.borrow_mut().push(ms);
            });
        }
        // Those that are given up are forgotten.
        (0..1000).for_each(|_| drop(rt::sleep(60_000)));
        let begun = Instant::now();
        rt::sleep(120).await;
        assert!(begun.elapsed().as_millis() >= 110);
        assert_eq!(*theirs.borrow(), [20, 50, 80]);
    });
}

/// Panics each time that it is asked.
struct Broken(Cell<u32>);

impl Pulse for Broken {
    fn beat(&'static self) {
        self.0.set(self.0.get() + 1);
        if self.0.get() < 9 {
            panic!("asked for");
        }
    }

    fn may_sleep(&'static self) -> bool {
        if self.0.get() < 9 {
            panic!("asked for");
        }
        true
    }

    fn awake(&'static self) {
        panic!("asked for");
    }
}

struct Hopeless;

impl Pulse for Hopeless {
    fn beat(&'static self) {
        panic!("asked for");
    }

    fn may_sleep(&'static self) -> bool {
        true
    }

    fn awake(&'static self) {}
}

fn again() {
    rt::after(1, again);
}

#[test]
fn a_pulse_that_always_panics_ends_the_loop() {
    rt::create(CONFIG).expect("a loop");
    rt::add_pulse(&Hopeless);
    again();
    rt::after(20_000, rt::stop);
    assert!(rt::run().expect_err("another worker is better").to_string().contains("panics"));
}

#[test]
fn a_draining_loop_lets_a_last_task_connect() {
    rt::create(CONFIG).expect("a loop");
    let (near, far) = std::os::unix::net::UnixStream::pair().expect("a pair");
    rt::spawn(async move {
        let socket = rt::adopt(near.into(), Peer::Unix).expect("a socket");
        Stream(rt::Io::new(*socket)).write_all(b"told").await.expect("sent");
        rt::sleep(20).await;
        Stream(rt::Io::new(*socket)).write_all(b" all").await.expect("sent");
    });
    rt::drain();
    rt::run().expect("the loop runs");
    let mut heard = String::new();
    (&far).read_to_string(&mut heard).expect("read");
    assert_eq!(heard, "told all");
}

#[test]
fn what_belongs_to_no_connection_may_panic_too() {
    let broken: &'static Broken = Box::leak(Box::new(Broken(Cell::new(0))));
    let (near, far) = std::os::unix::net::UnixStream::pair().expect("a pair");
    near.set_nonblocking(true).expect("non-blocking");
    let called = Rc::new(Cell::new(0));
    let theirs = called.clone();
    run(async move {
        rt::add_pulse(broken);
        rt::after(5, || panic!("asked for"));
        let fd = std::os::fd::AsRawFd::as_raw_fd(&near);
        rt::on_readable(fd, move || {
            theirs.set(theirs.get() + 1);
            panic!("asked for");
        })
        .expect("a source");
        rt::spawn(async { panic!("asked for") });
        (&far).write_all(b"x").expect("sent");
        rt::sleep(50).await;
        assert!(broken.0.get() > 0 && called.get() == 1);
        drop((near, far));
    });
}
