//! The same requests through nginx and through this server to one origin: what the origin sees, and what the client gets.

use support::{Server, Twin, http, start};

use crate::origin::Origin;

/// What both understand. nginx speaks HTTP/1.0 to its peers if nothing is said.
const COMMON: &str = "proxy_http_version 1.1; proxy_set_header Connection '';";

struct Both {
    origin: Origin,
    ours: Server,
    theirs: Twin,
}

impl Both {
    fn start(body: &str) -> Both {
        Both::with(Origin::echo(), body)
    }

    fn with(origin: Origin, body: &str) -> Both {
        let body = body.replace("ORIGIN", &format!("127.0.0.1:{}", origin.port));
        let conf = http(&format!(
            "upstream backend {{ server 127.0.0.1:{}; }} {COMMON} server {{ listen 127.0.0.1:{{port}}; {body} }}",
            origin.port
        ));
        let ours = start!(&conf);
        let theirs = Twin::start(&conf, &ours);
        Both { origin, ours, theirs }
    }

    /// What comes back of a request, with its lines in an order of their own.
    fn compare(&self, args: &[&str], path: &str) -> String {
        let theirs = support::curl(&[args, &[&self.theirs.url(path)]].concat());
        let ours = self.ours.curl(args, path);
        let told = |answer: &support::Answer, port: u16| {
            let mut fields: Vec<String> = answer
                .headers
                .iter()
                .filter(|(name, _)| !["Date", "Server"].contains(&&name[..]))
                .map(|(name, value)| format!("{name}: {value}"))
                .filter(|line| !line.starts_with("Content-Length"))
                .collect();
            fields.sort();
            let text = answer.text();
            let mut lines: Vec<&str> = text.lines().collect();
            if let Some(rest) = lines.get_mut(1..) {
                rest.sort_unstable();
            }
            let all = format!("{} {fields:?}\n{}", answer.status, lines.join("\n"));
            all.replace(&format!(":{port}"), ":PORT")
        };
        let theirs = told(&theirs, self.theirs.port());
        let ours = told(&ours, self.ours.port());
        assert_eq!(ours, theirs, "{args:?} {path}\n(ours is the first)");
        ours
    }
}

