//! On the wire: who counts as having answered, and what is done about those who have not.

use std::collections::HashSet;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, ResponseCode};
use resolver::{Failure, Settings};

use crate::{LONG, ask, resolver, run, settings, until};
use support::dns::{Asked, Dns, Reply};

const TRUE: &[&str] = &["www.example 60 A 10.0.0.1"];
const FORGED: &[&str] = &["www.example 60 A 10.6.6.6"];

fn found() -> Result<Vec<String>, Failure> {
    Ok(vec!["10.0.0.1".to_owned()])
}

/// Of IPv4 only: each name is one question.
fn v4(servers: &[&Dns]) -> Settings {
    Settings { ipv6: false, ..settings(servers) }
}

/// Whoever is silent is given up soon.
fn hasty(servers: &[&Dns]) -> Settings {
    Settings { resend_ms: 200, ..v4(servers) }
}

#[test]
fn what_does_not_fit_into_a_datagram_comes_over_tcp() {
    let dns = Dns::new(|asked| {
        let records: Vec<String> =
            (0..60).map(|n| format!("www.example 60 A 10.0.0.{n}")).collect();
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        vec![if asked.tcp { asked.with(&records) } else { asked.truncated() }]
    });
    run(async move {
        let addresses = ask(resolver(v4(&[&dns])), "www.example").await.expect("they are there");
        assert_eq!(addresses, (0..60).map(|n| format!("10.0.0.{n}")).collect::<Vec<_>>());
        assert_eq!(dns.questions(), ["A www.example", "TCP A www.example"]);
        let ids: HashSet<u16> = dns.asked().iter().map(|asked| asked.message.metadata.id).collect();
        assert_eq!(ids.len(), 2, "each has its own");
    });
}

#[test]
fn over_tcp_an_answer_is_whole_or_none() {
    let worse: &'static [fn(&Asked) -> Vec<Reply>] = &[
        |_| vec![],
        |asked| vec![asked.bytes(vec![])],
        |asked| vec![asked.bytes(vec![0; 65_535])],
        |asked| vec![asked.truncated()],
        |asked| {
            let mut other = asked.empty();
            other.metadata.id ^= 1;
            vec![asked.says(&other)]
        },
    ];
    for worse in worse {
        let bad = Dns::new(|asked| if asked.tcp { worse(asked) } else { vec![asked.truncated()] });
        let good = Dns::new(|asked| vec![asked.with(TRUE)]);
        run(async move {
            let resolver = resolver(v4(&[&bad, &good]));
            assert_eq!(ask(resolver, "www.example").await, found());
            assert_eq!(bad.questions(), ["A www.example", "TCP A www.example"]);
        });
    }
}

/// What somebody sends who does not see the question, or not all of it.
fn forged(asked: &Asked) -> Vec<Reply> {
    let changed = |change: fn(&mut Message)| {
        let bytes = forge(asked);
        let mut message = Message::from_vec(&bytes).expect("a message");
        change(&mut message);
        asked.says(&message)
    };
    let mut cut = forge(asked);
    cut.pop();
    vec![
        asked.with(FORGED).by_another(),
        changed(|message| message.metadata.id = message.metadata.id.wrapping_add(1)),
        changed(|message| message.queries.clear()),
        changed(|message| {
            let twice = message.queries.clone();
            message.add_queries(twice);
        }),
        changed(|message| {
            message.queries[0].set_name("www.example.org.".parse().expect("a name"));
        }),
        changed(|message| {
            message.queries[0].set_query_type(hickory_proto::rr::RecordType::AAAA);
        }),
        asked.says(&asked.message),
        asked.bytes(vec![]),
        asked.bytes(vec![0xff; 12]),
        asked.bytes(vec![0xff; 512]),
        asked.bytes(cut),
        // Longer than any datagram is that a server may send.
        asked.bytes(vec![0; 9000]),
    ]
}

fn forge(asked: &Asked) -> Vec<u8> {
    let mut message = asked.empty();
    message.add_answers(FORGED.iter().map(|text| support::dns::record(text)));
    message.to_vec().expect("a message")
}

