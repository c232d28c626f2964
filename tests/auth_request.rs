//! `auth_request`: another location says who is let in; beside nginx where nginx can say the same.

use support::{Answer, Server, Twin, answers, http, raw, start};

#[track_caller]
fn asked(port: u16, method: &str, path: &str, fields: &str) -> Answer {
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n");
    let mut answers = answers(&raw(port, request.as_bytes()), &[method]);
    assert_eq!(answers.len(), 1, "{method} {path}");
    answers.remove(0)
}

/// `/N/` is guarded by a location whose answer has the status N.
const GUARDS: &str = r#"
    auth_request_set $kept "$user";
    server { listen 127.0.0.1:{port}; server_name localhost; root html;
        add_header X-Kept "[$kept]" always;
        location /200/ { alias html/; auth_request /say200; }
        location /201/ { alias html/; auth_request /say201; }
        location /204/ { alias html/; auth_request /say204; }
        location /301/ { alias html/; auth_request /say301; }
        location /401/ { alias html/; auth_request /say401; }
        location /403/ { alias html/; auth_request /say403; }
        location /404/ { alias html/; auth_request /say404; }
        location /500/ { alias html/; auth_request /say500; }
        location /444/ { alias html/; auth_request /say444; }
        location /file/ { alias html/; auth_request /file.txt; }
        location /gone/ { alias html/; auth_request /nothing.txt; }
        location /off/ { alias html/; auth_request off; }
        location /query/ { alias html/; auth_request "/say200?x=1"; }
        location /page/ { alias html/; auth_request /say401; error_page 401 =200 /file.txt; }
        location /paged/ { alias html/; auth_request /turned; }
        location /any/in/ { alias html/; satisfy any; deny all; auth_request /say200; }
        location /any/allow/ { alias html/; satisfy any; allow all; auth_request /say401; }
        location /any/out/ { alias html/; satisfy any; deny all; auth_request /say401; }
        location /all/out/ { alias html/; deny all; auth_request /say200; }
        location /all/in/ { alias html/; allow all; auth_request /say200; }
        location /seen/ { alias html/; auth_request /seen;
            auth_request_set $kept "$seen"; }
        location = /say200 { internal; set $user "u-$http_x_name"; return 200 "a body"; }
        location = /say201 { return 201; }
        location = /say204 { set $user n; return 204; }
        location = /say301 { return 301 /x; }
        location = /say401 { set $user nobody; return 401; }
        location = /say403 { return 403; }
        location = /say404 { return 404; }
        location = /say500 { return 500; }
        location = /say444 { return 444; }
        location = /turned { error_page 418 = /say403; return 418; }
        location = /seen {
            set $seen "$request_method|$request_uri|$uri|$args|$http_x_name|$host|$remote_addr";
            return 200;
        }
    }
"#;

fn both(body: &str) -> (Server, Twin) {
    let server = start!(http(body));
    server.file("html/file.txt", "0123456789");
    let twin = Twin::start(http(body), &server);
    (server, twin)
}

