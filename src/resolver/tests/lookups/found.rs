//! What is found of a name, and what it is called if nothing is.

use hickory_proto::op::ResponseCode;
use resolver::{Failure, Settings};

use crate::{LONG, ask, resolver, run, settings, texts};
use support::dns::Dns;

#[test]
fn both_families_are_found_and_hold_as_long_as_they_say() {
    let dns = Dns::zone(&[
        "www.example 60 A 10.0.0.1",
        "www.example 90 A 10.0.0.2",
        "www.example 120 AAAA 2001:db8::1",
        "brief.example 0 A 10.0.0.3",
    ]);
    run(async move {
        let resolver = resolver(settings(&[&dns]));
        let before = rt::now();
        let found = resolver.addresses("WWW.example.", LONG).await.expect("it is there");
        assert!((before + 60_000..=rt::now() + 60_000).contains(&found.until));
        assert_eq!(texts(Ok(found)), ["10.0.0.1", "10.0.0.2", "2001:db8::1"]);
        let mut questions = dns.questions();
        questions.sort();
        assert_eq!(questions, ["A www.example", "AAAA www.example"]);
        let before = rt::now();
        let found = resolver.addresses("brief.example", LONG).await.expect("it is there");
        assert!((before + 1000..=rt::now() + 1000).contains(&found.until), "a second at least");
    });
}

#[test]
fn settings_say_what_is_asked_for_and_how_long_it_holds() {
    let dns = Dns::zone(&["www.example 60 A 10.0.0.1", "www.example 60 AAAA 2001:db8::1"]);
    run(async move {
        let v4 = resolver(Settings { ipv6: false, ..settings(&[&dns]) });
        assert_eq!(ask(v4, "www.example").await, Ok(vec!["10.0.0.1".to_owned()]));
        let v6 = resolver(Settings { ipv4: false, ..settings(&[&dns]) });
        assert_eq!(ask(v6, "www.example").await, Ok(vec!["2001:db8::1".to_owned()]));
        assert_eq!(dns.questions(), ["A www.example", "AAAA www.example"]);
        let valid = resolver(Settings { valid_ms: Some(7_000), ..settings(&[&dns]) });
        let before = rt::now();
        let found = valid.addresses("www.example", LONG).await.expect("it is there");
        assert!((before + 7_000..=rt::now() + 7_000).contains(&found.until));
    });
}

#[test]
fn names_lead_to_names() {
    let dns = Dns::zone(&[
        "www.example 60 CNAME one.example",
        "one.example 20 CNAME two.example",
        "two.example 90 A 10.0.0.1",
        "two.example 90 AAAA 2001:db8::1",
        "nowhere.example 60 CNAME gone.example",
        "round.example 60 CNAME about.example",
        "about.example 60 CNAME round.example",
        "self.example 60 CNAME self.example",
    ]);
    run(async move {
        let resolver = resolver(settings(&[&dns]));
        let before = rt::now();
        let found = resolver.addresses("www.example", LONG).await.expect("it is there");
        assert!((before + 20_000..=rt::now() + 20_000).contains(&found.until));
        assert_eq!(texts(Ok(found)), ["10.0.0.1", "2001:db8::1"]);
        assert_eq!(dns.count(), 6, "{:?}", dns.questions());
        assert_eq!(ask(resolver, "nowhere.example").await, Err(Failure::NotFound));
        let before = dns.count();
        assert_eq!(ask(resolver, "round.example").await, Err(Failure::Server));
        assert_eq!(ask(resolver, "self.example").await, Err(Failure::Server));
        assert!(dns.count() - before <= 2 * 9, "{:?}", dns.questions());
    });
}

#[test]
fn failures_have_their_words() {
    let dns = Dns::new(|asked| {
        let code = match &*asked.name() {
            "format.example" => ResponseCode::FormErr,
            "server.example" => ResponseCode::ServFail,
            "gone.example" => ResponseCode::NXDomain,
            "unknown.example" => ResponseCode::NotImp,
            "refused.example" => ResponseCode::Refused,
            "odd.example" => ResponseCode::YXRRSet,
            _ => ResponseCode::NoError,
        };
        vec![asked.fails(code)]
    });
    run(async move {
        let resolver = resolver(settings(&[&dns]));
        let cases = [
            ("format.example", "1: Format error", false),
            ("server.example", "2: Server failure", false),
            ("gone.example", "3: Host not found", true),
            ("unknown.example", "4: Unimplemented", false),
            ("refused.example", "5: Operation refused", false),
            ("odd.example", "7: Unknown error", false),
            // It is there, and has no address.
            ("empty.example", "3: Host not found", true),
        ];
        for (name, words, is_final) in cases {
            let why = ask(resolver, name).await.expect_err("nothing is there");
            assert_eq!((&*why.to_string(), why.is_final()), (words, is_final), "{name}");
        }
    });
}

#[test]
fn one_family_serves_when_the_other_does_not_come() {
    let dns = Dns::new(|asked| match (&*asked.name(), &*asked.kind()) {
        ("v4.example", "A") => vec![asked.with(&["v4.example 60 A 10.0.0.1"])],
        ("v6.example", "AAAA") => vec![asked.with(&["v6.example 60 AAAA 2001:db8::1"])],
        ("one.example", "A") => vec![asked.with(&["one.example 60 A 10.0.0.2"])],
        ("one.example", _) => vec![asked.fails(ResponseCode::NXDomain)],
        ("mute.example", "A") => vec![asked.with(&["mute.example 60 A 10.0.0.3"])],
        ("mute.example", _) => vec![],
        ("bad.example", "A") => vec![asked.with(&[])],
        _ => vec![asked.fails(ResponseCode::ServFail)],
    });
    run(async move {
        let resolver = resolver(Settings { resend_ms: 2_000, ..settings(&[&dns]) });
        for (name, address, holds) in [
            // What is missing is asked for again soon.
            ("v4.example", "10.0.0.1", 10_000),
            ("v6.example", "2001:db8::1", 10_000),
            ("mute.example", "10.0.0.3", 10_000),
            // Nothing is missing.
            ("one.example", "10.0.0.2", 60_000),
        ] {
            let before = rt::now();
            let found = resolver.addresses(name, LONG).await.expect("it is there");
            assert!((before + holds..=rt::now() + holds).contains(&found.until), "{name}");
            assert_eq!(texts(Ok(found)), [address]);
        }
        // It may have addresses of the family that nobody could tell of.
        assert_eq!(ask(resolver, "bad.example").await, Err(Failure::Server));
    });
}

#[test]
fn what_is_no_name_is_not_asked_for() {
    let dns = Dns::zone(&[]);
    run(async move {
        let resolver = resolver(settings(&[&dns]));
        for (text, address) in
            [("10.0.0.1", "10.0.0.1"), ("2001:db8::1", "2001:db8::1"), ("[::1]", "::1")]
        {
            let found = resolver.addresses(text, LONG).await.expect("an address");
            assert_eq!(found.until, u64::MAX);
            assert_eq!(texts(Ok(found)), [address]);
        }
        for text in ["", ".", "a..example", &"a".repeat(64), &"a.".repeat(128)] {
            assert_eq!(ask(resolver, text).await, Err(Failure::NotFound), "{text:?}");
        }
        assert_eq!(dns.questions(), [""; 0]);
    });
}
