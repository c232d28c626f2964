//! The search among event streams: the same publishers and readers at nchan and at rserve.
//!
//! What is left out of the plans, because it is different on purpose: readers that come back when
//! more has gone than is kept (rserve tells them of a gap, and keeps more for the first seconds), ended
//! channels (`event: end`, then 204), the order between channels (nchan has none), newcomers to several
//! channels that do not begin with the oldest of all (nchan counts for each channel, and may give `newest`
//! an old one), newcomers to empty channels by `-2` (the second is not subscribed at all), readers
//! that come back without having had an event (rserve tells them their place at once).

use support::{Random, Server, Twin};

use crate::places::one;
use crate::reader::{Reader, comes, events, request, subscribers};
use crate::rounds::Rounds;
use crate::shrink::smallest;

/// What happens, one after the other.
#[derive(Clone, Debug)]
enum Step {
    /// To a channel, with a type.
    Publish(usize, String, &'static str),
    /// A reader, of these channels, comes; with the last id that it has had, if it has been there.
    Open(usize, usize),
    Close(usize),
}

const CHANNELS: usize = 2;
const READERS: usize = 3;
/// What a reader reads.
const READS: [&[usize]; 3] = [&[0], &[1], &[0, 1]];
/// Attempts to make a plan smaller.
const TRIES: usize = 30;
const HISTORIES: [usize; 3] = [2, 3, 100];
/// Where a newcomer begins: how rserve and how nchan say it, and how many events it gets.
const STARTS: [(&str, &str, usize); 3] =
    [("newest", "newest", 0), ("oldest", "oldest", usize::MAX), ("2", "-2", 2)];

const RSERVE: &str =
    "sse_subscribe $channel; sse_publish $channel; sse_history HISTORY 1h; sse_start START;";
const NCHAN: &str = "nchan_pubsub http eventsource; nchan_channel_id $channel; \
    nchan_channel_id_split_delimiter ,; nchan_message_buffer_length HISTORY; nchan_message_timeout 1h; \
    nchan_subscriber_first_message START;";

fn conf(body: &str, rserve: bool) -> String {
    let mut locations = String::new();
    for history in HISTORIES {
        for (ours, theirs, _) in STARTS {
            let start = if rserve { ours } else { theirs };
            let body = body.replace("HISTORY", &history.to_string()).replace("START", start);
            locations +=
                &format!("location ~ ^/{history}/{ours}/(?<channel>[\\w.,-]+)$ {{ {body} }}\n");
        }
    }
    locations
}

/// Searches for so many rounds.
pub fn search(rounds: u64) {
    let mut rounds = Rounds::new(rounds);
    let server = support::start!(format!(
        "http {{ access_log off; sse_zone zone 64m;
        server {{ listen 127.0.0.1:{{port}};\n{} }} }}",
        conf(RSERVE, true)
    ));
    let twin = Twin::start(
        format!(
            "load_module /usr/lib/nginx/modules/ngx_nchan_module.so; master_process on;
            events {{ worker_connections 512; }}
            http {{ access_log off;
            server {{ listen 127.0.0.1:{{port}};\n{}
            location ~ ^/info/(?<channel>[\\w.,-]+)$ {{ nchan_publisher; nchan_channel_id $channel; }}
            }} }}",
            conf(NCHAN, false)
        ),
        &server,
    );
    let mut run = 0;
    while let Some(seed) = rounds.next() {
        let mut random = Random::new(seed, 3);
        let place = Place {
            history: HISTORIES[random.below(HISTORIES.len())],
            start: random.below(STARTS.len()),
        };
        let steps: Vec<Step> = (0..4 + random.below(20)).map(|_| step(&mut random)).collect();
        let mut differ = |steps: &[Step]| {
            run += 1;
            let both = both(&server, &twin, place, run, steps);
            (both[0] != both[1]).then_some(both)
        };
        if differ(&steps).is_none() {
            continue;
        }
        let steps = smallest(&steps, &mut { TRIES }, |steps| differ(steps).is_some());
        let Some([theirs, ours]) = differ(&steps) else { continue };
        let name = format!("search events: {place:?} {steps:?}");
        rounds.note(&name, &name, || {
            let shown = |all: &[String]| all.join("\n       ");
            let steps: Vec<_> = steps.iter().map(|step| format!("       {step:?}\n")).collect();
            let alone = |of: &[String], than: &[String]| -> Vec<String> {
                of.iter().filter(|line| !than.contains(line)).cloned().collect()
            };
            let (theirs, ours) = (alone(&theirs, &ours), alone(&ours, &theirs));
            format!("{}nginx  {}\nrserve {}", steps.concat(), shown(&theirs), shown(&ours))
        });
    }
    rounds.end();
}

/// The location.
#[derive(Clone, Copy, Debug)]
struct Place {
    history: usize,
    start: usize,
}

fn step(random: &mut Random) -> Step {
    match random.below(10) {
        0..6 => {
            let data = one(random, DATA).to_owned();
            Step::Publish(
                random.below(CHANNELS),
                data,
                one(random, &["", "", "", "greeting", "ä b"]),
            )
        }
        6..9 => Step::Open(random.below(READERS), random.below(READS.len())),
        _ => Step::Close(random.below(READERS)),
    }
}

const DATA: &[&str] = &[
    "plain",
    "two\nlines",
    " space before",
    "end\n",
    "\n",
    "a\n\nb",
    "data: x",
    ": comment",
    "id: 7\ndata: y",
    "ä€😀",
    "crlf\r\nline",
    "tab\t",
    "x: ",
    "\"json\": {}",
];

