//! Several peers: who gets how many requests, beside nginx; and what all workers know of them.

use support::{Server, Twin, free_port, http, start};

use crate::origin::Origin;

fn origins(count: usize) -> Vec<Origin> {
    let number = |number: usize| {
        Origin::start(move |exchange| {
            exchange.body();
            exchange.answer("200 OK", "", number.to_string())
        })
    };
    (0..count).map(number).collect()
}

fn block(origins: &[Origin], options: &[&str], method: &str) -> String {
    let servers = origins.iter().zip(options);
    let servers =
        servers.map(|(origin, options)| format!("server 127.0.0.1:{} {options};", origin.port));
    format!("upstream group {{ {method} {} zone group 256k; }}", servers.collect::<String>())
}

fn conf(block: &str) -> String {
    http(&format!(
        "{block} proxy_http_version 1.1; proxy_set_header Connection '';
        server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://group; }} }}"
    ))
}

fn numbers(url: impl Fn(usize) -> String, count: usize) -> String {
    (0..count).map(|at| support::curl(&[&url(at)]).text()).collect()
}

#[test]
fn they_are_chosen_as_nginx_chooses() {
    let origins = origins(3);
    for (method, options) in [
        ("", ["weight=5", "weight=1", "weight=1"]),
        ("", ["", "", "weight=2"]),
        ("", ["down", "", ""]),
        ("", ["backup", "", ""]),
        ("least_conn;", ["weight=3", "", ""]),
        ("ip_hash;", ["", "", ""]),
        ("hash $arg_key;", ["weight=2", "", ""]),
        ("hash $arg_key consistent;", ["", "", ""]),
        ("hash $arg_key consistent;", ["weight=2", "down", ""]),
        ("hash $arg_none;", ["", "", ""]),
    ] {
        let conf = conf(&block(&origins, &options, method));
        let ours = start!(&conf);
        let theirs = Twin::start(&conf, &ours);
        let path = |at: usize| format!("/?key=key-{at}");
        let (ours, theirs) =
            (numbers(|at| ours.url(&path(at)), 30), numbers(|at| theirs.url(&path(at)), 30));
        assert_eq!(ours, theirs, "{method} {options:?}");
    }
}

#[test]
fn wrong_words_are_refused_as_nginx_refuses_them() {
    let refused = |text: &str| {
        let conf = http(&format!("{text} server {{ listen 127.0.0.1:{{port}}; }}"));
        support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail().1
    };
    for (text, words) in [
        ("upstream a { }", "no servers are inside upstream"),
        (
            "upstream a { server 127.0.0.1; } upstream A { server 127.0.0.1; }",
            "duplicate upstream \"a\"",
        ),
        ("upstream a { server 127.0.0.1:99999; }", "invalid port in upstream \"127.0.0.1:99999\""),
        ("upstream a { server 127.0.0.1 weight=0; }", "invalid parameter \"weight=0\""),
        ("upstream a { server 127.0.0.1 nonsense; }", "invalid parameter \"nonsense\""),
        (
            "upstream a { server no-such-host.invalid; }",
            "host not found in upstream \"no-such-host.invalid\"",
        ),
        (
            "upstream a { hash; server 127.0.0.1; }",
            "invalid number of arguments in \"hash\" directive",
        ),
        ("upstream a { listen 80; server 127.0.0.1; }", "\"listen\" directive is not allowed here"),
    ] {
        let told = refused(text);
        assert!(told.contains(words), "{text}\n{told}");
    }
    for (text, words) in [
        ("proxy_pass ftp://a;", "invalid URL prefix"),
        ("proxy_pass http://;", "no host in upstream"),
        ("proxy_pass http://no-such-host.invalid;", "host not found in upstream"),
        (
            "proxy_pass http://127.0.0.1; proxy_pass http://127.0.0.1;",
            "\"proxy_pass\" directive is duplicate",
        ),
        ("proxy_pass http://127.0.0.1; proxy_buffers 1 4k;", "there must be at least 2 buffers"),
        ("proxy_pass http://127.0.0.1; proxy_next_upstream what;", "invalid value \"what\""),
        (
            "proxy_pass http://127.0.0.1; proxy_busy_buffers_size 1k;",
            "\"proxy_busy_buffers_size\" must be equal to or greater than",
        ),
        (
            "if ($host) { proxy_pass http://127.0.0.1/x; }",
            "\"proxy_pass\" cannot have URI part in location",
        ),
        (
            "proxy_pass http://127.0.0.1; proxy_cookie_flags a nonsense;",
            "invalid parameter \"nonsense\"",
        ),
    ] {
        let conf =
            http(&format!("server {{ listen 127.0.0.1:{{port}}; location / {{ {text} }} }}"));
        let told = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail().1;
        assert!(told.contains(words), "{text}\n{told}");
    }
}

/// Where variables lead is written in the configuration: a client chooses among upstreams, and reaches nothing else.
#[test]
fn variables_lead_to_upstreams_alone() {
    let origins = origins(2);
    let server = start!(http(&format!(
        "upstream one {{ server 127.0.0.1:{0}; }} upstream two {{ server 127.0.0.1:{1}; }}
        server {{ listen 127.0.0.1:{{port}}; location / {{ proxy_pass http://$arg_to; }} }}",
        origins[0].port, origins[1].port
    )));
    assert_eq!(server.get("/?to=one").text(), "0");
    assert_eq!(server.get("/?to=two").text(), "1");
    for to in [
        &format!("127.0.0.1:{}", origins[0].port)[..],
        "localhost",
        "unix:/tmp/x",
        "",
        "one:80",
        "ONE.",
        "one@two",
        "[::1]:1",
    ] {
        let status = server.get(&format!("/?to={to}")).status;
        assert!(matches!(status, 500 | 502), "{to}: {status}");
    }
    assert_eq!(origins[0].count() + origins[1].count(), 2);
}

fn with_workers(block: &str, workers: usize) -> Server {
    start!(format!("worker_processes {workers}; {}", conf(block)))
}

/// One worker has seen that a peer is out: all know it, also those of the next configuration.
#[test]
fn what_one_worker_has_seen_all_know() {
    let origins = origins(1);
    let dead = free_port();
    let block = format!(
        "upstream group {{ server 127.0.0.1:{}; server 127.0.0.1:{dead} fail_timeout=1h; }}",
        origins[0].port
    );
    let server = with_workers(&block, 4);
    let tries = || server.error_log().matches("connect() failed").count();
    for _ in 0..40 {
        assert_eq!(server.get("/").text(), "0");
    }
    assert_eq!(tries(), 1, "{}", server.error_log());
    let output = server.command(&["-s", "reload"]);
    assert!(output.status.success(), "{output:?}");
    for worker in server.workers().into_iter().take(2) {
        support::process::kill(&[worker]);
    }
    for _ in 0..40 {
        assert_eq!(server.get("/").text(), "0");
    }
    assert_eq!(tries(), 1, "{}", server.error_log());
}

/// The turn is that of all workers together, not of each.
#[test]
fn all_workers_take_turns() {
    let origins = origins(3);
    let server = with_workers(&block(&origins, &["", "", ""], ""), 4);
    let told = numbers(|_| server.url("/"), 30);
    assert_eq!(told, "012".repeat(10));
}
