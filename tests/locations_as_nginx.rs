//! Locations beside nginx: the same configuration, the same files, the same answers.

use support::compare::{difference, normalize};
use support::{Answer, Dir, Server, Twin, http, raw, site, start};

/// Sends these bytes to both: status and body, which must be the same.
#[track_caller]
fn same(server: &Server, twin: &Twin, request: &str) -> (u16, String) {
    let ask = |port| {
        let answers = support::answers(&raw(port, request.as_bytes()), &[]);
        answers.first().map_or((0, String::new()), |answer| (answer.status, answer.text()))
    };
    let (ours, theirs) = (ask(server.port()), ask(twin.port()));
    let same = ours.0 == theirs.0 && (ours.0 >= 300 || ours.1 == theirs.1);
    assert!(same, "{request}\nnginx {theirs:?}\nrserve {ours:?}");
    ours
}

fn both(body: &str) -> (Server, Twin) {
    let server = start!(site(&format!("root html; {body}")));
    let twin = Twin::start(site(&format!("root html; {body}")), &server);
    (server, twin)
}

/// Sends these bytes to both: their answers, which must be the same in all but the order of fields.
#[track_caller]
fn alike(server: &Server, twin: &Twin, request: &str) -> Vec<Answer> {
    let method = request.split(' ').next().unwrap_or_default();
    let ask = |port, dir: &Dir| -> Vec<Answer> {
        let answers = support::answers(&raw(port, request.as_bytes()), &[method]);
        let sorted = answers.into_iter().map(|answer| {
            let mut answer = normalize(answer, port, dir);
            answer.headers.sort();
            answer
        });
        sorted.collect()
    };
    let (ours, theirs) = (ask(server.port(), server.dir()), ask(twin.port(), twin.dir()));
    assert!(ours == theirs, "{request:?}\n{}", difference(&theirs, &ours));
    ours
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.0\r\n\r\n")
}

/// As nginx: the index is looked for in the directory that the alias is, whatever it is made of.
#[test]
fn an_index_below_an_alias_of_captures() {
    let (server, twin) = both(
        r#"
        location ~ ^/~(?<who>[^/]+)(?<rest>/.*)?$ { alias html/home/$who/public$rest; index nope.html index.html second.html; }
        location ~ ^/n/(.*)$ { alias html/home/$1; index $arg_i index.html; }
        location ~ ^/abs/(.*)$ { alias html/home/$1; index none.html /home/joe/public/a.txt; }
        location ~ ^/try/(.*)$ { alias html/home/$1; try_files $uri $uri/ =410; }
        location ~ ^/outer/ { alias html/home/joe/public/; location ~ /inner/$ { index second.html; } }
        location /plain/ { alias html/home/joe/public/; index nope.html second.html; }
        location /any/ { alias html/home/$arg_who/public/; index index.html; }
    "#,
    );
    for (path, text) in [
        ("home/joe/public/index.html", "joe"),
        ("home/joe/public/second.html", "second"),
        ("home/joe/public/a.txt", "a"),
        ("home/joe/public/dir/second.html", "dir"),
        ("home/joe/public/empty/x", ""),
        ("home/ann/public/second.html", "ann"),
    ] {
        server.file(&format!("html/{path}"), text);
    }
    assert_eq!(same(&server, &twin, &get("/~joe/")), (200, "joe".into()));
    assert_eq!(same(&server, &twin, &get("/~ann/")), (200, "ann".into()));
    assert_eq!(same(&server, &twin, &get("/~joe/dir/")), (200, "dir".into()));
    assert_eq!(same(&server, &twin, &get("/~joe/empty/")).0, 403);
    assert_eq!(same(&server, &twin, &get("/~nobody/")).0, 404);
    for path in [
        "/~joe",
        "/~joe/a.txt",
        "/~joe/dir",
        "/~joe/none/",
        "/~joe/a.txt/",
        "/n/joe/public/",
        "/n/joe/public/?i=second.html",
        "/n/joe/",
        "/n/",
        "/abs/joe/public/",
        "/try/joe/public/",
        "/try/joe/public",
        "/try/none/",
        "/outer/",
        "/outer/inner/",
        "/plain/",
        "/plain/dir/",
        "/plain/empty/",
        "/any/?who=joe",
        "/any/?who=none",
        "/any/dir/?who=joe",
    ] {
        same(&server, &twin, &get(path));
    }
}

