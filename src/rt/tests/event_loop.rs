//! The loop with real sockets: each test has its own loop in its own thread.

use std::cell::{Cell, RefCell};
use std::io::{IoSlice, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::rc::Rc;

use rt::{Conn, Next, Service, TimedOut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CONFIG: rt::Config = rt::Config { slots: 8, multi_accept: false };

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.set_nonblocking(true).expect("non-blocking");
    let port = listener.local_addr().expect("its address").port();
    (listener, port)
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a connection");
    stream.set_read_timeout(Some(std::time::Duration::from_secs(10))).expect("a timeout");
    stream
}

/// Serves with `service` while `client` talks to the port from another thread.
fn with_client(service: &'static dyn Service, client: impl FnOnce(u16) + Send + 'static) {
    rt::create(CONFIG).expect("a loop");
    let (listener, port) = listener();
    rt::add_listener(&listener, service, false).expect("listening");
    let client = std::thread::spawn(move || client(port));
    // The loop ends when the client has, however that ended.
    fn watch(client: std::thread::JoinHandle<()>, result: Rc<RefCell<Option<bool>>>) {
        match client.is_finished() {
            true => {
                *result.borrow_mut() = Some(client.join().is_ok());
                rt::stop();
            }
            false => rt::after(5, move || watch(client, result)),
        }
    }
    let result = Rc::new(RefCell::new(None));
    let theirs = result.clone();
    rt::after(5, move || watch(client, theirs));
    rt::run().expect("the loop runs");
    assert_eq!(*result.borrow(), Some(true), "the client was content");
}

/// Echoes on the ready path; the word `task` goes to a task, `panic` panics.
struct Echo;

impl Service for Echo {
    fn ready(&'static self, conn: Conn) -> Next {
        let mut buffer = [0; 64];
        match conn.read(&mut buffer) {
            Ok(0) => Next::Close,
            Ok(count) => match &buffer[..count] {
                b"panic" => panic!("asked for"),
                b"task" => Next::Task(Box::pin(echo_once(conn))),
                bytes => {
                    let _ = conn.write(&[IoSlice::new(bytes)], false);
                    conn.set_timeout(60_000);
                    Next::Idle
                }
            },
            Err(_) => Next::Idle,
        }
    }
}

async fn echo_once(conn: Conn) -> Next {
    let mut stream = rt::Stream(rt::Io::new(conn));
    let mut buffer = [0; 3];
    match stream.read_exact(&mut buffer).await {
        Ok(_) if stream.write_all(&buffer).await.is_ok() => Next::Idle,
        _ => Next::Close,
    }
}

fn ask(stream: &mut TcpStream, question: &[u8]) -> Vec<u8> {
    stream.write_all(question).expect("written");
    let mut answer = [0; 64];
    let count = stream.read(&mut answer).expect("an answer");
    answer[..count].to_vec()
}

#[test]
fn idle_ready_task_and_idle_again() {
    with_client(&Echo, |port| {
        let mut stream = connect(port);
        assert_eq!(ask(&mut stream, b"one"), b"one");
        stream.write_all(b"task").expect("written");
        // Bytes that come one by one wake the task each time, through tokio's traits.
        stream.write_all(b"a").expect("written");
        stream.write_all(b"b").expect("written");
        assert_eq!(ask(&mut stream, b"c"), b"abc");
        assert_eq!(ask(&mut stream, b"two"), b"two");
    });
}

#[test]
fn a_panic_ends_its_connection_alone() {
    with_client(&Echo, |port| {
        let (mut bad, mut good) = (connect(port), connect(port));
        assert_eq!(ask(&mut good, b"one"), b"one");
        assert_eq!(ask(&mut bad, b"panic"), b"");
        assert_eq!(ask(&mut good, b"two"), b"two");
    });
}

#[test]
fn the_idlest_connection_makes_room() {
    with_client(&Echo, |port| {
        let mut clients: Vec<TcpStream> = (0..8).map(|_| connect(port)).collect();
        for client in &mut clients {
            assert_eq!(ask(client, b"x"), b"x");
        }
        let mut ninth = connect(port);
        assert_eq!(ask(&mut ninth, b"nine"), b"nine");
        let mut end = [0];
        assert_eq!(clients[0].read(&mut end).expect("closed in good order"), 0);
    });
}

struct Impatient;

impl Service for Impatient {
    fn ready(&'static self, conn: Conn) -> Next {
        Next::Task(Box::pin(async move {
            let mut buffer = [0; 8];
            while conn.read(&mut buffer).is_err() {
                let _ = conn.readable().await;
            }
            conn.set_timeout(30);
            match conn.readable().await {
                Err(TimedOut) => drop(conn.write(&[IoSlice::new(b"late")], false)),
                Ok(()) => drop(conn.write(&[IoSlice::new(b"read")], false)),
            }
            Next::Close
        }))
    }
}

#[test]
fn a_deadline_ends_a_wait() {
    with_client(&Impatient, |port| {
        let mut stream = connect(port);
        assert_eq!(ask(&mut stream, b"x"), b"late");
    });
}

struct Blocking;

impl Service for Blocking {
    fn ready(&'static self, conn: Conn) -> Next {
        Next::Task(Box::pin(async move {
            let here = std::thread::current().id();
            let other = rt::offload(move || std::thread::current().id() != here).await;
            let word: &[u8] = if other { b"other thread" } else { b"same thread" };
            let _ = conn.write(&[IoSlice::new(word)], false);
            Next::Close
        }))
    }
}

#[test]
fn blocking_work_is_done_elsewhere_and_wakes_its_task() {
    with_client(&Blocking, |port| {
        let mut stream = connect(port);
        assert_eq!(ask(&mut stream, b"x"), b"other thread");
    });
}

#[test]
fn a_spawned_task_and_an_alarm_need_no_connection() {
    rt::create(CONFIG).expect("a loop");
    let steps = Rc::new(Cell::new(0));
    let (task, alarm) = (steps.clone(), steps.clone());
    rt::spawn(async move { task.set(task.get() + 1) });
    rt::after(20, move || {
        alarm.set(alarm.get() + 10);
        rt::stop();
    });
    rt::run().expect("the loop runs");
    assert_eq!(steps.get(), 11);
}

#[test]
fn a_draining_loop_ends_with_its_last_connection() {
    rt::create(CONFIG).expect("a loop");
    let (listener, port) = listener();
    rt::add_listener(&listener, &Echo, false).expect("listening");
    let client = std::thread::spawn(move || {
        let mut stream = connect(port);
        let answer = ask(&mut stream, b"one");
        let mut end = [0];
        (answer, stream.read(&mut end).expect("closed in good order"))
    });
    fn drain_when_connected() {
        match rt::connections() {
            0 => rt::after(1, drain_when_connected),
            _ => rt::after(50, || {
                rt::remove_listeners();
                rt::drain();
            }),
        }
    }
    rt::after(1, drain_when_connected);
    rt::run().expect("the loop runs");
    assert_eq!(rt::connections(), 0);
    let (answer, end) = client.join().expect("the client");
    assert_eq!((answer.as_slice(), end), (&b"one"[..], 0));
}
