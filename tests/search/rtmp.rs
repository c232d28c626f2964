//! The search among sessions of live streams: the same clients at nginx-rtmp and at rserve.
//!
//! What is left out of the plans, because it is different on purpose: unknown applications (refused, not
//! cut off), access rules (told), times (a player's begin at zero), connections that break (the stream
//! waits for its publisher).

use support::{Random, Server, Start, Twin};

use crate::places::one;
use crate::rounds::Rounds;
use crate::rtmp_session::Session;
use crate::shrink::smallest;

/// What a client does; the first number is the client's.
#[derive(Clone, Debug)]
pub enum Step {
    /// A call on no stream, without or with a name.
    Call(usize, &'static str),
    Publish(usize, &'static str, &'static str),
    Play(usize, &'static str),
    /// Metadata, or a group of frames that begins with headers, in chunks of this size, which is always
    /// the same for a client: nginx-rtmp is lost when it gets smaller.
    Meta(usize),
    Frames(usize, usize),
    /// `closeStream` on its stream, or `deleteStream` of it.
    Close(usize, &'static str),
    Leave(usize),
}

pub const CLIENTS: usize = 3;
const TRIES: usize = 60;

const COMMON: &str =
    "listen 127.0.0.1:{port}; chunk_size 4096; application live { live on; wait_key on; ";

/// Searches for so many rounds.
pub fn search(rounds: u64) {
    let mut rounds = Rounds::new(rounds);
    let conf = |own: &str| format!("rtmp {{ server {{ {COMMON} {own} }} }} }}\n");
    let server = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf("gop_cache off;")).start();
    let module = "load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;\n";
    let events = "events { worker_connections 512; }\n";
    let twin = Twin::start(format!("{module}{events}{}", conf("")), &server);
    let mut run = 0;
    while let Some(seed) = rounds.next() {
        let mut random = Random::new(seed, 4);
        let steps: Vec<Step> = (0..3 + random.below(14)).map(|_| step(&mut random)).collect();
        let mut differ = |steps: &[Step]| {
            run += 1;
            let both = both(&server, &twin, run, steps);
            (both[0] != both[1]).then_some(both)
        };
        if differ(&steps).is_none() {
            continue;
        }
        let steps = smallest(&steps, &mut { TRIES }, |steps| differ(steps).is_some());
        let Some([theirs, ours]) = differ(&steps) else { continue };
        let form: Vec<_> =
            steps.iter().map(|step| format!("{step:?}").replace(char::is_numeric, "")).collect();
        rounds.note(&format!("search rtmp: {steps:?}"), &form.concat(), || {
            let shown = |all: &[String]| all.join("\n       ");
            format!("{steps:#?}\nnginx  {}\nrserve {}", shown(&theirs), shown(&ours))
        });
    }
    rounds.end();
}

fn step(random: &mut Random) -> Step {
    let client = random.below(CLIENTS);
    let name = one(random, &["a", "b", "a?x=y"]);
    match random.below(16) {
        0 => Step::Call(client, one(random, CALLS)),
        1..4 => Step::Publish(client, name, one(random, &["live", "record", "append", "x", ""])),
        4..7 => Step::Play(client, name),
        7 => Step::Meta(client),
        8..13 => Step::Frames(client, [128, 1000, 4096][client]),
        13 | 14 => Step::Close(client, one(random, &["closeStream", "deleteStream"])),
        _ => Step::Leave(client),
    }
}

const CALLS: &[&str] =
    &["createStream", "receiveAudio", "receiveVideo", "pause", "nonsense", "deleteStream"];

fn both(server: &Server, twin: &Twin, run: u32, steps: &[Step]) -> [Vec<String>; 2] {
    let said = |port: u16| {
        let mut session = Session::new(port, run);
        steps.iter().for_each(|step| session.step(step));
        session.said
    };
    std::thread::scope(|scope| {
        // Each waits for its server, most of the time.
        let asked = [twin.port(), server.port()].map(|port| scope.spawn(move || said(port)));
        asked.map(|asked| asked.join().expect("a session"))
    })
}
