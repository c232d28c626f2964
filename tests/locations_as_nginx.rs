//! Locations beside nginx: the same configuration, the same files, the same answers.

use support::{Server, Twin, raw, site, start};

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