/// What publishers and readers were told by nchan and by rserve.
fn both(
    server: &Server,
    twin: &Twin,
    place: Place,
    run: usize,
    steps: &[Step],
) -> [Vec<String>; 2] {
    [(twin.port(), true), (server.port(), false)]
        .map(|(port, nchan)| Play::new(port, nchan, place, run).all(steps))
}

/// One run of a plan at one server.
struct Play {
    port: u16,
    nchan: bool,
    place: Place,
    run: usize,
    said: Vec<String>,
    /// The marks of what was published to each channel.
    published: [Vec<String>; CHANNELS],
    readers: [Option<Reader>; READERS],
    /// What each read, its last id, and how much had been published to each channel when it left.
    left: [Option<(usize, String, [usize; CHANNELS])>; READERS],
}

impl Play {
    fn new(port: u16, nchan: bool, place: Place, run: usize) -> Play {
        let (said, published) = (Vec::new(), Default::default());
        Play {
            port,
            nchan,
            place,
            run,
            said,
            published,
            readers: Default::default(),
            left: Default::default(),
        }
    }

    fn all(mut self, steps: &[Step]) -> Vec<String> {
        for step in steps {
            match step {
                Step::Publish(channel, data, kind) => self.publish(*channel, data, kind),
                Step::Open(reader, reads) => self.open(*reader, *reads),
                Step::Close(reader) => self.close(*reader),
            }
        }
        // Nothing comes late or twice.
        for channel in 0..CHANNELS {
            self.publish(channel, "the last", "");
        }
        for reader in 0..READERS {
            self.close(reader);
        }
        self.said
    }

    fn name(&self, channel: usize) -> String {
        format!("r{}c{channel}", self.run)
    }

    fn path(&self, channels: &[usize]) -> String {
        let names: Vec<_> = channels.iter().map(|&channel| self.name(channel)).collect();
        format!("/{}/{}/{}", self.place.history, STARTS[self.place.start].0, names.join(","))
    }

    fn publish(&mut self, channel: usize, data: &str, kind: &str) {
        let mark = format!("m{}.{channel}", self.published[channel].len());
        let data = format!("{mark} {data}");
        let kind = if kind.is_empty() {
            String::new()
        } else {
            format!("X-EventSource-Event: {kind}\r\n")
        };
        let (status, _) = request(self.port, "POST", &self.path(&[channel]), &kind, &data);
        self.said.push(format!("{mark}: {status}"));
        self.published[channel].push(mark.clone());
        for reader in self.readers.iter_mut().flatten() {
            if reader.reads.contains(&channel) && !reader.wait_for(&mark) {
                self.said.push(format!("{mark} does not come"));
            }
        }
    }

    fn open(&mut self, number: usize, reads: usize) {
        if self.readers[number].is_some() {
            return;
        }
        let empty = |channel: &usize| self.published[*channel].is_empty();
        if self.left[number].is_none()
            && STARTS[self.place.start].0 == "2"
            && READS[reads].iter().any(empty)
        {
            return;
        }
        // Who comes back reads what it has read.
        let (reads, id, seen) = match self.left[number].take() {
            Some(left) => left,
            // Only from the oldest on it is clear where several channels begin.
            None if STARTS[self.place.start].0 != "oldest" || self.place.history < 100 => {
                (reads % CHANNELS, String::new(), [0; CHANNELS])
            }
            None => (reads, String::new(), [0; CHANNELS]),
        };
        let mut wanted = Vec::new();
        for &channel in READS[reads] {
            let all = &self.published[channel];
            let most = STARTS[self.place.start].2.min(self.place.history);
            let missed = all.len() - seen[channel];
            let count = if id.is_empty() { most.min(all.len()) } else { missed };
            if !id.is_empty() && missed > self.place.history {
                return;
            }
            wanted.extend_from_slice(&all[all.len() - count..]);
        }
        let mut reader = Reader::open(self.port, &self.path(READS[reads]), &id, READS[reads]);
        for mark in wanted {
            if !reader.wait_for(&mark) {
                self.said.push(format!("reader {number} is not given {mark}"));
            }
        }
        reader.number = reads;
        self.readers[number] = Some(reader);
        self.settle(reads);
    }

    fn close(&mut self, number: usize) {
        let Some(reader) = self.readers[number].take() else { return };
        let (events, id) = events(&reader.text());
        for &channel in reader.reads {
            let mine = events.iter().filter(|e| {
                e.data.split(' ').next().is_some_and(|mark| mark.ends_with(&format!(".{channel}")))
            });
            let all: Vec<_> = mine.map(|e| format!("{}={:?}", e.event, e.data)).collect();
            self.said.push(format!("reader {number} of {channel}: {}", all.join(" ")));
        }
        let reads = reader.number;
        drop(reader);
        let seen = [0, 1].map(|channel: usize| self.published[channel].len());
        if !id.is_empty() && !events.is_empty() {
            self.left[number] = Some((reads, id, seen));
        }
        self.settle(reads);
    }

    /// Waits until the server knows who is there: publishers are told.
    fn settle(&mut self, reads: usize) {
        for &channel in READS[reads] {
            let count =
                self.readers.iter().flatten().filter(|r| r.reads.contains(&channel)).count();
            let path = if self.nchan {
                format!("/info/{}", self.name(channel))
            } else {
                self.path(&[channel])
            };
            if !comes(|| subscribers(self.port, &path) == count) {
                self.said.push(format!("not {count} subscribers"));
            }
        }
    }
}
