use std::rc::Rc;

use super::{Asker, Chooser, Claim, Verdict};
use crate::group::Group;
use crate::method::Method;
use crate::peers::Memory;
use crate::points::Points;
use crate::pool::Keepalive;
use crate::server::{Options, Server};

/// Servers `a`, `b`, … with these options, at ports of their own.
fn servers(options: &[Options]) -> Vec<Server> {
    let server = |(port, options): (u16, &Options)| Server {
        name: format!("127.0.0.1:{port}"),
        addresses: vec![sys::socket::Address::Inet(([127, 0, 0, 1], port).into())],
        options: *options,
        sought: None,
    };
    (1..).zip(options).map(server).collect()
}

fn group(options: &[Options], method: impl FnOnce(&[Server]) -> Method) -> Rc<Group> {
    let servers = servers(options);
    let method = method(&servers);
    let memory = Rc::new(Memory::default());
    let group = Group::new("g".into(), &servers, Vec::new(), method, Keepalive::default(), &memory);
    memory.open_here();
    group
}

fn weights(weights: &[u32]) -> Vec<Options> {
    weights.iter().map(|&weight| Options { weight, ..Options::default() }).collect()
}

fn asker(key: &str) -> Asker {
    Asker { ip: None, key: key.as_bytes().to_vec() }
}

fn letter(claim: &Claim) -> char {
    let port =
        claim.peer().name.to_string().rsplit(':').next().and_then(|port| port.parse::<u8>().ok());
    char::from(b'a' - 1 + port.expect("a port"))
}

fn one(group: &Rc<Group>, asker: Asker) -> Option<char> {
    let claim = Chooser::new(group, asker).next()?;
    claim.succeeded();
    Some(letter(&claim))
}

fn several(group: &Rc<Group>, count: usize) -> String {
    (0..count).filter_map(|_| one(group, Asker::default())).collect()
}

#[test]
fn weights_are_spread_smoothly() {
    let group = group(&weights(&[5, 1, 1]), |_| Method::RoundRobin);
    assert_eq!(several(&group, 14), "aabacaaaabacaa");
}

#[test]
fn who_fails_is_out_and_comes_back_step_by_step() {
    let mut options = weights(&[2, 2]);
    options.iter_mut().for_each(|options| (options.max_fails, options.fail_timeout) = (2, 50));
    let group = group(&options, |_| Method::RoundRobin);
    let mut verdicts = Vec::new();
    while verdicts.len() < 2 {
        let claim = Chooser::new(&group, Asker::default()).next().expect("a peer");
        if letter(&claim) == 'a' {
            verdicts.push(claim.failed());
        }
    }
    assert_eq!(verdicts, [Verdict::Stays, Verdict::IsOut]);
    assert_eq!(several(&group, 4), "bbbb");
    let begun = std::time::Instant::now();
    while begun.elapsed().as_millis() < 52 {
        std::thread::yield_now();
    }
    // One request finds out whether it is back; it has lost its weight, and gets it again.
    let back: String = several(&group, 8);
    assert!(back.contains('a'), "{back}");
    assert!(several(&group, 8).matches('a').count() == 4, "all is forgiven");
}

#[test]
fn while_it_is_tried_again_it_is_given_one_request() {
    let mut options = weights(&[1, 1]);
    options.iter_mut().for_each(|options| options.fail_timeout = 0);
    let group = group(&options, |_| Method::RoundRobin);
    let memory = group.memory.clone().expect("it has records");
    let peers = group.peers();
    let known = memory.known(&peers.all()[0]);
    known.fails().set(1);
    known.checked_at().set(0);
    let probe = Chooser::new(&group, Asker::default()).next().expect("a peer");
    assert_eq!(letter(&probe), 'a');
    assert!(known.checked_at().get() > 0);
    probe.succeeded();
    assert_eq!(known.fails().get(), 0, "it has not failed since");
}

#[test]
fn others_serve_where_the_usual_ones_cannot() {
    let mut options = weights(&[1, 1, 1]);
    options[2].backup = true;
    let group = group(&options, |_| Method::RoundRobin);
    let mut chooser = Chooser::new(&group, Asker::default());
    assert_eq!(chooser.tries(), 3);
    let mut tried = String::new();
    while let Some(claim) = chooser.next() {
        claim.failed();
        tried.push(letter(&claim));
    }
    assert_eq!(tried, "abc");
    assert_eq!(one(&group, Asker::default()), None, "all are out");
}

#[test]
fn the_only_one_is_never_spared() {
    let group = group(&weights(&[1]), |_| Method::RoundRobin);
    for _ in 0..3 {
        let claim = Chooser::new(&group, Asker::default()).next().expect("it");
        assert_eq!(claim.failed(), Verdict::Stays);
    }
}

