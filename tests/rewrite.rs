//! `rewrite`, `if`, `return`, `break` and `limit_except`, beside nginx.

use support::{Server, Twin, answers, http, raw, start};

const CONF: &str = r#"
    server { listen 127.0.0.1:{port}; server_name one.example; root html; rewrite_log on;
        rewrite ^/server/(.*)$ /found/$1;
        rewrite ^/server-last/(.*)$ /found/$1 last;
        rewrite ^/server-twice/(.*)$ /server-then/$1;
        rewrite ^/server-then/(.*)$ /found/twice-$1;
        rewrite ^/server-redirect/(.*)$ /there/$1 redirect;
        rewrite ^/server-break/(.*)$ /aliased/$1 break;
        if ($arg_server = yes) { return 200 "server says yes to $arg_name\n"; }
        if ($arg_moved) { rewrite ^ /found/moved?by=if last; }
        location / { return 200 "root $uri $args\n"; }
        location /found/ { return 200 "found $uri ? $args | $request_uri | $is_args\n"; }
        location /last/ { rewrite ^/last/(.*)$ /found/$1 last; return 200 "not reached\n"; }
        location /next/ { rewrite ^/next/(.*)$ /found/$1; return 200 "reached $uri\n"; }
        location /next2/ { rewrite ^/next2/(.*)$ /found/$1; set $x 1; }
        location /stopped/ { rewrite ^/stopped/(.*)$ /found/$1; break; return 200 "no\n"; }
        location /break/ { rewrite ^/break/(.*)$ /files/$1 break; return 200 "no\n"; }
        location /args/ { rewrite ^/args/(.*)$ /found/$1?a=$1&b=2 last; }
        location /noargs/ { rewrite ^/noargs/(.*)$ /found/$1? last; }
        location /newargs/ { rewrite ^/newargs/(.*)$ /found/$1?c=$1? last; }
        location /redirect/ { rewrite ^/redirect/(.*)$ /there/$1 redirect; }
        location /permanent/ { rewrite ^/permanent/(.*)$ /there/$1?x=$1 permanent; }
        location /permanent-bare/ { rewrite ^/permanent-bare/(.*)$ /there/$1? permanent; }
        location /url/ { rewrite ^/url/(.*)$ http://other.example/$1; return 200 "no\n"; }
        location /urls/ { rewrite ^/urls/(.*)$ https://other.example/$1?q=$1 last; }
        location /scheme/ { rewrite ^/scheme/(?<rest>.*)$ $scheme://$host/$rest permanent; }
        location /uri/ { rewrite ^ $uri?copy=$uri last; }
        location /cycle/ { rewrite ^/cycle/(.*)$ /cycle/x$1 last; }
        location /empty/ { rewrite ^/empty/(.*)$ $arg_none last; }
        location /internal/ { internal; return 200 "internal $uri\n"; }
        location /to-internal/ { rewrite ^ /internal/x last; }
        location /aliased/ { alias html/files/; }
        location /alias-broken/ { alias html/files/; rewrite ^/alias-broken/(.*)$ /alias-broken/$1 break; }
        location /caseless { if ($uri ~* ^/CASELESS/(.+)$) { return 200 "got $1\n"; } return 200 "none\n"; }
        location /not { if ($uri !~ "/x$") { return 200 "not x\n"; } return 200 "x\n"; }
        location /nots { if ($uri !~* /X$) { return 200 "not x\n"; } return 200 "x\n"; }
        location /equal { if ($arg_a = "a b") { return 200 "equal\n"; } if ($arg_a != $arg_b) { return 200 "different\n"; } return 200 "same\n"; }
        location /true { if ($arg_a) { return 200 "true\n"; } return 200 "false\n"; }
        location /file/ { if (-f $document_root$arg_p) { return 200 "file\n"; } if (-d $document_root$arg_p) { return 200 "dir\n"; }
            if (!-e $document_root$arg_p) { return 200 "nothing\n"; } return 200 "else\n"; }
        location /exec/ { if (-x $document_root$arg_p) { return 200 "exec\n"; } if (!-x $document_root$arg_p) { return 200 "no exec\n"; } }
        location /spaced { if ( $arg_a = 1 ) { return 200 "one\n"; } return 200 "other\n"; }
        location /header { add_header X-Outer outer; if ($arg_a) { add_header X-Inner $arg_a; } return 204; }
        location /files/ { add_header X-Outer outer; if ($arg_a) { add_header X-Inner $arg_a; } if ($arg_b) { add_header X-Second b; } }
        location /branch/ { error_page 404 /found/404; if ($arg_a) { error_page 404 = /found/inner; } if ($arg_root) { root html/files; } }
        location /type/ { default_type text/plain; if ($arg_a) { root html/files; } if ($arg_b) { return 404; } }
        location /tried/ { try_files /files/one.txt =404; if ($arg_a) { set $x y; } }
        location /nested/ { if ($arg_a) { set $seen "outer"; } location /nested/in/ { return 200 "in $seen\n"; } return 200 "out $seen\n"; }
        location /groups { if ($uri ~ "^/groups/([a-z]+)/(?<second>[a-z]+)") { set $one $1; } return 200 "$one $second $2\n"; }
        location /last-in-if { if ($arg_a) { rewrite ^ /found/if last; } return 200 "no\n"; }
        location /break-in-if { if ($arg_a) { break; } return 200 "no break\n"; }
        location /limited { limit_except GET POST { deny all; } return 200 "returned\n"; }
        location /limited-files/ { alias html/files/; limit_except GET { deny all; } }
        location /limited-all { limit_except OPTIONS { allow all; } }
        location /text { return 200; }
        location /teapot { return 418 "I am $arg_a"; }
        location /quiet { uninitialized_variable_warn off; return 200 "$later\n"; }
        location /later { set $later 1; }
        location @named { limit_except GET { deny all; } }
        location /to-named { error_page 404 = @named; return 404; }
        location /page { error_page 403 = /found/page; if ($arg_a) { return 403; } deny all; }
        location ~ ^/rx/(?<part>[^/]+)/(.*)$ { rewrite ^/rx/([^/]+)/(.*)$ /found/$2/$1/$part? last; }
        location /denied-by-if/ { if ($arg_a) { return 403 "no $arg_a"; } alias html/files/; }
        location /rate { if ($arg_a) { limit_rate 100k; } return 200 "$limit_rate\n"; }
    }
    server { listen 127.0.0.1:{port}; server_name two.example; return 301 https://$host$request_uri; location / { return 200 never; } }
    server { listen 127.0.0.1:{port}; server_name three.example; if ($host ~ "^(?<sub>three)") { set $who $sub; } if (-d html/files) { set $dir yes; }
        break; return 200 "no"; location / { return 200 "$who $dir\n"; } }
"#;

const PATHS: &[&str] = &[
    "/",
    "/server/x",
    "/server/a%20b",
    "/server-last/x?q=1",
    "/server-twice/x",
    "/server-redirect/x?y=1",
    "/server-break/one.txt",
    "/?server=yes&name=me",
    "/?moved=1",
    "/last/x",
    "/last/a%3Fb",
    "/next/x",
    "/next2/x",
    "/stopped/x",
    "/break/one.txt",
    "/break/none",
    "/args/x",
    "/args/x?y=z",
    "/args/a%20b%26c?y",
    "/args/a+b",
    "/noargs/x?a=b",
    "/newargs/x?a=b",
    "/redirect/x",
    "/redirect/a%20b?c=d",
    "/redirect/a%3fb",
    "/redirect/%e4%20%25",
    "/redirect/a+b",
    "/permanent/x?y=z",
    "/permanent/a%26b?y",
    "/permanent-bare/x?y",
    "/url/x?y=z",
    "/url/a%20b%c3",
    "/urls/x?y=z",
    "/scheme/x/y",
    "/scheme/a%20b%41",
    "/uri/x",
    "/cycle/",
    "/empty/x",
    "/internal/x",
    "/to-internal/",
    "/aliased/one.txt",
    "/alias-broken/one.txt",
    "/caseless/abc",
    "/caseless",
    "/not/x",
    "/not/y",
    "/nots/x",
    "/nots/y",
    "/equal?a=a%20b",
    "/equal?a=1&b=2",
    "/equal?a=1&b=1",
    "/equal",
    "/true",
    "/true?a=0",
    "/true?a=00",
    "/true?a=",
    "/true?a=1",
    "/file/?p=/files/one.txt",
    "/file/?p=/files",
    "/file/?p=/none",
    "/file/?p=/files/one.txt/x",
    "/exec/?p=/files/one.txt",
    "/exec/?p=/files",
    "/exec/?p=/none",
    "/spaced?a=1",
    "/spaced?a=2",
    "/header",
    "/header?a=1",
    "/files/one.txt",
    "/files/one.txt?a=1",
    "/files/one.txt?a=1&b=2",
    "/files/one.txt?b=2",
    "/branch/none",
    "/branch/none?a=1",
    "/branch/none?root=1",
    "/branch/one.txt?root=1",
    "/type/none?b=1",
    "/tried/x",
    "/tried/x?a=1",
    "/nested/x?a=1",
    "/nested/in/x?a=1",
    "/groups/abc/def",
    "/groups/1",
    "/last-in-if",
    "/last-in-if?a=1",
    "/break-in-if",
    "/break-in-if?a=1",
    "/limited",
    "/limited-files/one.txt",
    "/limited-all",
    "/text",
    "/teapot?a=tea",
    "/quiet",
    "/later",
    "/to-named",
    "/page",
    "/page?a=1",
    "/rx/a/b",
    "/rx/a%2fb/c",
    "/denied-by-if/one.txt",
    "/denied-by-if/one.txt?a=1",
    "/rate",
    "/rate?a=1",
    "//server//x",
    "/last/../last/x",
];

fn both() -> (Server, Twin) {
    let server = start!(http(CONF));
    let twin = Twin::start(http(CONF), &server);
    for dir in [server.dir(), twin.dir()] {
        std::fs::create_dir_all(dir.path("html/files/branch")).expect("a directory");
        std::fs::write(dir.path("html/files/one.txt"), "one\n").expect("a file");
        std::fs::write(dir.path("html/files/branch/one.txt"), "branch one\n").expect("a file");
    }
    (server, twin)
}

/// What counts of an answer.
fn facts(port: u16, method: &str, host: &str, path: &str) -> String {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let answers = answers(&raw(port, request.as_bytes()), &[]);
    answers.first().map_or(String::new(), |answer| {
        let mut text = format!("{} {}", answer.status, answer.text().replace("nginx/", "rserve/"));
        for name in ["Location", "Content-Type", "X-Outer", "X-Inner", "X-Second"] {
            text.push_str(&format!(" {name}={:?}", answer.header(name)));
        }
        text.replace(&port.to_string(), "PORT")
    })
}

/// The servers name themselves differently on their pages.
fn unnamed(text: &str) -> String {
    match (text.find("<hr><center>"), text.find("</center>\r\n</body>")) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &text[..from], &text[to..]),
        _ => text.to_owned(),
    }
}

#[test]
fn requests_go_where_nginx_sends_them() {
    let (server, twin) = both();
    for host in ["one.example", "two.example", "three.example"] {
        for path in PATHS {
            for method in ["GET", "POST", "HEAD", "OPTIONS", "BREW"] {
                let ours = unnamed(&facts(server.port(), method, host, path));
                let theirs = unnamed(&facts(twin.port(), method, host, path));
                assert_eq!(ours, theirs, "{method} {host}{path}");
            }
        }
    }
}

#[test]
fn what_matches_is_logged_where_that_is_asked_for() {
    let conf = r#"
        error_log logs/error.log notice;
        server { listen 127.0.0.1:{port};
            location /a { rewrite_log on; if ($arg_x ~ "b(.)") { rewrite ^/a(.*)$ /c$1?d=$arg_x last; } return 204; }
            location /c { rewrite ^ http://x.example/$uri; }
            location /r { rewrite_log on; rewrite ^/r/(.*)$ /c/$1 permanent; } }
    "#;
    let server = start!(http(conf));
    let twin = Twin::start(http(conf), &server);
    let lines = |log: String| -> Vec<String> {
        let lines = log.lines().filter(|line| line.contains("[notice]") && line.contains('*'));
        lines
            .filter_map(|line| Some(line.split_once("] ")?.1.split_once(' ')?.1.to_owned()))
            .collect()
    };
    for path in ["/a/x", "/a/x?x=abc", "/r/x%20y?z", "/c"] {
        assert_eq!(server.get(path).status, status(&twin, path), "{path}");
    }
    let said = |text: Vec<String>| -> Vec<String> {
        text.iter()
            .filter_map(|line| Some(line.split_once(' ')?.1.split(", client").next()?.to_owned()))
            .collect()
    };
    assert_eq!(said(lines(server.error_log())), said(lines(twin.error_log())));
}

#[test]
fn an_expression_that_gives_up_lets_nobody_through() {
    let server = start!(http(
        r#"server { listen 127.0.0.1:{port};
            location /if { if ($uri ~ "^/if/(?:a|b|ab)*c$") { return 403; } return 200 open; }
            location /not { if ($uri !~ "^/not/(?:a|b|ab)*c$") { return 403; } return 200 open; }
            location /rewrite { rewrite "^/rewrite/(?:a|b|ab)*c$" /x; return 200 open; } }"#
    ));
    for start in ["/if/", "/not/", "/rewrite/"] {
        let path = format!("{start}{}cx", "ab".repeat(3500));
        let answers = answers(&server.raw(format!("GET {path} HTTP/1.0\r\n\r\n")), &[]);
        assert_eq!(answers[0].status, 500, "{start}");
    }
    assert!(server.error_log().contains("[alert]"), "{}", server.error_log());
}

#[test]
fn what_is_captured_makes_no_lines_of_a_head_and_leads_nowhere_else() {
    let server = start!(http(
        r#"server { listen 127.0.0.1:{port}; root html;
            location /to/ { rewrite ^/to/(.*)$ /there/$1 redirect; }
            location /host/ { rewrite ^/host/(.*)$ http://x.example/$1 permanent; }
            location /said/ { if ($uri ~ "^/said/((?s).*)$") { return 302 /x$1; } }
            location /up/ { rewrite ^/up/(.*)$ /down/$1/$arg_x break; } }"#
    ));
    std::fs::create_dir_all(server.path("html/down/x")).expect("a directory");
    std::fs::write(server.path("secret"), "secret").expect("a file");
    for path in
        ["/to/a%0d%0aX-Evil:%20yes", "/host/a%0aX-Evil:%20yes", "/said/a%0d%0aX-Evil:%20yes"]
    {
        let answer = server.raw(format!("GET {path} HTTP/1.0\r\n\r\n"));
        let text = String::from_utf8_lossy(&answer).to_lowercase();
        assert!(!text.contains("\nx-evil"), "{path}: {text}");
    }
    for path in ["/up/..%2f..%2fsecret", "/up/x?x=../../../secret", "/up/../../secret"] {
        let answer = server.raw(format!("GET {path} HTTP/1.0\r\n\r\n"));
        assert!(!String::from_utf8_lossy(&answer).contains("secret\n"), "{path}");
        assert!(!answer.ends_with(b"secret"), "{path}: {}", String::from_utf8_lossy(&answer));
    }
}

fn status(twin: &Twin, path: &str) -> u16 {
    answers(&raw(twin.port(), format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()), &[])[0].status
}

/// Whoever makes a location's answer makes it in its branches, too.
#[test]
fn a_branch_has_its_locations_content() {
    let conf = r#"
        server { listen 127.0.0.1:{port}; root html;
            location = /status { stub_status; if ($arg_a) { add_header X-Branch yes; } }
            location = /pixel { empty_gif; if ($arg_a) { add_header X-Branch yes; } }
            location /any/ { random_index on; if ($arg_a) { add_header X-Branch yes; } }
            location /flv/ { alias html/; flv; if ($arg_a) { add_header X-Branch yes; } }
            location /dirs/ { alias html/; autoindex on; if ($arg_a) { add_header X-Branch yes; } }
            location /closed/ { alias html/; deny all; if ($arg_a) { add_header X-Branch yes; } } }
    "#;
    let server = start!(http(conf));
    server.file("html/any/one", "one");
    server.file("html/film.flv", "0123456789abcdef");
    let twin = Twin::start(http(conf), &server);
    for path in
        ["/status", "/pixel", "/any/", "/flv/film.flv?start=5", "/dirs/", "/closed/film.flv"]
    {
        for args in ["", "a=1"] {
            let path = format!("{path}{}{args}", if path.contains('?') { "&" } else { "?" });
            let told = |port: u16| {
                let answer = raw(port, format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes());
                let answer = answers(&answer, &[]).remove(0);
                let count = if path.starts_with("/status") { 0 } else { answer.body.len() };
                (
                    answer.status,
                    answer.header("X-Branch").map(str::to_owned),
                    answer.header("ETag").map(str::to_owned),
                    if answer.status == 200 { count } else { 0 },
                )
            };
            assert_eq!(told(server.port()), told(twin.port()), "{path}");
        }
    }
    let events = start!(http(
        r#"sse_zone z 1m; server { listen 127.0.0.1:{port};
            location /pub { sse_publish c; if ($arg_a) { add_header X-Branch yes; } } }"#
    ));
    let published = events.curl(&["-d", "event"], "/pub?a=1");
    assert!(published.status < 300, "{}", published.status);
}
