//! Which location a URI is in, and what stands in it: root, alias, try_files, error_page, return.

use support::{Server, site, start};

fn serving(body: &str) -> Server {
    start!(site(&format!("root html; {body}")))
}

#[test]
fn the_kinds_and_their_order() {
    let server = serving(
        r#"
        location / { return 200 slash; }
        location = / { return 200 exact-slash; }
        location = /a/x { return 200 exact; }
        location /a/ { return 200 prefix; }
        location /a/long/ { return 200 longer; }
        location ^~ /a/no-regex/ { return 200 no-regex; }
        location ~ \.php$ { return 200 regex; }
        location ~* \.jpe?g$ { return 200 any-case; }
        location ~ ^/a/.*\.php$ { return 200 never-second; }
        location "/with space/" { return 200 space; }
        location ~ "^/\d{3}$" { return 200 braces; }
        location ~ /\.(?!well-known) { return 200 look-ahead; }
        location ~ ^/(?<first>[a-z]+)-(\d+)$ { return 200 $first,$1,$2; }
    "#,
    );
    for (path, wanted) in [
        ("/", "exact-slash"),
        ("/?x", "exact-slash"),
        ("/b", "slash"),
        ("/a", "slash"),
        ("/a/", "prefix"),
        ("/a/x", "exact"),
        ("/a/x/", "prefix"),
        ("/a/xy", "prefix"),
        ("/a/long/x", "longer"),
        ("/a/long", "prefix"),
        ("/a/long/x.php", "regex"),
        ("/a/no-regex/x.php", "no-regex"),
        ("/x.php", "regex"),
        ("/x.PHP", "slash"),
        ("/x.JPG", "any-case"),
        ("/x.jpeg", "any-case"),
        ("/a/x.php", "regex"),
        ("/with%20space/x", "space"),
        ("/123", "braces"),
        ("/1234", "slash"),
        ("/.git", "look-ahead"),
        ("/.well-known/x", "slash"),
        ("/abc-42", "abc,abc,42"),
        ("/%61/x", "exact"),
        ("//a//x", "exact"),
        ("/b/../a/./x", "exact"),
        ("/a/x.ph%70", "regex"),
    ] {
        assert_eq!(server.get(path).text(), wanted, "{path}");
    }
}

#[test]
fn locations_in_locations() {
    let server = serving(
        r#"
        location /a/ {
            location /a/b/ { location ~ \.x$ { return 200 a-b-x; } return 200 a-b; }
            location ~ \.x$ { return 200 a-x; }
            location = /a/c { return 200 a-c; }
            return 200 a;
        }
        location ~ \.x$ { return 200 x; }
        location ~ ^/r/ { location ~ \.y$ { return 200 r-y; } return 200 r; }
        location ^~ /s/ { location ~ \.x$ { return 200 s-x; } return 200 s; }
    "#,
    );
    for (path, wanted) in [
        ("/a/", "a"),
        ("/a/1", "a"),
        ("/a/c", "a-c"),
        ("/a/1.x", "a-x"),
        ("/a/b/1", "a-b"),
        ("/a/b/1.x", "a-b-x"),
        ("/1.x", "x"),
        ("/r/1", "r"),
        ("/r/1.y", "r-y"),
        ("/s/1.x", "s-x"),
        ("/s/1", "s"),
    ] {
        assert_eq!(server.get(path).text(), wanted, "{path}");
    }
}

#[test]
fn internal_locations_are_not_there_for_clients() {
    let server = serving(
        r#"
        location /inside/ { internal; }
        location = /go { try_files /none /inside/a.txt; }
        location /error/ { error_page 404 /inside/a.txt; }
        location /index/ { index /inside/a.txt; }
        location = /inside/page.html { internal; }
    "#,
    );
    server.file("html/inside/a.txt", "inside");
    assert_eq!(server.get("/inside/a.txt").status, 404);
    assert_eq!(server.get("/inside/none").status, 404);
    assert_eq!(server.get("/go").text(), "inside");
    let error = server.get("/error/x");
    assert_eq!((error.status, error.text().as_str()), (404, "inside"));
    assert_eq!(server.get("/index/").text(), "inside");
}

