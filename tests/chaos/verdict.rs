//! The judgement: what was acknowledged against what was seen. It knows nothing of servers, sockets or
//! ids; its tests stand in `verdict_tests.rs`.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::ids;
use crate::message::Message;

/// What a publisher knows of a message.
#[derive(Clone, Debug)]
pub struct Posted {
    pub message: Message,
    /// It was answered: from then on it must not be lost.
    pub acked: bool,
    /// How often it may be in the log: once, or as often as it was sent if the server cannot know that
    /// one is the other sent again.
    pub copies: u32,
    /// Where the answer says that it is.
    pub place: Option<u64>,
}

/// What a logical subscriber has seen, over all its connections.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub channels: Vec<u32>,
    /// In the order in which they came, with the place that the id tells, if ids can be compared.
    pub events: Vec<(Option<u64>, Message)>,
    /// Losses that the server has told.
    pub gaps: u32,
    /// The places of what it has told to be lost, without the first and with the last of each.
    pub told: Vec<(u64, u64)>,
    /// What no stream may contain.
    pub malformed: Vec<String>,
    /// It saw the last messages only after a reconnect that nothing had asked for, or never.
    pub stalled: bool,
}

/// The faults, counted: pairs of a message and a subscriber, unless said otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Deliveries that were due.
    pub expected: u64,
    /// Acknowledged and not seen.
    pub lost: u64,
    /// Messages that none of their subscribers has seen; they are among the lost.
    pub never: u64,
    /// Seen more often than they may be in the log.
    pub duplicated: u64,
    /// Behind one that came later at another subscriber, or later from the same publisher.
    pub disordered: u64,
    /// With an id that is not greater than the one before.
    pub backwards: u64,
    /// With another id than the answer to the publisher.
    pub renamed: u64,
    /// Nobody has posted it, or not there.
    pub foreign: u64,
    /// Announced losses.
    pub gaps: u64,
    /// Faults of form.
    pub malformed: u64,
    /// Subscribers.
    pub stalled: u64,
    /// The first few, in words.
    pub examples: Vec<String>,
}

const EXAMPLES: usize = 12;

/// Judges a run. `total`: there is one order over all channels, not only in each.
pub fn judge(posted: &[Posted], seen: &[Seen], total: bool) -> Verdict {
    let mut verdict = Verdict::default();
    let known: HashMap<Message, &Posted> = posted.iter().map(|post| (post.message, post)).collect();
    let mut reached: HashSet<Message> = HashSet::new();
    for (number, subscriber) in seen.iter().enumerate() {
        verdict.one(number, subscriber, &known);
        verdict.succession(number, subscriber, total);
        reached.extend(subscriber.events.iter().map(|(_, message)| *message));
    }
    // One that may be there several times has no one place.
    let once = |message: &Message| known.get(message).is_none_or(|post| post.copies <= 1);
    let subscribed: HashSet<u32> = seen.iter().flat_map(|one| one.channels.clone()).collect();
    let never = |post: &&Posted| {
        let channel = post.message.channel;
        let mut listeners = seen.iter().filter(|one| one.channels.contains(&channel));
        post.acked
            && !reached.contains(&post.message)
            && listeners.any(|one| !one.is_told(post.place))
    };
    verdict.never = posted.iter().filter(never).count() as u64;
    let channels: Vec<Option<u32>> = match total {
        true => vec![None],
        false => subscribed.into_iter().map(Some).collect(),
    };
    for channel in channels {
        verdict.order(seen, channel, &once);
    }
    verdict
}

impl Verdict {
    /// Whether all went as it must.
    pub fn is_clean(&self) -> bool {
        *self == Verdict { expected: self.expected, ..Verdict::default() }
    }

