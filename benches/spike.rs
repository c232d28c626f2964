//! The loop measured alone: what a wake, a fan-out and an idle connection cost.
//!
//! ```text
//! cargo run --release -p rserve-rt --example spike            # all figures
//! cargo run --release -p rserve-rt --example spike serve 8090 # a fixed 1 KB answer, for wrk
//! ```

use std::cell::Cell;
use std::future::poll_fn;
use std::io::{IoSlice, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use rt::{Conn, Next, Service};

const SUBSCRIBERS: usize = 5000;
const EVENTS: u32 = 100;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, port] = &arguments[..]
        && mode == "serve"
    {
        return serve(port.parse().unwrap_or(8090));
    }
    sys::process::limit_files(20_000)?;
    wakes()?;
    fan_out()
}

fn cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

/// A task that wakes itself again and again: run queue, waker and poll, nothing else.
fn wakes() -> std::io::Result<()> {
    const WAKES: u32 = 5_000_000;
    rt::create(rt::Config { slots: 4, multi_accept: false })?;
    let mut left = WAKES;
    let start = Instant::now();
    rt::spawn(poll_fn(move |cx| {
        left -= 1;
        if left == 0 {
            rt::stop();
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }));
    rt::run()?;
    println!("wake and poll of a task: {} ns", start.elapsed().as_nanos() / u128::from(WAKES));
    Ok(())
}

struct Subscribers {
    events: Rc<Cell<u32>>,
    sent: Rc<Cell<u64>>,
}

// A loop's service is 'static: the spike leaks its one.
impl Service for Subscribers {
    fn ready(&'static self, conn: Conn) -> Next {
        let future = subscriber(conn, self);
        if conn.serial() == 1 {
            println!("future of a subscriber: {} bytes", size_of_val(&future));
        }
        Next::Task(Box::pin(future))
    }
}

async fn subscriber(conn: Conn, all: &'static Subscribers) -> Next {
    let event = [b'x'; 150];
    let mut seen = 0;
    while seen < EVENTS {
        poll_fn(|_| if all.events.get() > seen { Poll::Ready(()) } else { Poll::Pending }).await;
        match conn.write(&[IoSlice::new(&event)], false) {
            Ok(_) => {
                seen += 1;
                all.sent.set(all.sent.get() + 1);
            }
            Err(_) if conn.writable().await.is_err() => break,
            Err(_) => {}
        }
    }
    Next::Close
}

/// One event of 150 bytes at a time to every subscriber, each a task on a TCP connection.
fn fan_out() -> std::io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    let clients = std::thread::spawn(move || read_all(port));
    let before = resident();
    rt::create(rt::Config { slots: SUBSCRIBERS as u32 + 16, multi_accept: true })?;
    println!("slots: {} bytes each, mapped", (resident() - before).div_ceil(SUBSCRIBERS));
    let service: &'static Subscribers =
        Box::leak(Box::new(Subscribers { events: Rc::default(), sent: Rc::default() }));
    rt::add_listener(&listener, service, false)?;
    publish(service, resident());
    rt::run()?;
    let _ = clients.join();
    Ok(())
}

/// Publishes an event whenever everybody has the one before.
fn publish(all: &'static Subscribers, before: usize) {
    let cpu = Rc::new(Cell::new(0));
    fn turn(all: &'static Subscribers, before: usize, cpu: Rc<Cell<u64>>) {
        let (events, sent) = (all.events.get(), all.sent.get());
        if rt::connections() as usize == SUBSCRIBERS && events == 0 {
            println!("idle task: {} bytes", (resident() - before) / SUBSCRIBERS);
            cpu.set(cpu_ns());
        }
        if events > 0 && sent == u64::from(EVENTS) * SUBSCRIBERS as u64 {
            let spent = cpu_ns() - cpu.get();
            println!(
                "fan-out: {} ns of processor per delivery (all threads of this process's loop)",
                spent / sent
            );
            return rt::stop();
        }
        let everybody = rt::connections() as usize == SUBSCRIBERS;
        if everybody && sent == u64::from(events) * SUBSCRIBERS as u64 {
            all.events.set(events + 1);
            rt::wake_all();
        }
        rt::after(1, move || turn(all, before, cpu));
    }
    rt::after(1, move || turn(all, before, cpu));
}

fn read_all(port: u16) {
    let mut sockets = Vec::new();
    for _ in 0..SUBSCRIBERS {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(socket) => sockets.push(socket),
            Err(error) => return eprintln!("connect: {error}"),
        }
    }
    let mut buffer = [0; 32 * 1024];
    for mut socket in sockets {
        while matches!(socket.read(&mut buffer), Ok(n) if n > 0) {}
    }
}

struct Fixed;

impl Service for Fixed {
    fn ready(&'static self, conn: Conn) -> Next {
        let mut buffer = [0; 4096];
        match conn.read(&mut buffer) {
            Ok(0) => Next::Close,
            Ok(_) => {
                let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n";
                let _ = conn.write(&[IoSlice::new(head), IoSlice::new(&[b'x'; 1024])], false);
                conn.set_timeout(75_000);
                Next::Idle
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Next::Idle,
            Err(_) => Next::Close,
        }
    }
}

fn serve(port: u16) -> std::io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    rt::create(rt::Config { slots: 1024, multi_accept: false })?;
    rt::add_listener(&listener, &Fixed, false)?;
    rt::run()
}