#[test]
fn root_and_alias() {
    let server = serving(
        r#"
        location /root/ { root {dir}/other; }
        location /slash/ { root {dir}/other/; }
        location /alias/ { alias {dir}/other/in/; }
        location /bare { alias {dir}/other/in; }
        location ~ ^/regex/(.+)\.(.+)$ { alias {dir}/other/in/$1-$2; }
        location = /one { alias {dir}/other/in/a.txt; }
        location /variable/ { root {dir}/$arg_where; }
        location /inherited/ { alias {dir}/other/in/; location /inherited/deeper/ {} }
    "#,
    );
    for path in
        ["root/a.txt", "slash/a.txt", "in/a.txt", "in/b-txt", "in/deeper/a.txt", "variable/v.txt"]
    {
        server.file(&format!("other/{path}"), path);
    }
    for (path, wanted) in [
        ("/root/a.txt", "root/a.txt"),
        ("/slash/a.txt", "slash/a.txt"),
        ("/alias/a.txt", "in/a.txt"),
        ("/bare/a.txt", "in/a.txt"),
        ("/regex/b.txt", "in/b-txt"),
        ("/one", "in/a.txt"),
        ("/variable/v.txt?where=other", "variable/v.txt"),
        ("/inherited/deeper/a.txt", "in/deeper/a.txt"),
    ] {
        assert_eq!(server.get(path).text(), wanted, "{path}");
    }
    assert_eq!(server.get("/alias").status, 404);
    assert_eq!(server.get("/variable/v.txt?where=none").status, 404);
}

#[test]
fn try_files_takes_the_first_that_is_there() {
    let server = serving(
        r#"
        location / { try_files $uri $uri/ $uri.html /fallback.html?from=$uri; }
        location = /fallback.html { return 200 "fallback $args"; }
        location /code/ { try_files $uri =410; }
        location /named/ { try_files $uri @name; }
        location @name { return 200 "name $uri"; }
        location /alias/ { alias html/real/; try_files $uri $uri.txt =404; }
        location /dirs/ { try_files /real/ =404; }
        location /args/ { try_files /none /shown?$args; }
        location = /shown { return 200 "$uri $args"; }
        location /circle/ { try_files /none /circle/$uri; }
    "#,
    );
    for path in ["a.txt", "page.html", "dir/index.html", "real/b.txt", "code/c.txt"] {
        server.file(&format!("html/{path}"), path);
    }
    for (path, wanted) in [
        ("/a.txt", "a.txt"),
        ("/page", "page.html"),
        ("/dir/", "dir/index.html"),
        ("/x/y", "fallback from=/x/y"),
        ("/x?lost=1", "fallback from=/x"),
        ("/code/c.txt", "code/c.txt"),
        ("/named/x?y", "name /named/x"),
        ("/alias/b.txt", "real/b.txt"),
        ("/alias/b", "real/b.txt"),
        ("/args/?a=b", "/shown a=b"),
    ] {
        assert_eq!(server.get(path).text(), wanted, "{path}");
    }
    assert_eq!(server.get("/code/none").status, 410);
    assert_eq!(server.get("/dir").status, 301);
    assert_eq!(server.get("/circle/").status, 500);
    assert!(server.error_log().contains("rewrite or internal redirection cycle"));
}

