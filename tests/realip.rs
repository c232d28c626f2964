//! `realip`: who is at the other end, as trusted proxies tell it; beside nginx.

use support::{Answer, Server, Twin, Wire, answers, http, raw, site, start, wait_for};

const FORMAT: &str = "log_format told '$remote_addr|$remote_port|$realip_remote_addr|$status|$uri';
    access_log logs/access.log told buffer=0;";

fn conf(body: &str) -> String {
    http(&format!("{FORMAT} {body}")).replace("access_log logs/access.log combined buffer=0;", "")
}

#[track_caller]
fn both(conf: &str) -> (Server, Twin) {
    let server = start!(conf);
    server.file("html/a", "hello");
    let twin = Twin::start(conf, &server);
    (server, twin)
}

#[track_caller]
fn get(port: u16, path: &str, fields: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n");
    answers(&raw(port, request.as_bytes()), &["GET"]).remove(0)
}

const SAYS: &str =
    "return 200 '$remote_addr|$remote_port|$realip_remote_addr|$proxy_add_x_forwarded_for';";

/// Servers by name, and what they say.
const SERVERS: [(&str, &str); 10] = [
    ("default", "set_real_ip_from 127.0.0.1;"),
    ("xff", "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;"),
    ("lower", "set_real_ip_from 127.0.0.1; real_ip_header x-forwarded-for;"),
    (
        "recursive",
        "set_real_ip_from 127.0.0.0/8; set_real_ip_from 10.0.0.0/8; set_real_ip_from 2001:db8::/32;
         real_ip_header X-Forwarded-For; real_ip_recursive on;",
    ),
    ("own", "set_real_ip_from 127.0.0.1; real_ip_header X-Client; real_ip_recursive on;"),
    ("name", "set_real_ip_from localhost; real_ip_header X-Forwarded-For;"),
    ("other", "set_real_ip_from 10.0.0.1; real_ip_header X-Forwarded-For;"),
    ("unix", "set_real_ip_from unix:; real_ip_header X-Forwarded-For;"),
    ("proxy", "set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;"),
    ("none", ""),
];

/// What clients and proxies say.
const VALUES: [&str; 19] = [
    "1.2.3.4",
    "1.2.3.4:5678",
    "1.2.3.4, 10.0.0.9",
    "1.2.3.4 10.0.0.9",
    "1.2.3.4,10.0.0.9,10.0.0.8:99",
    "9.9.9.9, 1.2.3.4, 10.0.0.9",
    "junk, 10.0.0.9",
    "1.2.3.4, junk",
    "2001:db8::1",
    "[2001:db8::1]:443, [2001:db8::2]",
    "1.1.1.1, [2001:db8::1]:443",
    "::ffff:1.2.3.4",
    "1.2.3.4, 10.0.0.9 , ",
    ",,,",
    "127.0.0.1",
    "1.2.3.4:0",
    "1.2.3.4:99999",
    "unix:",
    "",
];

/// The same fields, addresses without a port out of their brackets.
fn without_brackets(fields: &str) -> String {
    let mut rest = fields;
    let mut text = String::new();
    while let Some((before, behind)) = rest.split_once('[') {
        let Some((address, after)) = behind.split_once(']') else { break };
        let is_bare = !after.starts_with(':') && address.parse::<std::net::Ipv6Addr>().is_ok();
        text +=
            &if is_bare { format!("{before}{address}") } else { format!("{before}[{address}]") };
        rest = after;
    }
    text + rest
}