/// As nginx: only a page with a URI is fetched with GET.
#[test]
fn a_named_location_gets_the_method_of_the_request() {
    let (server, twin) = both(
        r#"
        location = /f { error_page 405 = @app; }
        location = /g { error_page 405 = /page; }
        location = /d { deny all; error_page 403 = @method; }
        location = /t { try_files /none @method; }
        location = /e { error_page 404 = @method; }
        location = /page { return 200 "$request_method"; }
        location @app { try_files /a.txt =404; }
        location @method { return 200 "$request_method"; }
    "#,
    );
    server.file("html/f", "file");
    server.file("html/g", "file");
    server.file("html/a.txt", "a");
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        for path in ["/f", "/g", "/d", "/t", "/e"] {
            let request = format!("{method} {path} HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
            same(&server, &twin, &request);
        }
    }
    assert_eq!(same(&server, &twin, "PUT /f HTTP/1.0\r\n\r\n").0, 405);
    assert_eq!(same(&server, &twin, "PUT /d HTTP/1.0\r\n\r\n"), (200, "PUT".into()));
}

/// As nginx: 444 and 499 are closed without a word.
#[test]
fn statuses_that_say_nothing() {
    let (server, twin) = both(
        r#"
        location = /r { return 499; }
        location = /c { return 444; }
        location = /try { try_files /none =499; }
        location = /page { return 404; error_page 404 =499 /r; }
        location = /named { return 404; error_page 404 = @silent; }
        location = /text { return 499 text; }
        location = /timeout { return 408; }
        location @silent { return 499; }
    "#,
    );
    for path in ["/r", "/c", "/try", "/page", "/named", "/text", "/timeout"] {
        let (status, _) = same(&server, &twin, &get(path));
        assert_eq!(status == 0, path != "/text", "{path}");
    }
    let silent = |line: &str| line.contains("GET /r ") && line.contains(" 499 0 ");
    server.wait_for("a line in the log", || server.access_log().lines().any(silent));
}

/// A name that no file can have is not found, and no fault (nginx: ENAMETOOLONG is 404).
#[test]
fn names_that_are_too_long() {
    let (server, twin) = both(
        r#"
        location /index/ { alias html/; index $arg_i; }
        location /try/ { try_files $uri $uri/ $arg_x =410; }
        location ~ ^/re(/.*)$ { alias html/$1; }
    "#,
    );
    let name = "a".repeat(300);
    let deep = "abcdefgh/".repeat(600);
    for start in ["/", "/index/", "/try/", "/re/"] {
        for path in [&name, &format!("{name}/"), &deep, &format!("{deep}x"), &format!("{name}/x")] {
            let (status, _) = same(&server, &twin, &get(&format!("{start}{path}")));
            assert!(status == 404 || start == "/try/", "{start}: {status}");
        }
    }
    same(&server, &twin, &get(&format!("/index/?i={name}")));
    assert!(!server.error_log().contains("[crit]"));
}

