//! Services: servers with their ports, and the addresses of these.

use hickory_proto::op::ResponseCode;
use resolver::{Failure, Resolver, Settings};

use crate::{LONG, resolver, run, settings, until};
use support::dns::Dns;

/// `PRIORITY WEIGHT ADDRESS:PORT` of all.
async fn ask(resolver: &'static Resolver, service: &str) -> Result<Vec<String>, Failure> {
    let found = resolver.services("example", service, LONG).await?;
    let text = |one: &resolver::Service| {
        let address = std::net::SocketAddr::new(one.address, one.port);
        format!("{} {} {address}", one.priority, one.weight)
    };
    Ok(found.all.iter().map(text).collect())
}

#[test]
fn servers_are_found_with_their_addresses() {
    let dns = Dns::zone(&[
        "_http._tcp.example 60 SRV 20 5 8080 backup.example",
        "_http._tcp.example 60 SRV 10 7 80 one.example",
        "_http._tcp.example 60 SRV 10 9 81 two.example",
        "one.example 90 A 10.0.0.1",
        "one.example 90 AAAA 2001:db8::1",
        "two.example 30 CNAME far.example",
        "far.example 90 A 10.0.0.2",
        "backup.example 90 A 10.0.0.3",
    ]);
    run(async move {
        let resolver = resolver(settings(&[&dns]));
        let before = rt::now();
        let found = resolver.services("example.", "http", LONG).await.expect("they are there");
        assert!((before + 30_000..=rt::now() + 30_000).contains(&found.until));
        let all =
            ["10 7 10.0.0.1:80", "10 7 [2001:db8::1]:80", "10 9 10.0.0.2:81", "20 5 10.0.0.3:8080"];
        assert_eq!(ask(resolver, "http").await, Ok(all.map(str::to_owned).to_vec()));
        let count = dns.count();
        // The addresses of servers are those of names, as any others.
        assert_eq!(crate::ask(resolver, "backup.example").await, Ok(vec!["10.0.0.3".to_owned()]));
        assert_eq!(ask(resolver, "_http._tcp").await, ask(resolver, "http").await);
        assert_eq!(dns.count(), count);
        assert_eq!(dns.questions().iter().filter(|text| text.starts_with("SRV")).count(), 1);
        assert_eq!(resolver.last_known_services("example", "http"), Some(found));
    });
}

#[test]
fn a_service_that_is_not_there_or_has_no_servers() {
    let dns = Dns::zone(&[
        "_none._tcp.example 60 SRV 0 0 0 .",
        "_lost._tcp.example 60 SRV 0 0 80 gone.example",
        "a.example 60 SRV 0 0 80 one.example",
        "_plain.example 60 SRV 0 0 81 one.example",
        "one.example 60 A 10.0.0.1",
        "_text._tcp.example 60 A 10.0.0.1",
    ]);
    run(async move {
        let resolver = resolver(settings(&[&dns]));
        for service in ["none", "lost", "other", "text", "a..b", &"x".repeat(63)] {
            assert_eq!(ask(resolver, service).await, Err(Failure::NotFound), "{service}");
        }
        assert_eq!(ask(resolver, "_plain").await, Ok(vec!["0 0 10.0.0.1:81".to_owned()]));
        assert_eq!(resolver.services("", "http", LONG).await, Err(Failure::NotFound));
        assert_eq!(resolver.services("example", "a.", LONG).await, Err(Failure::NotFound));
    });
}

#[test]
fn servers_that_nobody_can_tell_of_are_left_out_for_a_while() {
    let dns = Dns::new(|asked| match &*asked.name() {
        "_http._tcp.example" => vec![asked.with(&[
            "_http._tcp.example 60 SRV 0 0 80 one.example",
            "_http._tcp.example 60 SRV 0 0 80 bad.example",
            "_http._tcp.example 60 SRV 0 0 80 mute.example",
        ])],
        "one.example" => vec![asked.with(&["one.example 60 A 10.0.0.1"])],
        "mute.example" => vec![],
        _ => vec![asked.fails(ResponseCode::ServFail)],
    });
    run(async move {
        let resolver = resolver(Settings { resend_ms: 200, ipv6: false, ..settings(&[&dns]) });
        let before = rt::now();
        let found = resolver.services("example", "http", LONG).await.expect("one is there");
        assert!((before + 10_000..=rt::now() + 10_000).contains(&found.until));
        assert_eq!(ask(resolver, "http").await, Ok(vec!["0 0 10.0.0.1:80".to_owned()]));
        assert_eq!(ask(resolver, "_fails").await, Err(Failure::Server));
        until(|| dns.questions().contains(&"A mute.example".to_owned())).await;
    });
}

#[test]
fn no_more_servers_are_taken_than_there_may_be() {
    let dns = Dns::new(|asked| {
        let (name, kind) = (asked.name(), asked.kind());
        let line = |n: u32| match &*kind {
            "SRV" => format!("{name} 60 SRV {} 0 80 n{}.example", 100 - n, n % 8),
            _ => format!("{name} 60 A 10.0.0.{n}"),
        };
        let records: Vec<String> = (0..40).map(line).collect();
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        vec![asked.with(&records)]
    });
    run(async move {
        let resolver = resolver(Settings { ipv6: false, ..settings(&[&dns]) });
        let found = resolver.services("example", "http", LONG).await.expect("they are there");
        assert_eq!((found.all.len(), found.all[0].priority), (64, 61));
        assert_eq!(dns.count(), 1 + 8);
    });
}