#[test]
fn the_client_is_the_one_that_it_is_in_nginx() {
    let server = |name: &str, body: &str| {
        format!(
            "server {{ listen 127.0.0.1:{{port}}; server_name {name}; {body} location / {{ {SAYS} }} }}"
        )
    };
    let all: String = SERVERS.iter().map(|(name, body)| server(name, body)).collect();
    let (server, twin) = both(&conf(&all));
    let mut changed = 0;
    for (name, _) in SERVERS {
        for value in VALUES {
            for field in ["X-Real-IP", "X-Forwarded-For", "X-Client"] {
                for fields in [
                    format!("{field}: {value}\r\n"),
                    format!("{field}: 7.7.7.7\r\n{field}: {value}\r\n"),
                    format!("{field}: 10.0.0.7\r\n{field}: {value}\r\n"),
                ] {
                    let ask = |port, fields: &str| {
                        let request = format!(
                            "GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n{fields}\r\n"
                        );
                        let text = answers(&raw(port, request), &["GET"]).remove(0).text();
                        let (who, rest) = text.split_once('|').expect("fields");
                        let (port, rest) = rest.split_once('|').expect("fields");
                        // The port of a connection is chance.
                        let port = if who == "127.0.0.1" { "" } else { port };
                        format!("{who}|{port}|{rest}")
                    };
                    let ours = ask(server.port(), &fields);
                    changed += usize::from(!ours.starts_with("127.0.0.1|"));
                    // The twin takes no brackets without a port: nginx does since 1.27.3.
                    let theirs = ask(twin.port(), &without_brackets(&fields));
                    assert_eq!(without_brackets(&ours), theirs, "{name} with {fields:?}");
                }
            }
        }
    }
    assert!(changed > 100, "{changed}");
}

#[test]
fn rules_logs_and_limits_take_that_client() {
    let body = "limit_req_zone $binary_remote_addr zone=z:1m rate=1r/m;
        map $remote_addr $who { default other; 5.5.5.5 five; }
        server { listen 127.0.0.1:{port}; root html; error_log logs/error.log info;
          set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For; real_ip_recursive on;
          location /rule { allow 5.5.5.5; deny all; alias html/a; }
          location /if { if ($remote_addr = 5.5.5.5) { return 200 yes; } return 200 no; }
          location /limit { limit_req zone=z; alias html/a; }
          location /map { return 200 $who; }
          location /redirected { rewrite .* /inner last; }
          location /inner { set_real_ip_from 5.5.5.5; real_ip_header X-Real-IP; alias html/a; }
          location /asked { auth_request /guard; alias html/a; }
          location = /guard { if ($remote_addr = 5.5.5.5) { return 204; } return 403; }
        }
        server { listen 127.0.0.1:{port2}; root html;
          location /here { set_real_ip_from 127.0.0.1; alias html/a; allow 5.5.5.5; deny all; }
          location /there { alias html/a; }
          location / { error_page 404 /here; }
        }";
    let (server, twin) = both(&conf(body).replace("{dir}", ""));
    for path in
        ["/rule", "/if", "/limit", "/limit", "/map", "/redirected", "/asked", "/limit?again"]
    {
        for who in ["5.5.5.5", "6.6.6.6"] {
            let fields = format!("X-Forwarded-For: {who}\r\nX-Real-IP: 8.8.8.8\r\n");
            let ask = |port| {
                let answer = get(port, path, &fields);
                (answer.status, answer.text().contains("yes"), answer.text().contains("five"))
            };
            assert_eq!(ask(server.port()), ask(twin.port()), "{path} from {who}");
        }
    }
    assert_eq!(get(server.port(), "/rule", "X-Forwarded-For: 5.5.5.5\r\n").status, 200);
    assert_eq!(get(server.port(), "/rule", "").status, 403);
    let log = server.error_log();
    assert!(log.contains("access forbidden by rule, client: 6.6.6.6,"), "{log}");
    assert!(twin.error_log().contains("access forbidden by rule, client: 6.6.6.6,"));
}

