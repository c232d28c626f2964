use super::*;
use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};

/// What a test must say before a lookup ends.
type Reply = Sender<Found>;

const LONG: Duration = Duration::from_secs(30);

/// Lookups whose DNS is the test.
struct Dns {
    lookups: &'static Lookups,
    asked: Receiver<(String, Reply)>,
}

impl Dns {
    fn new() -> Dns {
        let (tell, asked) = channel();
        let look = move |host: &str, _: u16| {
            let (reply, said) = channel();
            let _ = tell.send((host.to_owned(), reply));
            said.recv().unwrap_or_else(|_| Err("the test is over".to_owned()))
        };
        let lookups = Box::leak(Box::new(Lookups::new(Box::leak(Box::new(look)))));
        Dns { lookups, asked }
    }

    fn ask_at(&self, host: &str, at: Instant) -> Asker {
        self.lookups.ask(host, 80, at).unwrap_or_else(|why| panic!("{host}: {why}"))
    }

    fn ask(&self, host: &str) -> Asker {
        self.ask_at(host, Instant::now())
    }

    /// The lookup that begins next must be this one.
    fn begun(&self, host: &str) -> Reply {
        let (name, reply) = self.asked.recv_timeout(LONG).expect("a lookup");
        assert_eq!(name, host);
        reply
    }

    /// All threads are at names that are not answered.
    fn is_stuck(&self) -> [(Asker, Reply); THREADS] {
        ["stuck-0", "stuck-1"].map(|host| (self.ask(host), self.begun(host)))
    }
}

struct Wake(Sender<()>);

impl std::task::Wake for Wake {
    fn wake(self: Arc<Self>) {
        let _ = self.0.send(());
    }
}

fn polled<T>(future: Pin<&mut impl Future<Output = T>>, wake: &Sender<()>) -> Option<T> {
    let waker = Waker::from(Arc::new(Wake(wake.clone())));
    match future.poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Polls whenever it is woken, until it is ready.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let (mut future, (wake, woken)) = (pin!(future), channel());
    loop {
        if let Some(value) = polled(future.as_mut(), &wake) {
            return value;
        }
        woken.recv_timeout(LONG).expect("the lookup ends");
    }
}

/// What a future gives that has to wait for nothing.
fn now<T>(future: impl Future<Output = T>) -> T {
    polled(pin!(future), &channel().0).expect("it is known")
}

fn found(last: u8) -> Found {
    Ok(vec![SocketAddr::from(([127, 0, 0, last], 80))])
}

#[test]
fn who_asks_for_the_same_name_waits_for_the_same_lookup() {
    let dns = Dns::new();
    let mut all = [dns.ask("a"), dns.ask("a"), dns.ask("a")];
    let reply = dns.begun("a");
    let (wake, woken) = channel();
    for asker in &mut all {
        // A waker is kept once, however often it is polled.
        for _ in 0..2 {
            assert_eq!(polled(pin!(&mut *asker), &wake), None);
        }
    }
    let other = dns.lookups.ask("a", 81, Instant::now());
    drop(dns.begun("a"));
    assert!(wait(other.expect("another port is another question")).is_err());
    reply.send(found(1)).expect("somebody looks");
    for asker in all {
        woken.recv_timeout(LONG).expect("each is woken");
        assert_eq!(now(asker), found(1));
    }
    assert!(woken.try_recv().is_err(), "once");
    assert!(dns.asked.try_recv().is_err(), "nothing else was looked up");
}

#[test]
fn what_was_found_is_kept_and_so_is_that_nothing_was() {
    let dns = Dns::new();
    for (answer, kept) in [(found(1), FOUND), (Err("no such name".to_owned()), FAILED)] {
        let asker = dns.ask("a");
        dns.begun("a").send(answer.clone()).expect("somebody looks");
        assert_eq!(wait(asker), answer);
        let end = Instant::now() + kept;
        assert_eq!(now(dns.ask_at("a", end - kept)), answer);
        let again = dns.ask_at("a", end);
        dns.begun("a").send(found(2)).expect("somebody looks");
        assert_eq!(wait(again), found(2));
        // The next round begins without it.
        lock(&dns.lookups.state).names.clear();
    }
}

#[test]
fn what_nobody_waits_for_is_not_looked_up() {
    let dns = Dns::new();
    let [(first, one), (second, two)] = dns.is_stuck();
    let gone = dns.ask("gone");
    let stays = dns.ask("stays");
    drop(gone);
    // One that a thread is at is joined, though who has asked first has gone.
    drop(second);
    let joined = dns.ask("stuck-1");
    one.send(found(1)).expect("somebody looks");
    assert_eq!(wait(first), found(1));
    dns.begun("stays").send(found(3)).expect("somebody looks");
    assert_eq!(wait(stays), found(3));
    two.send(found(2)).expect("somebody looks");
    assert_eq!(wait(joined), found(2));
    assert!(dns.asked.try_recv().is_err());
}

#[test]
fn so_many_names_wait_and_no_more() {
    let dns = Dns::new();
    let stuck = dns.is_stuck();
    let waiting: Vec<_> = (THREADS..MOST).map(|n| dns.ask(&format!("name-{n}"))).collect();
    let more = |host: &str| dns.lookups.ask(host, 80, Instant::now());
    assert_eq!(more("more").err(), Some(format!("{MOST} other names are being looked up")));
    assert!(more("stuck-0").is_ok() && more("name-9").is_ok(), "these are asked for already");
    drop(waiting);
    assert!(more("more").is_ok(), "those have gone");
    drop(stuck);
}

#[test]
fn what_is_kept_makes_room() {
    let dns = Dns::new();
    for n in 0..=MOST {
        let host = format!("name-{n}");
        let asker = dns.ask(&host);
        dns.begun(&host).send(found(1)).expect("somebody looks");
        assert_eq!(wait(asker), found(1));
    }
    assert!(lock(&dns.lookups.state).names.len() <= MOST);
}

#[test]
fn addresses_are_no_names() {
    for (host, shown) in [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80")] {
        let found = now(addresses(host, 80)).expect("it is there");
        assert_eq!(found.iter().map(SocketAddr::to_string).collect::<Vec<_>>(), [shown]);
    }
    assert!(lock(&LOOKUPS.state).names.is_empty(), "nothing was asked");
}