    fn example(&mut self, text: impl FnOnce() -> String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(text());
        }
    }

    /// One subscriber against the log.
    fn one(&mut self, number: usize, subscriber: &Seen, known: &HashMap<Message, &Posted>) {
        let mut times: HashMap<Message, u32> = HashMap::new();
        let mut last = None;
        for &(place, message) in &subscriber.events {
            if place.is_some() && place <= last {
                self.backwards += 1;
                self.example(|| format!("subscriber {number}: {place:?} behind {last:?}"));
            }
            last = place.or(last);
            match known.get(&message) {
                Some(post) if subscriber.channels.contains(&message.channel) => {
                    *times.entry(message).or_default() += 1;
                    let number = |place: Option<u64>| place.map(ids::number);
                    let both = place.is_some() && post.place.is_some() && post.copies <= 1;
                    if both && number(place) != number(post.place) {
                        self.renamed += 1;
                        self.example(|| format!("{message}: {place:?}, published as {post:?}"));
                    }
                }
                _ => {
                    self.foreign += 1;
                    self.example(|| format!("subscriber {number}: {message} is not for it"));
                }
            }
        }
        for post in known.values().filter(|p| subscriber.channels.contains(&p.message.channel)) {
            let seen = times.get(&post.message).copied().unwrap_or(0);
            self.expected += u64::from(post.acked);
            if post.acked && seen == 0 && !subscriber.is_told(post.place) {
                self.lost += 1;
                self.example(|| format!("subscriber {number} has not seen {}", post.message));
            }
            if seen > post.copies {
                self.duplicated += u64::from(seen - post.copies);
                self.example(|| format!("subscriber {number}: {} {seen} times", post.message));
            }
        }
        self.gaps += u64::from(subscriber.gaps);
        self.malformed += subscriber.malformed.len() as u64;
        self.stalled += u64::from(subscriber.stalled);
        for text in &subscriber.malformed {
            self.example(|| format!("subscriber {number}: {text}"));
        }
    }

    /// A publisher posts a message when the one before was answered: so they come.
    fn succession(&mut self, number: usize, subscriber: &Seen, total: bool) {
        let mut newest: HashMap<(u32, Option<u32>), u32> = HashMap::new();
        for message in first_times(subscriber, None) {
            let channel = (!total).then_some(message.channel);
            let newest = newest.entry((message.publisher, channel)).or_insert(message.number);
            if message.number < *newest {
                self.disordered += 1;
                self.example(|| format!("subscriber {number}: {message} behind {newest}"));
            }
            *newest = message.number.max(*newest);
        }
    }

    /// All subscribers against the one who has seen most (of one channel).
    fn order(&mut self, seen: &[Seen], channel: Option<u32>, once: &dyn Fn(&Message) -> bool) {
        let of = |one| first_times(one, channel).into_iter().filter(|message| once(message));
        let all: Vec<Vec<Message>> = seen.iter().map(|one| of(one).collect()).collect();
        let Some(longest) = all.iter().max_by_key(|messages| messages.len()) else { return };
        let places: HashMap<Message, usize> =
            longest.iter().enumerate().map(|(place, message)| (*message, place)).collect();
        for (number, messages) in all.iter().enumerate() {
            let mut newest = 0;
            for message in messages {
                let Some(&place) = places.get(message) else { continue };
                if place < newest {
                    self.disordered += 1;
                    self.example(|| format!("subscriber {number}: {message} in another order"));
                }
                newest = newest.max(place);
            }
        }
    }
}

impl Seen {
    /// Whether the server has told that what was there is lost.
    fn is_told(&self, place: Option<u64>) -> bool {
        place.is_some_and(|place| self.told.iter().any(|(from, to)| *from < place && place <= *to))
    }
}

/// What a subscriber has seen, without what it has seen before.
fn first_times(subscriber: &Seen, channel: Option<u32>) -> Vec<Message> {
    let mut known = HashSet::new();
    let wanted = |m: &Message| channel.is_none_or(|channel| channel == m.channel);
    let messages = subscriber.events.iter().map(|(_, message)| *message);
    messages.filter(|message| wanted(message) && known.insert(*message)).collect()
}

impl fmt::Display for Verdict {
    /// As fields of a JSON object.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = [
            ("expected", self.expected),
            ("lost", self.lost),
            ("never", self.never),
            ("duplicated", self.duplicated),
            ("disordered", self.disordered),
            ("backwards", self.backwards),
            ("renamed", self.renamed),
            ("foreign", self.foreign),
            ("gaps", self.gaps),
            ("malformed", self.malformed),
            ("stalled", self.stalled),
        ];
        let fields = fields.map(|(name, count)| format!("\"{name}\": {count}"));
        f.write_str(&fields.join(", "))
    }
}