#[test]
fn a_location_may_say_it_and_a_connection_keeps_its_peer() {
    let body = format!(
        "server {{ listen 127.0.0.1:{{port}}; root html;
          location /here {{ set_real_ip_from 127.0.0.1; alias html/a; allow 5.5.5.5; deny all; }}
          location /says {{ {SAYS} }}
          location /page {{ set_real_ip_from 127.0.0.1; error_page 404 /here; }}
        }}"
    );
    let (server, twin) = both(&conf(&body));
    for port in [server.port(), twin.port()] {
        let mut wire = Wire::open(port);
        let mut ask = |path: &str, fields: &str| {
            assert!(wire.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n")));
            wire.answer()
        };
        assert_eq!(ask("/here", "X-Real-IP: 5.5.5.5\r\n").status, 200);
        // Nothing of it is left for the next request of the connection.
        assert_eq!(ask("/here", "").status, 403);
        assert!(ask("/says", "X-Real-IP: 5.5.5.5\r\n").text().starts_with("127.0.0.1|"));
        assert_eq!(ask("/page", "X-Real-IP: 5.5.5.5\r\n").status, 404);
        assert_eq!(ask("/here", "X-Real-IP: 6.6.6.6\r\n").status, 403);
    }
    let lines = |log: String| -> Vec<String> {
        let cut = |line: &str| line.split('|').take(1).chain(line.split('|').skip(2)).collect();
        log.lines().map(cut).collect()
    };
    wait_for("the same access log", || lines(server.access_log()) == lines(twin.access_log()));
}

/// Requests of a connection and of connections one behind the other use the same memory.
#[test]
fn what_is_told_of_one_client_is_not_of_the_next() {
    let body = format!(
        "server {{ listen 127.0.0.1:{{port}}; http2 on; set_real_ip_from 127.0.0.1; location / {{ {SAYS} }} }}"
    );
    let server = start!(conf(&body));
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        for _ in 0..20 {
            let told = server.curl(&[version, "-H", "X-Real-IP: 5.5.5.5"], "/").text();
            assert!(told.starts_with("5.5.5.5|"), "{version}: {told}");
            // One that goes in the middle of its request.
            let mut wire = server.wire();
            wire.send(
                "GET / HTTP/1.1\r\nHost: x\r\nX-Real-IP: 6.6.6.6\r\nContent-Length: 9\r\n\r\n",
            );
            drop(wire);
            let own = server.curl(&[version], "/").text();
            assert!(own.starts_with("127.0.0.1|"), "{version}: {own}");
        }
    }
}

#[test]
fn the_proxy_protocol_tells_it_too() {
    let body = format!(
        "server {{ listen 127.0.0.1:{{port}} proxy_protocol; server_name localhost;
          set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol; location / {{ {SAYS} }} }}
         server {{ listen 127.0.0.1:{{port2}} proxy_protocol; server_name localhost;
          real_ip_header proxy_protocol; location / {{ {SAYS} }} }}"
    );
    let conf = conf(&body);
    let server = start!(&conf);
    let twin = Twin::start(&conf, &server);
    for header in
        ["PROXY TCP4 9.8.7.6 1.1.1.1 4321 80\r\n", "PROXY TCP6 2001:db8::5 ::1 4321 80\r\n"]
    {
        let request =
            format!("{header}GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let ask = |port| answers(&raw(port, request.as_bytes()), &["GET"]).remove(0).text();
        let ours = ask(server.port());
        assert!(ours.contains("|4321|127.0.0.1|"), "{ours}");
        assert_eq!(ours, ask(twin.port()));
        // Who is not trusted is not believed.
        assert!(ask(server.port2()).starts_with("127.0.0.1|"));
    }
    let request = "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let ask = |port| answers(&raw(port, request), &["GET"]).remove(0).text();
    assert!(ask(server.port()).starts_with("127.0.0.1|"));
    assert!(ask(twin.port()).starts_with("127.0.0.1|"));
}

#[test]
fn faults_are_told_as_nginx_tells_them() {
    for (line, message) in [
        (
            "set_real_ip_from no.such.host.invalid;",
            "host not found in set_real_ip_from \"no.such.host.invalid\"",
        ),
        ("set_real_ip_from 10.0.0.0/33;", "host not found in set_real_ip_from \"10.0.0.0/33\""),
        ("real_ip_header a; real_ip_header b;", "\"real_ip_header\" directive is duplicate"),
        ("real_ip_recursive yes;", "it must be \"on\" or \"off\""),
    ] {
        let (_, said) = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(site(line)).fail();
        assert!(said.contains(message), "{line}: {said}");
    }
}
