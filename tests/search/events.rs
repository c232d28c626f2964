//! The search among event streams: the same publishers and readers at nchan and at rserve.
//!
//! What is left out of the plans, because it is different on purpose: readers that come back when
//! more has gone than is kept (rserve tells them of a gap, and keeps more for the first seconds), ended
//! channels (`event: end`, then 204), the order between channels (nchan has none), newcomers to several
//! channels that do not begin with the oldest of all (nchan counts for each channel, and may give `newest`
//! an old one), newcomers to empty channels by `-2` (the second is not subscribed at all), readers
//! that come back without having had an event (rserve tells them their place at once).

use support::{Random, Server, Twin};

use crate::event_run::Run;
use crate::places::one;
use crate::rounds::Rounds;
use crate::shrink::smallest;

/// What happens, one after the other.
#[derive(Clone, Debug)]
pub enum Step {
    /// To a channel, with a type.
    Publish(usize, String, &'static str),
    /// A reader, of these channels, comes; with the last id that it has had, if it has been there.
    Open(usize, usize),
    Close(usize),
}

pub const CHANNELS: usize = 2;
pub const READERS: usize = 3;
/// What a reader reads.
pub const READS: [&[usize]; 3] = [&[0], &[1], &[0, 1]];
/// Attempts to make a plan smaller.
const TRIES: usize = 30;
const HISTORIES: [usize; 3] = [2, 3, 100];
/// Where a newcomer begins: how rserve and how nchan say it, and how many events it gets.
pub const STARTS: [(&str, &str, usize); 3] =
    [("newest", "newest", 0), ("oldest", "oldest", usize::MAX), ("2", "-2", 2)];

const RSERVE: &str = "sse_subscribe $channel; sse_split on; sse_publish $channel; sse_history HISTORY 1h; sse_start START;";
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
pub struct Place {
    pub history: usize,
    pub start: usize,
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
        .map(|(port, nchan)| Run::new(port, nchan, place, run).all(steps))
}