#[test]
fn without_records_each_is_tried_once_in_turn() {
    let [a, b, c] = <[Server; 3]>::try_from(servers(&weights(&[1, 1, 1]))).expect("three");
    let addresses = [a, b, c].into_iter().flat_map(|server| server.addresses).collect();
    let server = Server::of("name".to_owned(), addresses);
    let group = Group::of_request("name".into(), server);
    for _ in 0..2 {
        let mut chooser = Chooser::new(&group, Asker::default());
        assert_eq!(chooser.tries(), 3);
        let mut tried = String::new();
        while let Some(claim) = chooser.next() {
            assert_eq!(claim.failed(), Verdict::Stays);
            assert_eq!(letter(&chooser.again(&claim)), letter(&claim));
            tried.push(letter(&claim));
        }
        assert_eq!(tried, "abc");
    }
}

#[test]
fn nobody_gets_more_requests_than_it_may_have() {
    let mut options = weights(&[1, 1]);
    options.iter_mut().for_each(|options| options.max_conns = 1);
    let group = group(&options, |_| Method::RoundRobin);
    let [first, second] = [(); 2].map(|()| Chooser::new(&group, Asker::default()).next());
    assert!(first.is_some() && second.is_some());
    assert!(Chooser::new(&group, Asker::default()).next().is_none());
    drop(first);
    assert_eq!(several(&group, 3), "aaa");
}

#[test]
fn whoever_has_the_fewest_for_its_weight() {
    let group = group(&weights(&[2, 1]), |_| Method::LeastConn);
    let mut open: Vec<Claim> = Vec::new();
    for _ in 0..6 {
        open.extend(Chooser::new(&group, Asker::default()).next());
    }
    let letters: String = open.iter().map(letter).collect();
    assert_eq!(letters.matches('a').count(), 4, "{letters}");
}

#[test]
fn an_address_stays_where_it_is() {
    let group = group(&weights(&[1, 1, 1]), |_| Method::IpHash);
    let asker = |ip: [u8; 4]| Asker { ip: Some(ip.into()), key: Vec::new() };
    for ip in [[10, 1, 2, 3], [192, 168, 7, 1], [127, 0, 0, 1]] {
        let of_three = (0..3).fold(89, |hash, at| (hash * 113 + u32::from(ip[at])) % 6271) % 3;
        let expected = char::from(b'a' + of_three as u8);
        for last in [1, 77] {
            let ip = [ip[0], ip[1], ip[2], last];
            assert_eq!(one(&group, asker(ip)), Some(expected), "{ip:?}");
        }
    }
}

#[test]
fn a_key_stays_where_it_is() {
    let plain = group(&weights(&[1, 2]), |_| Method::Hash);
    for key in ["a", "some key", "/index.html"] {
        let number = ((crc32fast::hash(key.as_bytes()) >> 16) & 0x7fff) % 3;
        let expected = if number < 1 { 'a' } else { 'b' };
        assert_eq!(one(&plain, asker(key)), Some(expected), "{key}");
    }
    assert_eq!((one(&plain, asker("")), one(&plain, asker(""))), (Some('b'), Some('a')), "in turn");
}

#[test]
fn few_keys_move_when_a_server_goes() {
    let group_of = |down: bool| {
        let mut options = weights(&[1, 1, 1, 1]);
        options[3].down = down;
        group(&options, |servers| Method::Consistent(Points::of(servers)))
    };
    let (all, fewer) = (group_of(false), group_of(true));
    let mut counts = [0; 4];
    for number in 0..400 {
        let key = format!("key {number}");
        let before = one(&all, asker(&key)).expect("a peer");
        let after = one(&fewer, asker(&key)).expect("a peer");
        assert!(before == 'd' || before == after, "{key}: {before} {after}");
        counts[usize::from(before as u8 - b'a')] += 1;
    }
    assert!(counts.iter().all(|&count| count > 50), "{counts:?}");
}

#[test]
fn chance_reaches_everybody_by_weight() {
    let group = group(&weights(&[1, 9]), |_| Method::Random(false));
    let letters = several(&group, 300);
    assert!((1..120).contains(&letters.matches('a').count()), "{letters}");
    let group = group_of_two();
    let busy = Chooser::new(&group, Asker::default()).next().expect("a peer");
    let others = several(&group, 20);
    assert!(!others.contains(letter(&busy)), "the one with fewer requests: {others}");
}

fn group_of_two() -> Rc<Group> {
    group(&weights(&[1, 1]), |_| Method::Random(true))
}