#[test]
fn what_is_asked_for() {
    let both = Both::start(
        "location /plain/ { proxy_pass http://ORIGIN; }
        location /root/ { proxy_pass http://ORIGIN/; }
        location /other { proxy_pass http://ORIGIN/new/place; }
        location /args/ { proxy_pass http://ORIGIN/x?fixed=1; }
        location ~ ^/regex/ { proxy_pass http://ORIGIN; }
        location = /exact { proxy_pass http://ORIGIN/elsewhere; }
        location /named/ { try_files /none @named; }
        location @named { proxy_pass http://backend; }
        location /break/ { rewrite ^/break/(.*) /broken/$1 break; proxy_pass http://ORIGIN/ignored/; }
        location /last/ { rewrite ^/last/(.*) /plain/$1 last; }
        location /set/ { set $args $args&more=1; proxy_pass http://ORIGIN; }
        location /if/ { if ($arg_yes) { proxy_pass http://backend; } return 200 no; }
        location /branch/ { proxy_pass http://backend; if ($arg_yes) { set $x 1; } }
        location /inside/ { proxy_pass http://ORIGIN/base/; if ($arg_yes) { set $x 1; } }
        location /inside_limited/ { proxy_pass http://ORIGIN/base/; limit_except GET { allow all; } }
        location /limited/ { limit_except GET { allow all; } proxy_pass http://backend; }
        location /variable/ { proxy_pass http://backend$request_uri; }
        location /variable_plain/ { set $to backend; proxy_pass http://$to; }
        location /variable_uri/ { set $to backend; proxy_pass http://$to/whole?$args; }
        error_page 404 /error.html; location = /error.html { proxy_pass http://backend; }
        location /none/ { root /nowhere; }",
    );
    for path in [
        "/plain/a/b?c=d&e",
        "/plain/a%20b/%2F/%C3%A4?x=%20",
        "/plain//a/../b/./c",
        "/plain/a%2e%2e/b",
        "/root/a/b?c",
        "/root/a%20b%3F%25/c",
        "/root/",
        "/root//x//y",
        "/root/%41?%41",
        "/other",
        "/other/x?y",
        "/otherx",
        "/args/y?z",
        "/regex/a%20b?c",
        "/exact?a",
        "/named/a%20b?c",
        "/break/a%20b?c",
        "/last/a%20b?c",
        "/set/a%20b?c",
        "/if/x?yes=1",
        "/if/x",
        "/branch/x%20y?yes=1",
        "/limited/x",
        "/inside/x%20y?yes=1",
        "/inside/x%20y?no=1",
        "/inside_limited/x",
        "/variable/a%20b?c",
        "/variable_plain/a%20b?c",
        "/variable_uri/a%20b?c",
        "/none/x?y",
    ] {
        both.compare(&["--path-as-is"], path);
    }
    both.compare(&["-X", "POST", "-d", "a body"], "/limited/x");
    both.compare(&["-X", "POST", "-d", "a body"], "/inside_limited/x");
    assert!(both.origin.count() > 50);
}

#[test]
fn what_is_said() {
    let both = Both::start(
        "location /usual/ { proxy_pass http://backend; }
        location /set/ { proxy_pass http://backend; proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Empty '';
            proxy_set_header X-Port $proxy_port; proxy_set_header Connection ''; proxy_set_header Cookie ''; }
        location /quiet/ { proxy_pass http://backend; proxy_pass_request_headers off; }
        location /bodiless/ { proxy_pass http://backend; proxy_pass_request_body off; proxy_set_header Content-Length ''; proxy_set_header Connection ''; }
        location /own/ { proxy_pass http://backend; proxy_set_body 'own $request_method'; proxy_method PUT; }
        location /old/ { proxy_pass http://backend; proxy_http_version 1.0; proxy_set_header X 1; proxy_set_header Connection ''; }
        location /inner/ { proxy_set_header X-Outer 1; proxy_set_header Connection ''; location /inner/own/ { proxy_set_header X-Inner 1; proxy_set_header Connection ''; proxy_pass http://backend; }
            location /inner/plain/ { proxy_pass http://backend; } }",
    );
    for path in [
        "/usual/",
        "/set/",
        "/quiet/",
        "/bodiless/",
        "/own/",
        "/old/",
        "/inner/own/",
        "/inner/plain/",
    ] {
        both.compare(&[], path);
        both.compare(&["-X", "DELETE"], path);
        both.compare(&["-d", "a=b"], path);
        both.compare(&["-H", "Transfer-Encoding: chunked", "-d", "in a chunk"], path);
        both.compare(
            &["-H", "Cookie: a", "-H", "X-Empty: full", "-H", "X-Forwarded-For: 1.2.3.4"],
            path,
        );
        both.compare(&["-H", "TE: trailers", "-H", "Keep-Alive: 1", "-H", "Expect:"], path);
        both.compare(&["-H", "Upgrade: x", "-H", "Host: Some.Host:81"], path);
        both.compare(&["-X", "POST", "-H", "Content-Length: 0"], path);
    }
}

/// An origin that answers each path with other fields.
fn answers() -> Origin {
    Origin::start(|exchange| {
        let (status, fields) = match exchange.target() {
            "/redirect" => ("302 Found", "Location: http://backend/x\r\n"),
            "/redirect/own" => ("301 Moved", "Location: http://elsewhere/x\r\n"),
            "/redirect/relative" => ("302 Found", "Location: /x\r\n"),
            "/redirect/base" => ("302 Found", "Location: http://backend/base/y?z\r\n"),
            "/refresh" => ("200 OK", "Refresh: 5; URL=http://backend/x\r\n"),
            "/cookie" => (
                "200 OK",
                "Set-Cookie: a=b; Domain=backend.example; Path=/base/x\r\nSet-Cookie: c=d; path=/base/; secure\r\n",
            ),
            "/fields" => (
                "200 Fine",
                "Server: other\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nX-Pad: x\r\nX-Accel-Expires: 5\r\nX-Own: 1\r\n\
                 X-Own: 2\r\nETag: \"x\"\r\nLast-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: x/y\r\nVary: X\r\n",
            ),
            "/304" => ("304 Not Modified", "ETag: \"x\"\r\nX-A: b\r\n"),
            "/401" => ("401 Unauthorized", "WWW-Authenticate: Basic\r\n"),
            "/500" => ("500 Own", "X-A: b\r\n"),
            "/404" => ("404 Not Found", "X-A: b\r\n"),
            "/elsewhere" => (
                "200 OK",
                "X-Accel-Redirect: /file.txt?x\r\nSet-Cookie: a\r\nX-Gone: 1\r\nContent-Type: a/b\r\n",
            ),
            "/named" => ("200 OK", "X-Accel-Redirect: @named\r\nX-Gone: 1\r\n"),
            _ => ("200 OK", ""),
        };
        let body = if status.starts_with("304") { "" } else { "the body" };
        let is_head = exchange.head.starts_with("HEAD");
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{fields}\r\n", body.len());
        exchange.send(head + if is_head { "" } else { body })
    })
}

#[test]
fn what_comes_back() {
    let both = Both::with(
        answers(),
        "location / { proxy_pass http://backend; }
        location /here/ { proxy_pass http://backend/; }
        location /base/ { proxy_pass http://backend/; proxy_redirect http://backend/base/ /there/; proxy_redirect ~^http://else(.*)/x$ $1; }
        location /none/ { proxy_pass http://backend/; proxy_redirect off; proxy_hide_header X-Own; proxy_pass_header Server; proxy_pass_header X-Pad; }
        location /jar/ { proxy_pass http://backend/; proxy_cookie_domain backend.example front.example; proxy_cookie_path /base/ /; proxy_cookie_flags a httponly samesite=lax; proxy_cookie_flags c nosecure; }
        location /pages/ { proxy_pass http://backend/; proxy_intercept_errors on; error_page 404 500 401 /page.html; error_page 304 /page.html; }
        location = /page.html { return 200 'own page'; }
        location /told/ { proxy_pass http://backend/; proxy_intercept_errors on; error_page 301 302 = @told; }
        location @told { return 200 '$upstream_http_location'; }
        location /ignores/ { proxy_pass http://backend/; proxy_ignore_headers X-Accel-Redirect; }
        location @named { return 200 'at a name'; }
        location = /file.txt { return 200 'a file'; }",
    );
    for location in ["/", "/here/", "/base/", "/none/", "/jar/", "/pages/", "/told/", "/ignores/"] {
        for path in [
            "redirect",
            "redirect/own",
            "redirect/relative",
            "redirect/base",
            "refresh",
            "cookie",
            "fields",
            "304",
            "401",
            "500",
            "404",
            "elsewhere",
            "named",
            "plain",
        ] {
            both.compare(&[], &format!("{location}{path}"));
        }
        both.compare(&["-I"], &format!("{location}plain"));
        // What the client has already is the origin's to say.
        both.compare(&["-H", "If-None-Match: \"x\""], &format!("{location}fields"));
        both.compare(&["-H", "Range: bytes=0-2"], &format!("{location}fields"));
    }
}
