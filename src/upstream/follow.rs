//! Groups follow what DNS says of their servers: in each worker, through what all of them know, so that of all one asks.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use module::Process;

use crate::group::Group;
use crate::source::Source;

/// The groups that have something to follow.
#[derive(Default)]
pub struct Following {
    groups: RefCell<Vec<Rc<Group>>>,
}

impl Following {
    /// Another one, if it has.
    pub fn add(&self, group: &Rc<Group>) {
        if !group.sources.is_empty() {
            self.groups.borrow_mut().push(group.clone());
        }
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.groups.borrow().is_empty()
    }
}

impl Process for Following {
    fn started(&'static self) -> Result<(), String> {
        for group in &*self.groups.borrow() {
            for number in 0..group.sources.len() {
                rt::spawn(follow(group.clone(), number));
            }
        }
        Ok(())
    }
}

/// As long as the worker is there for new clients.
async fn follow(group: Rc<Group>, number: usize) {
    let source = &group.sources[number];
    let mut follow = pin!(async {
        loop {
            look(&group, source).await;
            source.pause().await;
        }
    });
    poll_fn(|cx| match rt::draining() {
        true => Poll::Ready(()),
        false => follow.as_mut().poll(cx),
    })
    .await;
}

async fn look(group: &Group, source: &Source) {
    if let Some(servers) = source.ask().await {
        group.set(source.at, servers);
    }
}

/// Waits until a request can be given to somebody. Where nobody is known, it has names asked for again, and waits for what comes
/// of that.
pub async fn ready(group: &Group) {
    if group.sources.is_empty() || !waits(group) {
        return;
    }
    let looks = group.sources.iter().map(|source| look(group, source));
    let mut looks: Vec<Pin<Box<_>>> = looks.map(Box::pin).collect();
    poll_fn(|cx| {
        looks.retain_mut(|look| look.as_mut().poll(cx).is_pending());
        match looks.is_empty() || !waits(group) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

/// Whether there is nobody; or only those who stand behind others, of whom nothing was heard yet.
fn waits(group: &Group) -> bool {
    let peers = group.peers();
    let is_new = || group.sources.iter().any(Source::is_new);
    peers.range(false).is_empty() && (peers.all().is_empty() || is_new())
}