#[test]
fn forged_answers_are_dropped_and_the_wait_goes_on() {
    let dns = Dns::new(|asked| {
        let mut all = forged(asked);
        all.push(asked.with(TRUE));
        all
    });
    run(async move {
        assert_eq!(ask(resolver(v4(&[&dns])), "www.example").await, found());
        assert_eq!(dns.count(), 1);
    });
}

#[test]
fn who_tries_out_ids_has_to_begin_again() {
    let dns = Dns::new(|asked| {
        let mut message = asked.empty();
        message.metadata.id ^= 0x5555;
        (0..200).map(|_| asked.says(&message)).collect()
    });
    let good = Dns::new(|asked| vec![asked.with(TRUE)]);
    run(async move {
        // The second one is asked long before the first one's time is over.
        assert_eq!(ask(resolver(v4(&[&dns, &good])), "www.example").await, found());
        assert_eq!((dns.count(), good.count()), (1, 1));
    });
}

#[test]
fn each_question_has_a_port_and_an_id_that_cannot_be_foreseen() {
    let dns = Dns::new(|asked| vec![asked.with(&[&format!("{} 60 A 10.0.0.1", asked.name())])]);
    run(async move {
        let resolver = resolver(v4(&[&dns]));
        for n in 0..40 {
            ask(resolver, &format!("n{n}.example")).await.expect("it is there");
        }
        let all = dns.asked();
        let ports: HashSet<u16> = all.iter().map(|asked| asked.from.port()).collect();
        let ids: HashSet<u16> = all.iter().map(|asked| asked.message.metadata.id).collect();
        // Of 40 drawn out of 28,000, or 65,536, some may be the same by chance, but not many.
        assert!(ports.len() > 30 && ids.len() > 30, "{ports:?} {ids:?}");
        let steps: HashSet<u16> = all
            .windows(2)
            .map(|two| two[1].message.metadata.id.wrapping_sub(two[0].message.metadata.id))
            .collect();
        assert!(steps.len() > 20, "they go up in steps");
    });
}

#[test]
fn a_silent_server_stands_behind_the_others() {
    let (silent, good) = (
        Dns::silent(),
        Dns::new(|asked| vec![asked.with(&[&format!("{} 60 A 10.0.0.1", asked.name())])]),
    );
    run(async move {
        let resolver = resolver(hasty(&[&silent, &good]));
        for n in 0..6 {
            assert_eq!(ask(resolver, &format!("n{n}.example")).await, found());
        }
        assert_eq!((silent.questions(), good.count()), (vec!["A n0.example".to_owned()], 6));
    });
}

#[test]
fn servers_take_turns() {
    let answers = || {
        Dns::new(|asked: &Asked| vec![asked.with(&[&format!("{} 60 A 10.0.0.1", asked.name())])])
    };
    let servers = [answers(), answers(), answers()];
    run(async move {
        let resolver = resolver(v4(&[&servers[0], &servers[1], &servers[2]]));
        for n in 0..6 {
            assert_eq!(ask(resolver, &format!("n{n}.example")).await, found());
        }
        assert_eq!(servers.each_ref().map(Dns::count), [2, 2, 2]);
    });
}

#[test]
fn a_server_that_does_not_know_is_not_the_last_to_be_asked() {
    for code in
        [ResponseCode::ServFail, ResponseCode::Refused, ResponseCode::NotImp, ResponseCode::FormErr]
    {
        let bad = Dns::new(move |asked| vec![asked.fails(code)]);
        let good = Dns::new(|asked| vec![asked.with(TRUE)]);
        run(async move {
            let resolver = resolver(v4(&[&bad, &good]));
            assert_eq!(ask(resolver, "www.example").await, found());
            assert_eq!((bad.count(), good.count()), (1, 1));
        });
    }
    // Where one says that it does not know, and the other nothing, that is what is known.
    let (bad, silent) = (Dns::new(|asked| vec![asked.fails(ResponseCode::Refused)]), Dns::silent());
    run(async move {
        let resolver = resolver(hasty(&[&bad, &silent]));
        assert_eq!(ask(resolver, "www.example").await, Err(Failure::Refused));
        assert_eq!((bad.count(), silent.count()), (1, 1));
    });
    // That there is no such name is known.
    let (gone, good) = (Dns::zone(&[]), Dns::new(|asked| vec![asked.with(TRUE)]));
    run(async move {
        let resolver = resolver(v4(&[&gone, &good]));
        assert_eq!(ask(resolver, "www.example").await, Err(Failure::NotFound));
        assert_eq!((gone.count(), good.count()), (1, 0));
    });
}

