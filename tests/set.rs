//! `set`, beside nginx: values that a server and its locations give to variables.

use support::{Server, Twin, answers, http, raw, start};

const CONF: &str = r#"
    map $arg_a $mapped { one mapped-one; default mapped; }
    server { listen 127.0.0.1:{port}; root html;
        set $x server; set $y "$x-$arg_a"; set $Z Upper;
        location / { return 200 "$x|$y|$z|$later|$mapped"; }
        location /inner/ { set $x inner; set $y "$x/$y"; return 200 "$x|$y|$z|$later"; }
        location /inner/more/ { set $later "only here"; return 200 "$x|$y|$z|$later"; }
        location /args { set $args "a=changed&b=2"; return 200 "$args|$arg_a|$arg_b|$query_string|$is_args"; }
        location /mapped { set $mapped "by set"; return 200 "$mapped"; }
        location /twice { set $x 1; set $x "$x$x"; set $x "$x$x"; return 200 $x; }
        location /moved { set $x moved; error_page 404 = @there; return 404; }
        location @there { return 200 "$x|$y"; }
        location ~ ^/group/(?<part>[a-z]+)$ { set $x $part; set $part other; return 200 "$x|$part|$1"; }
        location /long { set $x "$arg_a$arg_a$arg_a$arg_a"; set $y "$x$x$x$x"; return 200 "$y$y$y$y"; }
        location /added { set $x "a$arg_a"; add_header X-X $x; return 204; }
        location ~ ^/newer/(?<x>[a-z]+)$ { return 200 "$x"; }
        location ~ ^/last/(?<x>[a-z]+)$ { set $x "set-$x"; return 200 "$x"; }
        location /kept { set $limit_rate 9k; set $limit_rate "$arg_b"; return 200 "$limit_rate"; }
        location /rate { set $limit_rate 1k; return 200 "$limit_rate"; }
    }
"#;

fn facts(port: u16, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let answers = answers(&raw(port, request.as_bytes()), &[]);
    answers.first().map_or(String::new(), |answer| {
        format!("{} {} {:?}", answer.status, answer.text(), answer.header("X-X"))
    })
}

fn both() -> (Server, Twin) {
    let server = start!(http(CONF));
    let twin = Twin::start(http(CONF), &server);
    (server, twin)
}

#[test]
fn values_are_those_that_nginx_gives() {
    let (server, twin) = both();
    let paths = [
        "/",
        "/inner/",
        "/inner/more/",
        "/args",
        "/mapped",
        "/twice",
        "/moved",
        "/group/abc",
        "/long",
        "/added",
        "/rate",
        "/newer/abc",
        "/last/abc",
        "/kept",
    ];
    for path in paths {
        for args in ["", "?a=one", "?a=%22x%22&b=c"] {
            let path = format!("{path}{args}");
            assert_eq!(facts(server.port(), &path), facts(twin.port(), &path), "{path}");
        }
    }
    // What one request has set is not another's, on one connection too.
    let mut wire = server.wire();
    for (path, told) in
        [("/inner/?a=1", "inner|inner/server-1|Upper|"), ("/?a=2", "server|server-2|Upper||mapped")]
    {
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(wire.answer().text(), told);
    }
}

#[test]
fn what_cannot_be_set_is_refused() {
    for (line, why) in [
        ("set $uri x;", "the duplicate \"uri\" variable"),
        ("set x y;", "invalid variable name \"x\""),
        ("set $ y;", "invalid variable name \"$\""),
        ("set $x $nothing;", "unknown \"nothing\" variable"),
        ("set $x;", "invalid number of arguments in \"set\" directive"),
        ("return 200 $never;", "unknown \"never\" variable"),
    ] {
        let conf = http(&format!("server {{ listen 127.0.0.1:{{port}}; {line} }}"));
        let (_, said) = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail();
        assert!(said.contains(why), "{line}: {said}");
    }
}
