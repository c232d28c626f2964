//! `geo` and `split_clients`, beside nginx.

use std::fmt::Write;

use support::{Start, Twin, answers, http, raw, start};

const CONF: &str = r#"
    geo $client { default other; 127.0.0.1 here; 10.0.0.0/8 ten; }
    geo $arg_a $net { default other; 10.0.0.0/8 ten; 10.1.0.0/16 ten-one; 10.1.1.1 host; ::1 six; 2001:db8::/32 docs; 0.0.0.0/1 low; delete 10.2.0.0/16; 10.2.0.0/16 gone; }
    geo $arg_a $bare { 10.0.0.0/8 ten; }
    geo $arg_a $range { ranges; default -; 10.0.0.0-10.0.0.255 a; 10.0.0.10-10.0.0.20 b; 10.0.0.20-10.0.0.20 c; 0.0.0.0-0.0.0.0 zero; 10.1.0.0-10.3.255.255 wide; 10.2.0.0-10.2.255.255 inner; delete 10.0.0.20-10.0.0.20; }
    geo $behind { proxy 127.0.0.0/8; default out; 127.0.0.0/8 proxy; 1.1.1.1 one; 2.2.2.2 two; }
    geo $behind_all { proxy 127.0.0.0/8; proxy 2.2.2.2; proxy_recursive; default out; 127.0.0.0/8 proxy; 1.1.1.1 one; 2.2.2.2 two; }
    split_clients "${arg_a}x" $half { 50% first; 50% second; }
    split_clients $arg_a $some { 0.5% tiny; 33.33% third; .17% spot; * ""; }
    split_clients $arg_a $few { 10% few; }
    server { listen 127.0.0.1:{port};
        location / { return 200 "$client|$net|$bare|$range|$behind|$behind_all|$half|$some|$few"; } }
"#;

#[test]
fn values_are_those_of_nginx() {
    let server = start!(http(CONF));
    let twin = Twin::start(http(CONF), &server);
    let told = |port: u16, address: &str, forwarded: &str| {
        let request = format!(
            "GET /?a={address} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{forwarded}\r\n"
        );
        answers(&raw(port, request.as_bytes()), &[]).first().map(|answer| answer.text())
    };
    let mut addresses: Vec<String> = [
        "",
        "10.0.0.0",
        "10.0.0.9",
        "10.0.0.10",
        "10.0.0.20",
        "10.0.0.21",
        "10.0.0.255",
        "10.0.1.0",
        "10.1.1.1",
        "10.1.1.2",
        "10.2.5.5",
        "10.3.0.0",
        "10.4.0.0",
        "200.0.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "::1",
        "2001:db8::5",
        "::ffff:10.1.1.1",
        "nonsense",
        "10.1",
        "10.1.1.1.1",
        "1.2.3.4:80",
    ]
    .map(str::to_owned)
    .to_vec();
    addresses.extend((0..200).map(|number| format!("client-{number}")));
    for address in &addresses {
        assert_eq!(told(server.port(), address, ""), told(twin.port(), address, ""), "{address}");
    }
    for list in [
        "1.1.1.1",
        "1.1.1.1, 2.2.2.2",
        "1.1.1.1, 2.2.2.2, 127.0.0.5",
        "x",
        "",
        "1.1.1.1,x",
        "2.2.2.2 1.1.1.1",
    ] {
        let field = format!("X-Forwarded-For: {list}\r\n");
        assert_eq!(told(server.port(), "", &field), told(twin.port(), "", &field), "{list}");
    }
    let two = "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n";
    assert_eq!(told(server.port(), "", two), told(twin.port(), "", two));
}

#[test]
fn ten_thousand_ranges_in_any_order() {
    let mut ranges = String::from("ranges; default -;");
    for number in 0..10_000_u32 {
        // Each once, but none behind the one before.
        let at = number * 7919 % 10_000;
        let (high, low) = (at / 256, at % 256);
        let _ = write!(ranges, " 10.{high}.{low}.0-10.{high}.{low}.199 v{at};");
    }
    let server = start!(http(&format!(
        "geo $arg_a $v {{ {ranges} }} server {{ listen 127.0.0.1:{{port}}; return 200 $v; }}"
    )));
    for (address, expected) in
        [("10.0.0.0", "v0"), ("10.0.1.199", "v1"), ("10.39.15.5", "v9999"), ("10.0.1.200", "-")]
    {
        assert_eq!(server.get(&format!("/?a={address}")).text(), expected, "{address}");
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (block, why) in [
        ("geo $x { 10.0.0.0/33 a; }", "invalid network \"10.0.0.0/33\""),
        ("geo $x { 10.0.0.0/8 a b; }", "invalid number of the geo parameters"),
        ("geo $x { 1.1.1.1 a; ranges; }", "the \"ranges\" directive must be the first directive"),
        ("geo $x { ranges; 1.1.1.1 a; }", "invalid range \"1.1.1.1\""),
        ("geo $x { ranges; 1.1.1.2-1.1.1.1 a; }", "invalid range"),
        (
            "geo $x { ranges; 1.1.1.1-1.1.1.3 a; 1.1.1.2-1.1.1.5 b; }",
            "overlaps \"1.1.1.1-1.1.1.3\"",
        ),
        ("geo $x { proxy x; }", "invalid network \"x\""),
        ("geo x { }", "invalid variable name \"x\""),
        ("geo $nowhere $x { }", "unknown \"nowhere\" variable"),
        ("split_clients a $x { 50% a; 51% b; }", "percent total is greater than 100%"),
        ("split_clients a $x { 0% a; }", "invalid percent value \"0%\""),
        ("split_clients a $x { 1% a b; }", "invalid number of parameters"),
        ("split_clients a $uri { 1% a; }", "the duplicate \"uri\" variable"),
    ] {
        let conf = http(&format!("{block} server {{ listen 127.0.0.1:{{port}}; }}"));
        let (status, said) = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail();
        assert!(status != 0 && said.contains(why), "{block}: {said}");
    }
}
