//! Destinations that variables name: what they reach with a resolver, and what they never do.

use support::dns::{Asked, Dns, Reply, ResponseCode};
use support::{Server, free_port, http, start};

use crate::zone::origin_at;

/// What is served passes on to where `?to=` says.
fn server(dns: &Dns, settings: &str, more: &str) -> Server {
    start!(http(&format!(
        "resolver {} {settings}; {more}
        log_format tries '$upstream_addr|$upstream_status'; access_log logs/tries.log tries buffer=0;
        server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://$arg_to; }}
            location /none {{ resolver_timeout 50ms; proxy_pass http://$arg_to; }} }}",
        dns.address
    )))
}

fn to(server: &Server, to: &str) -> (u16, String) {
    let answer = server.get(&format!("/?to={to}"));
    (answer.status, answer.text())
}

#[test]
fn names_are_found_and_remembered() {
    let dns = Dns::zone(&["one.example 600 A 127.0.0.2", "two.example 600 CNAME one.example"]);
    let origin = origin_at("127.0.0.2", free_port());
    let server = server(&dns, "ipv6=off", "");
    for name in ["one.example", "ONE.example", "one.example.", "two.example"] {
        let found = to(&server, &format!("{name}:{}", origin.port));
        assert_eq!(found, (200, "127.0.0.2".to_owned()), "{name}");
    }
    let hosts = origin.heads();
    assert!(hosts[1].contains(&format!("\r\nHost: ONE.example:{}\r\n", origin.port)), "{hosts:?}");
    assert_eq!(dns.questions(), ["A one.example", "A two.example", "A one.example"]);
}

/// Addresses of both families are tried, whichever of them nobody listens at.
#[test]
fn each_address_is_tried_once() {
    let dns = Dns::zone(&[
        "www.example 600 AAAA 2001:db8::1",
        "www.example 600 A 127.0.0.3",
        "www.example 600 A 127.0.0.2",
        "nobody.example 600 A 127.0.0.3",
        "nobody.example 600 A 127.0.0.4",
    ]);
    let origin = origin_at("127.0.0.2", free_port());
    let server = server(&dns, "", "proxy_connect_timeout 300ms;");
    for _ in 0..12 {
        let found = to(&server, &format!("www.example:{}", origin.port));
        assert_eq!(found, (200, "127.0.0.2".to_owned()), "{}", server.error_log());
    }
    assert_eq!(to(&server, &format!("nobody.example:{}", origin.port)).0, 502);
    let ends_so =
        |first: &str, last: &str| format!("{first}:{0}, {last}:{0}|502, 502\n", origin.port);
    let [one, other] = [ends_so("127.0.0.3", "127.0.0.4"), ends_so("127.0.0.4", "127.0.0.3")];
    server.wait_for("two tries", || {
        let log = server.dir().text("logs/tries.log");
        log.ends_with(&one) || log.ends_with(&other)
    });
    // What one request has seen of them is nothing to the next.
    assert!(!server.error_log().contains("temporarily disabled"), "{}", server.error_log());
}

#[test]
fn what_is_not_found_is_said_in_nginxs_words() {
    let dns = Dns::new(|asked: &Asked| -> Vec<Reply> {
        match &*asked.name() {
            "gone.example" => vec![asked.fails(ResponseCode::NXDomain)],
            "broken.example" => vec![asked.fails(ResponseCode::ServFail)],
            _ => Vec::new(),
        }
    });
    let server = server(&dns, "ipv6=off", "");
    let log = |words: &str| {
        let log = server.error_log();
        assert!(log.contains(words), "{words}\n{log}");
    };
    assert_eq!(to(&server, "gone.example").0, 502);
    log("gone.example could not be resolved (3: Host not found), client: 127.0.0.1");
    assert_eq!(to(&server, "broken.example").0, 502);
    log("broken.example could not be resolved (2: Server failure)");
    assert_eq!(server.get("/none?to=silent.example").status, 502);
    log("silent.example could not be resolved (110: Operation timed out)");
    let long = format!("{0}.{0}.{0}.{0}.{0}", "a".repeat(63));
    assert_eq!(to(&server, &long).0, 502);
    log(&format!("{long} could not be resolved (3: Host not found)"));
}

/// Nobody asks for who has gone.
#[test]
fn a_client_that_goes_is_not_waited_for() {
    let dns = Dns::silent();
    let server = start!(http(&format!(
        "resolver {0} ipv6=off; upstream group {{ server www.example resolve; }}
        log_format tries '$uri $status'; access_log logs/tries.log tries buffer=0;
        server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://$arg_to; }}
            location /group {{ proxy_pass http://group; }} }}",
        dns.address
    )));
    for uri in ["/?to=silent.example", "/group"] {
        let count = dns.count();
        let mut wire = server.wire();
        wire.send(format!("GET {uri} HTTP/1.1\r\nHost: a\r\n\r\n"));
        if uri != "/group" {
            server.wait_for("the question", || dns.count() > count);
        }
        wire.half_close();
        let gone = format!("{} 499\n", uri.split('?').next().unwrap_or_default());
        server.wait_for("the line", || server.dir().text("logs/tries.log").ends_with(&gone));
    }
}

/// A resolver is the word that requests may go anywhere by name or address; nothing else is reached.
#[test]
fn addresses_are_taken_where_names_are() {
    let dns = Dns::zone(&["one.example 600 A 127.0.0.2"]);
    let origin = origin_at("127.0.0.2", free_port());
    let group = format!("upstream one {{ server 127.0.0.2:{}; }}", origin.port);
    let server = server(&dns, "ipv6=off", &group);
    let port = origin.port;
    assert_eq!(to(&server, &format!("127.0.0.2:{port}")).0, 200);
    assert_eq!(to(&server, &format!("[::ffff:127.0.0.2]:{port}")).0, 200);
    // A group goes by its name alone; the same name with a port is one of DNS.
    assert_eq!((to(&server, "one").0, to(&server, "ONE").0), (200, 200));
    assert_eq!(dns.count(), 0, "{:?}", dns.questions());
    assert_eq!(to(&server, "one:80").0, 502);
    assert_eq!(dns.questions(), ["A one"]);
    let count = origin.count();
    for (text, status) in [
        ("unix:/tmp/x", 500),
        ("UNIX:/tmp/x", 500),
        ("", 500),
        (":80", 500),
        ("127.0.0.2:0", 500),
        ("127.0.0.2:65536", 500),
        ("127.0.0.2:8x", 500),
        ("user@127.0.0.2", 500),
        ("user:word@127.0.0.2", 500),
        ("one.example%20", 500),
        ("one%20example", 500),
        ("one.example%00", 500),
        ("[fe80::1%25lo]", 500),
        ("[::1", 500),
        ("ｏｎｅ.example", 500),
        // These are addresses for some, and names for us.
        ("127.2", 502),
        ("2130706434", 502),
        ("0x7f.0.0.2", 502),
        ("..", 502),
        ("one..example", 502),
    ] {
        let answer = server.get(&format!("/?to={text}"));
        assert_eq!(answer.status, status, "{text}\n{}", server.error_log());
    }
    assert_eq!(origin.count(), count);
}

/// Without a resolver, as before: a client chooses among groups.
#[test]
fn locations_have_resolvers_of_their_own() {
    let dns = Dns::zone(&["one.example 600 A 127.0.0.2"]);
    let origin = origin_at("127.0.0.2", free_port());
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}};
            location / {{ proxy_pass http://$arg_to; }}
            location /with {{ resolver {} ipv6=off; proxy_pass http://$arg_to; location /with/in {{ proxy_pass http://$arg_to; }} }} }}",
        dns.address
    )));
    let target = format!("one.example:{}", origin.port);
    assert_eq!(server.get(&format!("/?to={target}")).status, 502);
    assert!(server.error_log().contains("no resolver defined to resolve one.example"));
    assert_eq!(server.get(&format!("/with?to={target}")).status, 200);
    assert_eq!(server.get(&format!("/with/in?to={target}")).status, 200);
}

#[test]
fn wrong_words_are_refused_as_nginx_refuses_them() {
    for (text, words) in [
        ("resolver 127.0.0.1; resolver 127.0.0.1;", "\"resolver\" directive is duplicate"),
        ("resolver valid=1s;", "no name servers defined"),
        ("resolver 127.0.0.1 valid=x;", "invalid parameter: valid=x"),
        ("resolver 127.0.0.1:0;", "invalid port in resolver \"127.0.0.1:0\""),
        ("resolver 127.0.0.1; resolver_timeout x;", "invalid value"),
        (
            "resolver_timeout 1s; resolver_timeout 1s;",
            "\"resolver_timeout\" directive is duplicate",
        ),
        (
            "upstream a { server 127.0.0.1; resolver; }",
            "invalid number of arguments in \"resolver\" directive",
        ),
    ] {
        let conf = http(&format!("{text} server {{ listen 127.0.0.1:{{port}}; }}"));
        let told = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail().1;
        assert!(told.contains(words), "{text}\n{told}");
    }
}