#[test]
fn who_is_let_in_is_as_with_nginx() {
    let (server, twin) = both(GUARDS);
    let mut checked = 0;
    for guard in [
        "200",
        "201",
        "204",
        "301",
        "401",
        "403",
        "404",
        "500",
        "file",
        "gone",
        "off",
        "query",
        "page",
        "paged",
        "any/in",
        "any/allow",
        "any/out",
        "all/out",
        "all/in",
        "seen",
    ] {
        for (method, fields) in [
            ("GET", ""),
            ("GET", "X-Name: ada\r\n"),
            ("GET", "Range: bytes=2-3\r\nX-Name: ada\r\n"),
            ("GET", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n"),
            ("GET", "If-None-Match: *\r\nAccept-Encoding: gzip\r\n"),
            ("HEAD", ""),
            ("POST", "Content-Length: 0\r\n"),
        ] {
            let path = format!("/{guard}/file.txt?q=1");
            let told = |port| {
                let answer = asked(port, method, &path, fields);
                let names = ["X-Kept", "X-User", "Content-Range", "Content-Length", "Allow"];
                let kept = names.map(|name| answer.header(name).map(str::to_owned));
                let body = answer.text();
                // Pages of errors name the server.
                let body = if answer.status < 300 { body } else { String::new() };
                let kept = if answer.status < 300 {
                    kept
                } else {
                    [kept[0].clone(), None, None, None, None]
                };
                (answer.status, kept, body)
            };
            assert_eq!(told(server.port()), told(twin.port()), "{method} {path} {fields}");
            checked += 1;
        }
    }
    assert_eq!(checked, 20 * 7);
    server.wait_for("the log", || {
        let log = server.error_log();
        log.contains("auth request unexpected status: 404")
            && log.contains("subrequest: \"/nothing.txt\"")
    });
}

/// nginx's own answer to this is a connection that is closed, or hangs.
#[test]
fn a_guard_that_says_nothing_is_a_fault() {
    let (server, _) = both(GUARDS);
    assert_eq!(asked(server.port(), "GET", "/444/file.txt", "").status, 500);
}

#[test]
fn a_guard_of_a_whole_server_does_not_guard_itself() {
    let body = r#"
        auth_request /say;
        server { listen 127.0.0.1:{port}; root html;
            location = /say { return 200; }
            location = /denied { alias html/file.txt; auth_request /no; }
            location = /no { auth_request /no; return 403; }
        }
    "#;
    let (server, twin) = both(body);
    for (path, status) in [("/file.txt", 200), ("/say", 200), ("/denied", 403), ("/none", 404)] {
        assert_eq!(asked(server.port(), "GET", path, "").status, status, "{path}");
        assert_eq!(asked(twin.port(), "GET", path, "").status, status, "{path}");
    }
}

#[test]
fn a_challenge_reaches_the_client() {
    let body = r#"
        server { listen 127.0.0.1:{port}; root html; auth_request /say;
            location = /say {
                add_header WWW-Authenticate 'Basic realm="a"' always;
                add_header WWW-Authenticate 'Bearer' always;
                return 401;
            }
        }
    "#;
    let server = start!(http(body));
    let answer = asked(server.port(), "GET", "/x", "");
    assert_eq!(answer.status, 401);
    assert_eq!(answer.all("WWW-Authenticate"), ["Basic realm=\"a\"", "Bearer"]);
}

/// As nginx (ngx_http_core_access_phase): with `satisfy any` whoever is let in is not asked who he is, also where somebody
/// has asked before.
#[test]
fn who_is_let_in_sees_no_challenge() {
    let body = r#"
        server { listen 127.0.0.1:{port}; root html;
            location /guarded { auth_request /say; error_page 401 =200 /page; }
            location /kept { auth_request /say; error_page 401 =200 /other; }
            location = /page { satisfy any; allow all; alias html/file.txt; add_header X-Page $uri; }
            location = /other { alias html/file.txt; }
            location = /say { add_header WWW-Authenticate 'Basic realm="a"' always; return 401; }
        }
    "#;
    let server = start!(http(body));
    server.file("html/file.txt", "0123456789");
    let answer = asked(server.port(), "GET", "/guarded", "");
    assert_eq!((answer.status, answer.text()), (200, "0123456789".to_owned()));
    assert_eq!((answer.header("WWW-Authenticate"), answer.header("X-Page")), (None, Some("/page")));
    let answer = asked(server.port(), "GET", "/kept", "");
    assert_eq!(answer.header("WWW-Authenticate"), Some("Basic realm=\"a\""));
}

/// nginx takes the field from a proxied guard alone, and adds none to the answers of subrequests. Here the field of any
/// guard counts.
#[test]
fn fields_of_a_guard_can_be_kept() {
    let body = r#"
        server { listen 127.0.0.1:{port}; root html; auth_request /say;
            auth_request_set $user $sent_http_x_user; add_header X-For $user;
            location = /say { add_header X-User "u-$http_x_name"; return 200; }
        }
    "#;
    let server = start!(http(body));
    server.file("html/file.txt", "0123456789");
    for name in ["ada", "grace"] {
        let answer = asked(server.port(), "GET", "/file.txt", &format!("X-Name: {name}\r\n"));
        assert_eq!(answer.header("X-For"), Some(&*format!("u-{name}")));
        assert_eq!(answer.header("X-User"), None);
    }
}

/// As in nginx: a request and those that are asked on its behalf share what is set.
#[test]
fn what_is_set_is_seen_on_both_sides() {
    let body = r#"
        server { listen 127.0.0.1:{port}; root html;
            location / { set $who "main"; auth_request /say; auth_request_set $heard "$who";
                add_header X-Heard "$heard|$who"; }
            location = /say { set $who "$who, asked"; return 200; }
        }
    "#;
    let (server, twin) = both(body);
    for port in [server.port(), twin.port()] {
        let answer = asked(port, "GET", "/file.txt", "");
        assert_eq!(answer.header("X-Heard"), Some("main, asked|main, asked"));
    }
}

/// A subrequest that must wait: what every worker says of the streams.
#[test]
fn a_guard_may_wait() {
    let conf = r#"
        worker_processes 2;
        rtmp { rtmp_zone 4m; server { listen 127.0.0.1:{port2}; application live { live on; } } }
        http { server { listen 127.0.0.1:{port}; root html;
            location /guarded/ { alias html/; auth_request /stat; }
            location = /stat { internal; rtmp_stat all; }
        } }
    "#;
    let server = start!(conf);
    server.file("html/file.txt", "0123456789");
    for _ in 0..5 {
        assert_eq!(server.get("/guarded/file.txt").text(), "0123456789");
    }
    // Who goes meanwhile is not waited for, and takes nobody along.
    for _ in 0..50 {
        let mut wire = server.wire();
        wire.send("GET /guarded/file.txt HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    assert_eq!(server.get("/guarded/file.txt").status, 200);
}

#[test]
fn what_is_wrong_is_explained() {
    for (text, why) in [
        ("auth_request_set x y;", "invalid variable name \"x\""),
        ("auth_request_set $uri y;", "the duplicate \"uri\" variable"),
        ("auth_request_set $x $nothing;", "unknown \"nothing\" variable"),
        ("auth_request /a; auth_request /b;", "\"auth_request\" directive is duplicate"),
        ("auth_request;", "invalid number of arguments"),
    ] {
        let conf = http(&format!("server {{ listen 127.0.0.1:{{port}}; {text} }}"));
        let (_, said) = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail();
        assert!(said.contains(why), "{text}: {said}");
    }
}