#[test]
fn pages_for_errors() {
    let server = serving(
        r#"
        error_page 404 /404.html;
        location = /404.html { internal; return 200 "page of $request_uri"; }
        location /other/ { error_page 404 =200 /404.html; }
        location /own/ { error_page 404 = /teapot; }
        location = /teapot { return 418 teapot; }
        location /named/ { error_page 404 403 @name; }
        location /named/no { deny all; error_page 403 @name; }
        location @name { return 200 "named $uri"; }
        location /away/ { error_page 404 http://example.com/gone; }
        location /moved/ { error_page 404 =301 http://example.com/gone; }
        location /missing-page/ { error_page 404 /nowhere/; }
        location /twice/ { error_page 404 /404.html; error_page 403 /teapot; }
        location /none/ { error_page 500 /404.html; }
        location /method/ { error_page 405 =200 /method.txt; }
        location /recursive/ { recursive_error_pages on; error_page 404 /recursive2/x; }
        location /recursive2/ { recursive_error_pages on; error_page 404 = @name; }
        location /5xx { return 503; error_page 500 502 503 504 =503 @name; }
    "#,
    );
    server.file("html/method.txt", "method");
    server.file("html/method/x", "");
    for (path, status, body) in [
        ("/x?y", 404, "page of /x?y"),
        ("/other/x", 200, "page of /other/x"),
        ("/own/x", 418, "teapot"),
        ("/named/x", 404, "named /named/x"),
        ("/named/no", 403, "named /named/no"),
        ("/twice/x", 404, "page of /twice/x"),
        ("/5xx", 503, "named /5xx"),
    ] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.text().as_str()), (status, body), "{path}");
    }
    for (path, status) in [("/away/x", 302), ("/moved/x", 301)] {
        let answer = server.get(path);
        assert_eq!(
            (answer.status, answer.header("Location")),
            (status, Some("http://example.com/gone"))
        );
    }
    for path in ["/missing-page/x", "/none/x"] {
        let answer = server.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("<h1>404 Not Found</h1>"), "{path}");
    }
    let posted = server.curl(&["--data", "x"], "/method/x");
    assert_eq!((posted.status, posted.text().as_str()), (200, "method"));
    let head = server.curl(&["--head"], "/x");
    assert_eq!((head.status, head.body.len()), (404, 0));
    assert_eq!(server.get("/recursive/x").text(), "named /recursive2/x");
}

#[test]
fn answers_that_the_configuration_gives() {
    let server = serving(
        r#"
        location /text { default_type text/x; return 200 "a $arg_x b"; }
        location /empty { return 200; }
        location /204 { return 204; }
        location /301 { return 301 /to; }
        location /307 { return 307 https://example.com$request_uri; }
        location /url { return http://example.com/; }
        location /404 { return 404 "none here"; }
        location /444 { return 444; }
        location /500 { return 500; }
        location /299 { return 299 odd; }
        location /split { return 302 "/a\r\nX-Split: $arg_x"; }
    "#,
    );
    let text = server.get("/text?x=1");
    assert_eq!((text.text().as_str(), text.header("Content-Type")), ("a 1 b", Some("text/x")));
    let empty = server.get("/empty");
    assert_eq!((empty.status, empty.header("Content-Length")), (200, Some("0")));
    let none = server.get("/204");
    assert_eq!((none.status, none.header("Content-Length"), none.body.len()), (204, None, 0));
    let moved = server.get("/301");
    assert_eq!(moved.header("Location"), Some(server.url("/to").as_str()));
    assert!(moved.text().contains("301 Moved Permanently"));
    assert_eq!(server.get("/307?x").header("Location"), Some("https://example.com/307?x"));
    assert_eq!(server.get("/url").status, 302);
    assert_eq!(server.get("/404").text(), "none here");
    assert_eq!(server.get("/444").status, 0);
    assert!(server.wire().send("GET /444 HTTP/1.1\r\nHost: x\r\n\r\n"));
    let error = server.get("/500");
    assert_eq!((error.status, error.keeps()), (500, false));
    let odd = server.get("/299");
    assert_eq!((odd.status, odd.text().as_str()), (299, "odd"));
    assert_eq!(server.get("/split?x=%0d%0aX-Split:%20y").header("X-Split"), None);
}
