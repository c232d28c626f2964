//! The search among sites and requests.

use support::compare::{difference, is_deliberate, normalize};
use support::{Answer, Random, answers};

use crate::pair::{Check, Pair, Verdicts, ask};
use crate::rounds::Rounds;
use crate::shrink::{smallest, smallest_text};
use crate::tree::{Node, count, part, render};
use crate::{requests, site, traits};

/// Connections to one site.
const CONNECTIONS: usize = 60;
/// Attempts to make a difference smaller: with running servers, and with new ones.
const TRIES: usize = 600;
const STARTS: usize = 150;

/// Searches for so many rounds.
pub fn search(rounds: u64) {
    let (mut rounds, check) = (Rounds::new(rounds), Check::new());
    while let Some(seed) = rounds.next() {
        let mut random = Random::new(seed, 1);
        let site = site::generate(&mut random);
        let verdicts = verdicts(&check, &site);
        if verdicts.differ() {
            other_verdict(&mut rounds, &check, &site);
        }
        if !verdicts.nginx || !verdicts.rserve {
            continue;
        }
        let pair = Pair::start(&render(&site, 1));
        for _ in 0..CONNECTIONS {
            let sent = requests::connection(&mut random);
            if differ(&pair, &sent).is_some() {
                other_answer(&mut rounds, &check, &pair, &site, &sent);
            }
        }
    }
    rounds.end();
}

fn verdicts(check: &Check, site: &[Node]) -> Verdicts {
    check.verdicts(b"", render(site, 1).as_bytes())
}

fn other_verdict(rounds: &mut Rounds, check: &Check, site: &[Node]) {
    let all: Vec<usize> = (0..count(site)).collect();
    let shows = |kept: &[usize]| verdicts(check, &part(site, kept)).differ();
    let least = part(site, &smallest(&all, &mut { TRIES }, shows));
    let Verdicts { nginx, said, .. } = verdicts(check, &least);
    let text = render(&least, 1);
    let by = if nginx { "nginx" } else { "rserve" };
    let name = format!("search: taken by {by} alone: {}", flat(&text));
    rounds.note(&name, &name, || format!("http {{\n{text}}}\n{said}"));
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What both answered, if it was not the same.
fn differ(pair: &Pair, sent: &[Vec<u8>]) -> Option<[Vec<Answer>; 2]> {
    let bytes = sent.concat();
    let methods: Vec<String> = sent.iter().map(|request| method(request)).collect();
    let methods: Vec<&str> = methods.iter().map(String::as_str).collect();
    let one = |port, dir| {
        let (bytes, closed) = ask(port, &bytes);
        let mut all: Vec<_> = answers(&bytes, &methods)
            .into_iter()
            .map(|answer| {
                let mut answer = normalize(answer, port, dir);
                answer.headers.sort();
                answer
            })
            .collect();
        if !closed {
            all.push(Answer { reason: "and hangs".into(), ..Answer::default() });
        }
        all
    };
    let both = [one(pair.twin.port(), pair.twin.dir()), one(pair.server.port(), pair.server.dir())];
    (both[0] != both[1]).then_some(both)
}

fn method(request: &[u8]) -> String {
    let start = request.iter().position(|byte| !b"\r\n".contains(byte)).unwrap_or(0);
    let word = request[start..].split(|&byte| byte == b' ').next().unwrap_or_default();
    String::from_utf8_lossy(word).into_owned()
}

fn other_answer(rounds: &mut Rounds, check: &Check, pair: &Pair, site: &[Node], sent: &[Vec<u8>]) {
    let shows = |sent: &[Vec<u8>]| differ(pair, sent).is_some();
    let sent = smallest(sent, &mut { TRIES }, shows);
    let Some(both) = differ(pair, &sent) else { return };
    let text = render(site, 1);
    // The same difference is soon met again at the same site.
    if !rounds.is_new(&name(&sent, &both, &flat(&text)), &(form(&both) + &text)) {
        return;
    }
    let sent = shorter(pair, &sent);
    // The site around it, with new servers for each attempt.
    let all: Vec<usize> = (0..count(site)).collect();
    let shows = |kept: &[usize]| {
        let part = part(site, kept);
        let verdicts = verdicts(check, &part);
        let starts = verdicts.nginx && verdicts.rserve && part.iter().any(|n| n.text == "server");
        let now = starts.then(|| differ(&Pair::start(&render(&part, 1)), &sent)).flatten();
        now.is_some_and(|now| form(&now) == form(&both))
    };
    let least = render(&part(site, &smallest(&all, &mut { STARTS }, shows)), 1);
    let pair = Pair::start(&least);
    let sent = shorter(&pair, &sent);
    let Some(both) = differ(&pair, &sent) else { return };
    let form = form(&both) + &least;
    rounds.note(&name(&sent, &both, &flat(&least)), &form, || {
        let sent = String::from_utf8_lossy(&sent.concat()).into_owned();
        format!("http {{\n{least}}}\nsent   {sent:?}\n{}", difference(&both[0], &both[1]))
    });
}

/// The requests with as few bytes as they need for answers of the same statuses.
fn shorter(pair: &Pair, sent: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let (mut sent, mut tries) = (sent.to_vec(), TRIES);
    let wanted = differ(pair, &sent).map(|both| form(&both));
    for at in 0..sent.len() {
        let mut shows = sent.clone();
        sent[at] = smallest_text(&sent[at].clone(), &mut tries, |bytes| {
            shows[at] = bytes.to_vec();
            let both = differ(pair, &shows);
            let meant = |both| is_deliberate(&name(&shows, both, ""));
            both.as_ref().map(form) == wanted && !both.as_ref().is_some_and(meant)
        });
    }
    sent
}

/// What the table of deliberate differences knows it by.
fn name(sent: &[Vec<u8>], both: &[Vec<Answer>; 2], site: &str) -> String {
    let sent = String::from_utf8_lossy(&sent.concat()).into_owned();
    format!("search: {sent:?} {}{} in {site}", traits::of(&sent), form(both))
}

/// What stays the same while a difference gets smaller: statuses, and the names of the fields that
/// only one has.
fn form(both: &[Vec<Answer>; 2]) -> String {
    let statuses = |answers: &[Answer]| {
        let all: Vec<_> = answers.iter().map(|answer| answer.status.to_string()).collect();
        all.join(",")
    };
    let [nginx, rserve] = both;
    let mut text = format!("nginx {} rserve {}", statuses(nginx), statuses(rserve));
    for (theirs, ours) in nginx.iter().zip(rserve) {
        let lacks = |of: &Answer, field: &(String, String)| !of.headers.contains(field);
        let theirs_alone = theirs.headers.iter().filter(|field| lacks(ours, field));
        let ours_alone = ours.headers.iter().filter(|field| lacks(theirs, field));
        theirs_alone.for_each(|(name, _)| text += &format!(" -{name}"));
        ours_alone.for_each(|(name, _)| text += &format!(" +{name}"));
    }
    text
}
