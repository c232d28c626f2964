//! Addresses of names, looked up by threads of their own: a DNS that does not answer keeps only those waiting who have
//! asked it. No other work is behind them, and a worker that drains waits for none of them.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Lookups at once; each has a thread, which ends when no name waits.
const THREADS: usize = 2;
/// Names that are asked for or kept.
const MOST: usize = 128;
/// How long addresses are kept, and how long it is that there are none.
const FOUND: Duration = Duration::from_secs(10);
const FAILED: Duration = Duration::from_secs(1);

/// The addresses of a name, or why there are none.
pub type Found = Result<Vec<SocketAddr>, String>;

/// What looks up, and may take its time.
type Look = dyn Fn(&str, u16) -> Found + Sync;

static LOOKUPS: Lookups = Lookups::new(&by_system);

/// The addresses of a host. One that is written as an address is no name.
pub async fn addresses(host: &str, port: u16) -> Found {
    match host.parse::<IpAddr>() {
        Ok(ip) => Ok(vec![SocketAddr::new(ip, port)]),
        Err(_) => LOOKUPS.ask(host, port, Instant::now())?.await,
    }
}

fn by_system(host: &str, port: u16) -> Found {
    let found = (host, port).to_socket_addrs().map_err(|error| error.to_string())?;
    Ok(found.collect())
}

struct Lookups {
    look: &'static Look,
    state: Mutex<State>,
}

struct State {
    /// In the order in which they were asked for.
    names: Vec<Name>,
    threads: usize,
}

struct Name {
    host: String,
    port: u16,
    stage: Stage,
}

enum Stage {
    /// It belongs to those who ask: when the last of them has gone, it is nobody's.
    Waits(Weak<Question>),
    /// A thread is at it.
    Begun(Arc<Question>),
    /// It is answered; until when that is kept.
    Known(Arc<Question>, Instant),
}

impl Lookups {
    const fn new(look: &'static Look) -> Lookups {
        Lookups { look, state: Mutex::new(State { names: Vec::new(), threads: 0 }) }
    }

    /// Asks for a name, or joins those who have.
    fn ask(&'static self, host: &str, port: u16, now: Instant) -> Result<Asker, String> {
        let mut state = lock(&self.state);
        state.forget(now);
        let mut same = state.names.iter().filter(|name| name.port == port && name.host == host);
        if let Some(question) = same.find_map(|name| name.stage.question()) {
            return Ok(Asker { question, place: None });
        }
        if state.names.len() >= MOST {
            return Err(format!("{MOST} other names are being looked up"));
        }
        if state.threads < THREADS {
            let thread = std::thread::Builder::new().name("lookup".into());
            match thread.spawn(|| self.work()) {
                Ok(_) => state.threads += 1,
                Err(error) if state.threads == 0 => return Err(format!("no thread: {error}")),
                Err(_) => {}
            }
        }
        let question = Arc::<Question>::default();
        let stage = Stage::Waits(Arc::downgrade(&question));
        state.names.push(Name { host: host.to_owned(), port, stage });
        Ok(Asker { question, place: None })
    }

    /// A thread's life.
    fn work(&self) {
        while let Some((host, port, question)) = self.next() {
            let found = (self.look)(&host, port);
            lock(&self.state).answered(&question, if found.is_ok() { FOUND } else { FAILED });
            question.answer(found);
        }
    }

    /// The name that has waited for longest. None: the thread is no more.
    fn next(&self) -> Option<(String, u16, Arc<Question>)> {
        let mut state = lock(&self.state);
        for name in &mut state.names {
            if let Stage::Waits(asked) = &name.stage
                && let Some(question) = asked.upgrade()
            {
                name.stage = Stage::Begun(question.clone());
                return Some((name.host.clone(), name.port, question));
            }
        }
        state.threads -= 1;
        None
    }
}

impl State {
    /// Lets go of what nobody waits for and what is too old; what is kept yields to what is asked for.
    fn forget(&mut self, now: Instant) {
        self.names.retain(|name| match &name.stage {
            Stage::Waits(asked) => asked.strong_count() > 0,
            Stage::Begun(_) => true,
            Stage::Known(_, until) => now < *until,
        });
        if self.names.len() >= MOST {
            self.names.retain(|name| !matches!(name.stage, Stage::Known(..)));
        }
    }

    fn answered(&mut self, question: &Arc<Question>, kept: Duration) {
        let is_it =
            |stage: &Stage| matches!(stage, Stage::Begun(one) if Arc::ptr_eq(one, question));
        if let Some(name) = self.names.iter_mut().find(|name| is_it(&name.stage)) {
            name.stage = Stage::Known(question.clone(), Instant::now() + kept);
        }
    }
}

impl Stage {
    fn question(&self) -> Option<Arc<Question>> {
        match self {
            Stage::Waits(asked) => asked.upgrade(),
            Stage::Begun(question) | Stage::Known(question, _) => Some(question.clone()),
        }
    }
}

/// What all who ask for a name at a time wait for.
#[derive(Default)]
struct Question(Mutex<Answer>);

#[derive(Default)]
struct Answer {
    found: Option<Found>,
    wakers: Vec<Waker>,
}

impl Question {
    fn answer(&self, found: Found) {
        let mut answer = lock(&self.0);
        answer.found = Some(found);
        let wakers = std::mem::take(&mut answer.wakers);
        drop(answer);
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// One of those who ask.
struct Asker {
    question: Arc<Question>,
    /// Of its waker.
    place: Option<usize>,
}

impl Future for Asker {
    type Output = Found;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Found> {
        let Asker { question, place } = &mut *self;
        let mut answer = lock(&question.0);
        if let Some(found) = &answer.found {
            return Poll::Ready(found.clone());
        }
        let waker = cx.waker().clone();
        match place.and_then(|at| answer.wakers.get_mut(at)) {
            Some(known) => *known = waker,
            None => {
                *place = Some(answer.wakers.len());
                answer.wakers.push(waker);
            }
        }
        Poll::Pending
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