/// As nginx: an empty type is no field, a status without a text has a type, and what `add_header` says of
/// the last change is sent as it is, also when it is no date and with errors.
#[test]
fn fields_that_are_empty_or_no_dates() {
    let (server, twin) = both(
        r#"
        location /untyped/ { alias html/; types {} default_type ""; }
        location = /201 { return 201; }
        location = /200 { return 200; }
        location /changed/ { alias html/; add_header Last-Modified "at $uri" always; }
        location /sent/ { alias html/; add_header Last-Modified x; add_header X-Sent $sent_http_last_modified; }
        location = /404 { return 404 ""; }
        location = /444 { return 444 ""; }
        location = /503 { return 503 $arg_none; }
        location = /204 { add_header X-Type $sent_http_content_type; return 204 "no"; }
        location = /aliased.html { alias html/a.txt; }
        location /aliased/ { alias html/a.txt; }
        location /unchanged/ { alias html/; add_header Last-Modified "" always; }
    "#,
    );
    support::set_modified(&server.file("html/a.txt", "text"), 1_600_000_000);
    let untyped = alike(&server, &twin, &get("/untyped/a.txt"));
    assert_eq!(untyped[0].header("Content-Type"), None);
    let created = alike(&server, &twin, &get("/201"));
    assert_eq!(created[0].header("Content-Type"), Some("text/plain"));
    let changed = alike(&server, &twin, &get("/changed/a.txt"));
    assert_eq!(changed[0].header("Last-Modified"), Some("at /changed/a.txt"));
    let missing = alike(&server, &twin, &get("/changed/none"));
    assert_eq!(missing[0].header("Last-Modified"), Some("at /changed/none"));
    let aliased = alike(&server, &twin, &get("/aliased.html"));
    assert_eq!(aliased[0].header("Content-Type"), Some("text/html"));
    assert!(alike(&server, &twin, &get("/444")).is_empty());
    for path in [
        "/404",
        "/503",
        "/204",
        "/aliased/x.gif",
        "/200",
        "/sent/a.txt",
        "/sent/none",
        "/unchanged/a.txt",
        "/unchanged/none",
    ] {
        alike(&server, &twin, &get(path));
        alike(&server, &twin, &format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
}

/// As nginx: a named location makes the text of an error page, and `=` says which status goes with it; `$status` is the
/// one that is answered.
#[test]
fn pages_that_named_locations_make() {
    let (server, twin) = both(
        r#"
        location /page-418 { error_page 404 @418; }
        location /page-204 { error_page 404 =204 @418; }
        location /page-own { error_page 404 = @418; }
        location /page-none { error_page 404 @none; }
        location /page-301 { error_page 404 @301; }
        location /page-201 { error_page 404 @201; }
        location /page-410 { error_page 404 =410 @201; }
        location /page-to-204 { error_page 404 =200 @204; }
        location /page-status { error_page 404 @status; }
        location /page-own-status { error_page 404 = @status; }
        location @status { return 410 "$status"; }
        location @418 { return 418 "text"; }
        location @none { return 418; }
        location @301 { return 301 /x; }
        location @201 { return 201 "made"; }
        location @204 { return 204; }
        location = /status { return 403 "$status"; }
        location = /to-status { return 302 /$status; }
        location = /no-status { return 403 ""; }
    "#,
    );
    assert_eq!(alike(&server, &twin, &get("/status"))[0].text(), "403");
    alike(&server, &twin, &get("/to-status"));
    alike(&server, &twin, &get("/no-status"));
    let page = alike(&server, &twin, &get("/page-418"));
    assert_eq!((page[0].status, page[0].text()), (404, "text".into()));
    for name in ["204", "own", "none", "301", "201", "410", "to-204", "status", "own-status"] {
        alike(&server, &twin, &get(&format!("/page-{name}")));
    }
}

/// As nginx: pages of errors are filled up for the browsers that show their own instead of a short one.
#[test]
fn pages_for_browsers_that_show_their_own() {
    let (server, twin) = both("");
    for agent in [
        "MSIE 6.0",
        "MSIE .",
        "MSIE 66",
        "MSIE 666",
        "Chrome/1",
        "Gecko/1 Chrome/1",
        "(like Gecko) Chrome/1",
        "MSIE 6.0 Opera",
        "Opera Chrome/1",
        "MSIE  Chrome/1",
    ] {
        alike(&server, &twin, &format!("GET /none HTTP/1.0\r\nUser-Agent: {agent}\r\n\r\n"));
    }
}

/// As nginx: the request's line is read before the fields, and a HEAD has no body even if it is wrong.
#[test]
fn requests_that_are_refused() {
    let (server, twin) = both("add_header X-Args \"$args\" always;");
    for request in [
        "HEAD \r\n\r\n",
        "HEAD / HTTP/1.1\r\n \r\n\r\n",
        "HEAD / HTTP/1.x\r\n\r\n",
        "HEAD /\r\n",
        "HEADER / HTTP/1.1\r\n\r\n",
        "GET /?a=1 HTTP/1.1\r\n\r\n",
        "GET /%zz?a=1 HTTP/1.1\r\n\r\n",
        "GET /?a=1 HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET /% HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n",
        "GET /?a=1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n",
        "TRACE /% HTTP/1.1\r\nHost: x\r\n\r\n",
        "TRACE /?a=1 HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        alike(&server, &twin, request);
    }
}

/// As nginx: what stands for a directory but is a file is a fault, what leads in circles is forbidden.
#[test]
fn an_index_where_there_is_no_directory() {
    let (server, twin) = both(
        "location = /d/ { alias html/$arg_a; } location /y { try_files / =404; }
        location /z { try_files /$arg_a/ =404; } location /w { alias html/sub/; try_files / =404; }
        location /e { try_files '' =404; }",
    );
    server.file("html/a.txt", "text");
    server.file("html/sub/index.html", "index");
    std::os::unix::fs::symlink("loop", server.path("html/loop")).expect("a link");
    assert_eq!(same(&server, &twin, &get("/d/?a=a.txt")).0, 500);
    same(&server, &twin, &get("/d/?a=sub/"));
    assert_eq!(same(&server, &twin, &get("/d/?a=none/")).0, 404);
    assert_eq!(same(&server, &twin, &get("/loop/")).0, 403);
    same(&server, &twin, &get("/loop/x/"));
    let moved = alike(&server, &twin, "GET /y HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(moved[0].header("Location"), Some("http://x:PORT/"));
    for path in ["/y/x", "/z", "/z?a=sub", "/z?a=none", "/w", "/w/x", "/e"] {
        alike(&server, &twin, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    }
    same(&server, &twin, &get("/a.txt/"));
}

/// nginx's documentation of `merge_slashes`: the value of the default server counts for all of an address.
/// A request without a host, though, is refused by the server for no name.
#[test]
fn what_the_default_server_decides() {
    let text = |first: &str, second: &str| {
        http(&format!(
            "server {{ listen 127.0.0.1:{{port}}; server_name a; merge_slashes {first}; return 200 \"a $uri\"; }}
            server {{ listen 127.0.0.1:{{port}}; server_name b; merge_slashes {second}; return 200 \"b $uri\"; }}
            server {{ listen 127.0.0.1:{{port}}; server_name \"\"; add_header X-No-Name 1 always; }}"
        ))
    };
    for (first, second, wanted) in [("off", "on", "b //x//y"), ("on", "off", "b /x/y")] {
        let server = start!(text(first, second));
        let twin = Twin::start(text(first, second), &server);
        let request = "GET //x//y HTTP/1.0\r\nHost: b\r\n\r\n";
        assert_eq!(same(&server, &twin, request), (200, wanted.into()));
        let refused = alike(&server, &twin, "GET / HTTP/1.1\r\n\r\n");
        assert_eq!(refused[0].header("X-No-Name"), Some("1"));
    }
}

/// A server's name is shown in small letters; the parts of an answer without a type have none.
#[test]
fn names_in_small_letters_and_parts_without_a_type() {
    let conf = http(
        "server { listen 127.0.0.1:{port}; server_name EXAMPLE.com; default_type '';
                  location = /name { return 200 $server_name; } location / { root html; } }",
    );
    let server = start!(&conf);
    server.file("html/untyped", "0123456789");
    let twin = Twin::start(&conf, &server);
    let name = same(&server, &twin, "GET /name HTTP/1.0\r\n\r\n");
    assert_eq!(name, (200, "example.com".into()));
    let request = "GET /untyped HTTP/1.0\r\nRange: bytes=0-1,4-5\r\n\r\n";
    let length = |port| {
        let said = support::raw(port, request);
        let said = String::from_utf8_lossy(&said).into_owned();
        let line = said.lines().find(|line| line.starts_with("Content-Length:"));
        line.map(str::to_owned).unwrap_or(said)
    };
    assert_eq!(length(server.port()), length(twin.port()));
}