#[test]
fn where_nobody_listens_the_next_one_is_asked_at_once() {
    let nobody = UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let good = Dns::new(|asked| vec![asked.with(TRUE)]);
    run(async move {
        let mut both = v4(&[&good]);
        both.servers.insert(0, nobody);
        assert_eq!(ask(resolver(both), "www.example").await, found());
        let alone = Settings { resend_ms: 20, ..Settings::of(vec![nobody]) };
        let resolver = resolver(alone);
        assert_eq!(resolver.addresses("www.example", 200).await, Err(Failure::TimedOut));
    });
}

#[test]
fn silence_is_asked_again_and_ends_with_the_time_of_who_asks() {
    let dns = Dns::silent();
    run(async move {
        let resolver = resolver(hasty(&[&dns]));
        let begun = rt::now();
        assert_eq!(resolver.addresses("www.example", 700).await, Err(Failure::TimedOut));
        assert!(rt::now() - begun >= 690);
        assert!(dns.count() >= 2, "{:?}", dns.questions());
    });
}

/// A server that is slower than the time after which it is asked again.
#[test]
fn a_late_answer_to_the_first_question_counts() {
    let mut before: Option<Asked> = None;
    let dns = Dns::new(move |asked| {
        let reply = before.iter().map(|first| first.with(TRUE)).collect();
        before.get_or_insert_with(|| asked.clone());
        reply
    });
    run(async move {
        assert_eq!(ask(resolver(hasty(&[&dns])), "www.example").await, found());
        assert!(dns.count() >= 2);
    });
}

/// Who has asked did not wait so long; what comes then is remembered.
#[test]
fn an_answer_that_comes_too_late_is_there_for_the_next() {
    let gate = Arc::new(Mutex::new(()));
    let theirs = gate.clone();
    let dns = Dns::new(move |asked| {
        drop(theirs.lock());
        vec![asked.with(TRUE)]
    });
    run(async move {
        let resolver = resolver(v4(&[&dns]));
        {
            let _closed = gate.lock();
            assert_eq!(resolver.addresses("www.example", 30).await, Err(Failure::TimedOut));
        }
        until(|| resolver.last_known("www.example").is_some()).await;
        assert_eq!(ask(resolver, "www.example").await, found());
        assert_eq!(dns.count(), 1);
        // What comes to a socket that is closed is nobody's.
        let first = dns.asked().remove(0);
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let _ = socket.send_to(b"late", first.from);
        assert_eq!(
            resolver.addresses("www.example", LONG).await.map(|found| found.all.len()),
            Ok(1)
        );
    });
}

/// Of two servers one says nothing that fits, and is found out at once, and there is no way to the other.
#[test]
fn who_cannot_be_waited_for_is_not_asked_all_the_time() {
    let dns = Dns::new(|asked| (0..100).map(|_| asked.bytes(vec![0; 12])).collect());
    run(async move {
        let mut servers = hasty(&[&dns]);
        servers.servers.push(([255, 255, 255, 255], 53).into());
        for _ in 0..2 {
            let resolver = resolver(servers.clone());
            let before = dns.count();
            assert_eq!(resolver.addresses("www.example", 700).await, Err(Failure::TimedOut));
            assert!((2..=8).contains(&(dns.count() - before)), "{}", dns.count());
            servers.servers.reverse();
        }
    });
}

/// The loop has as many sockets as it may have: that is said at once, and passes.
#[test]
fn what_cannot_be_asked_at_all_has_failed() {
    let dns = Dns::new(|asked| vec![asked.with(TRUE)]);
    run(async move {
        let resolver = resolver(v4(&[&dns]));
        let mut all = Vec::new();
        while let Ok(pair) = rt::pair() {
            all.push(pair);
        }
        assert_eq!(ask(resolver, "www.example").await, Err(Failure::Server));
        assert_eq!(dns.count(), 0);
        drop(all);
        while ask(resolver, "www.example").await != found() {
            rt::sleep(50).await;
        }
        assert_eq!(dns.count(), 1);
    });
}
