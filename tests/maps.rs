//! `map`, beside nginx: the same maps, the same values.

use support::{Server, Twin, answers, http, raw, start};

#[track_caller]
fn told(port: u16, path: &str, fields: &str) -> String {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n");
    let answers = answers(&raw(port, request.as_bytes()), &[]);
    answers.first().map_or(String::new(), |answer| format!("{} {}", answer.status, answer.text()))
}

const MAPS: &str = r#"
    map $arg_a $plain { default other; one 1; TWO 2; "" none; "with space" spaced; \default literal; 10 ten; }
    map $arg_a $without { one 1; }
    map $arg_a $copied { default $arg_b; one "$arg_b-$arg_c"; two $plain; }
    map "$arg_a:$arg_b" $both { x:y xy; default -; }
    map $arg_a $expression { ~^/a/(\d+)$ a$1; ~*^/B/ b; "~^(?<word>[a-z]+)\.(?<end>[a-z]+)$" "$end of $word"; default -; }
    map $arg_a $site {
        hostnames; default -; example.com exact; *.example.com below; .example.org all; www.* begins;
        www.example.* longer; *.b.example.com deeper; ~^x\. expression;
    }
    map $arg_a $chain { one $second; default -; }
    map $arg_b $second { default second; b $plain; }
    map $arg_a $cycle { default $cycle; one fine; }
    map $arg_a $volatile { volatile; default "$volatile$volatile$volatile"; one fine; }
    map $args $ask { volatile; default $args; }
    server { listen 127.0.0.1:{port};
        location / { return 200 "$plain|$without|$copied|$both|$expression|$site|$chain|$ask"; }
        location /word { return 200 "$expression|$word|$end|$1"; }
        location /cycle { return 200 "[$cycle]"; }
        location /volatile { return 200 "[$volatile]"; }
        location /loop { add_header X-Plain $plain; return 204; }
    }
"#;

fn both() -> (Server, Twin) {
    let server = start!(http(MAPS));
    let twin = Twin::start(http(MAPS), &server);
    (server, twin)
}

#[test]
fn maps_say_the_same_as_nginx() {
    let (server, twin) = both();
    let sources = [
        "",
        "one",
        "ONE",
        "two",
        "Two",
        "three",
        "with%20space",
        "default",
        "\\default",
        "10",
        "x",
        "/a/12",
        "/a/x",
        "/b/c",
        "/B/c",
        "hello.world",
        "Hello.world",
        "example.com",
        "EXAMPLE.com",
        "example.com.",
        "a.example.com",
        "a.b.example.com",
        ".example.com",
        "example.org",
        "a.example.org",
        "www.x",
        "www.example.net",
        "www.",
        "x.y",
        "www.example.com",
        "%C3%A4",
        "a..example.com",
        "b.example.com",
    ];
    for a in sources {
        for rest in ["", "&b=y", "&b=b&c=d"] {
            for path in ["/", "/word", "/loop"] {
                let path = format!("{path}?a={a}{rest}");
                assert_eq!(told(server.port(), &path, ""), told(twin.port(), &path, ""), "{path}");
            }
        }
    }
    assert_eq!(
        told(server.port(), "/word?a=hello.world", ""),
        "200 world of hello|hello|world|hello"
    );
}

#[test]
fn one_that_is_made_of_itself_ends() {
    let (server, twin) = both();
    for a in ["one", "two"] {
        let path = format!("/cycle?a={a}");
        let (ours, theirs) = (told(server.port(), &path, ""), told(twin.port(), &path, ""));
        assert!(
            ours == theirs || theirs.is_empty() || theirs.starts_with("500"),
            "{ours} {theirs}"
        );
    }
    // By many ways: they are not all gone.
    assert_eq!(told(server.port(), "/volatile?a=two", ""), "200 []");
    assert_eq!(told(server.port(), "/volatile?a=one", ""), "200 [fine]");
    server.wait_for("the log", || server.error_log().contains("cycle while evaluating variable"));
    assert_eq!(told(server.port(), "/?a=one", "").split('|').next(), Some("200 1"));
}

#[test]
fn what_is_wrong_is_explained() {
    for (map, why) in [
        ("map $arg_a x { }", "invalid variable name \"x\""),
        ("map $arg_a $ { }", "invalid variable name \"$\""),
        ("map $arg_a $uri { }", "the duplicate \"uri\" variable"),
        ("map $arg_a $x { a b c; }", "invalid number of the map parameters"),
        ("map $arg_a $x { a; }", "invalid number of the map parameters"),
        ("map $arg_a $x { a 1; A 2; }", "conflicting parameter \"A\""),
        ("map $arg_a $x { default 1; default 2; }", "duplicate default map parameter"),
        ("map $arg_a $x { a $nothing; }", "unknown \"nothing\" variable"),
        ("map $nothing $x { }", "unknown \"nothing\" variable"),
        ("map $arg_a $x { ~( 1; }", "missing closing parenthesis"),
        ("map $arg_a $x { hostnames; *.a 1; *.A 2; }", "conflicting parameter \"*.A\""),
        ("map $arg_a $x { a { } }", "a line of a map"),
    ] {
        let conf = http(&format!("{map} server {{ listen 127.0.0.1:{{port}}; }}"));
        let (_, said) = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail();
        assert!(said.contains(why), "{map}: {said}");
    }
}

#[test]
fn a_million_lines_are_read_from_a_file() {
    let lines: String = (0..1_000_000).map(|n| format!("{n} v{n};\n")).collect();
    let conf = http(
        "map $arg_a $x { include lines; default -; }
         server { listen 127.0.0.1:{port}; return 200 $x; }",
    );
    let start = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf);
    let server = start.file("lines", lines).start();
    for n in [0, 1, 999_999] {
        assert_eq!(told(server.port(), &format!("/?a={n}"), ""), format!("200 v{n}"));
    }
    assert_eq!(told(server.port(), "/?a=1000000", ""), "200 -");
}

/// Of each kind so many that a walk through all of them for each line, or for each request, would never end.
#[test]
fn patterns_of_hosts_are_found_among_many() {
    const MANY: usize = 150_000;
    let line =
        |n: usize| format!("w{n}.com w{n};\n*.s{n}.com s{n};\np{n}.* p{n};\n.b{n}.com b{n};\n");
    let lines: String = (0..MANY).map(line).collect();
    let conf = http(
        "map $arg_a $x { hostnames; include lines; *.com com; p1.* again; default -; }
         server { listen 127.0.0.1:{port}; return 200 $x; }",
    );
    // Where something is there twice, the line says so.
    let start = support::Start::new(env!("CARGO_BIN_EXE_rserve")).file("lines", &lines);
    let (_, said) = start.clone().conf(&conf).fail();
    assert!(said.contains("conflicting parameter \"p1.*\""), "{said}");
    let server = start.conf(conf.replace("p1.* again; ", "")).start();
    for (host, value) in [
        ("w7.com", "w7"),
        ("x.w7.com", "com"),
        ("a.b.s149999.com", "s149999"),
        ("s149999.com", "com"),
        ("p0.org", "p0"),
        ("p0.com", "com"),
        ("b5.com", "b5"),
        ("x.b5.com", "b5"),
        ("nobody.org", "-"),
    ] {
        assert_eq!(
            told(server.port(), &format!("/?a={host}"), ""),
            format!("200 {value}"),
            "{host}"
        );
    }
    // A host of thousands of labels is looked up no more often than a pattern can be long.
    let long = "a.".repeat(1000);
    assert_eq!(told(server.port(), &format!("/?a={long}com"), ""), "200 com");
}
