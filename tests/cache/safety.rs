//! What is one user's is given to no other.

use crate::origin::Origin;
use crate::stage;

fn saying(fields: &'static str) -> Origin {
    Origin::start(move |exchange| {
        let who = exchange.field("Authorization").unwrap_or("nobody").to_owned();
        exchange.answer("200 OK", fields, format!("for {who}"))
    })
}

#[test]
fn answers_to_users_are_theirs() {
    let stage = stage("", saying("Cache-Control: max-age=60\r\n"));
    for who in ["a", "b", "a"] {
        let told = stage.told(&["-H", &format!("Authorization: {who}")], "/");
        assert_eq!(told, ("MISS".into(), format!("for {who}")));
    }
    assert_eq!(stage.get("/"), ("MISS".into(), "for nobody".into()));
    assert_eq!(stage.get("/").0, "HIT");
}

#[test]
fn unless_they_say_that_they_are_for_all() {
    for control in ["max-age=60, public", "s-maxage=60", "max-age=60, must-revalidate"] {
        let fields = format!("Cache-Control: {control}\r\n").leak();
        let stage = stage("", saying(fields));
        stage.told(&["-H", "Authorization: a"], "/");
        assert_eq!(stage.get("/"), ("HIT".into(), "for a".into()), "{control}");
    }
}

/// What the origin is not told cannot be in its answer.
#[test]
fn users_that_the_origin_does_not_hear_of() {
    let stage =
        stage("proxy_set_header Authorization '';", saying("Cache-Control: max-age=60\r\n"));
    stage.told(&["-H", "Authorization: a"], "/");
    assert_eq!(stage.get("/"), ("HIT".into(), "for nobody".into()));
}

#[test]
fn cookies_are_one_clients() {
    let fields = "Cache-Control: max-age=60\r\nSet-Cookie: session=1\r\n";
    let stage = stage("", saying(fields));
    assert_eq!((stage.get("/").0, stage.get("/").0), ("MISS".into(), "MISS".into()));
    let heedless = crate::stage(
        "proxy_ignore_headers Set-Cookie; proxy_hide_header Set-Cookie;",
        saying(fields),
    );
    heedless.get("/");
    let answer = heedless.server.get("/");
    assert_eq!((answer.header("X-Cache"), answer.header("Set-Cookie")), (Some("HIT"), None));
}

/// An answer that was not whole is nobody's.
#[test]
fn what_breaks_off_is_not_kept() {
    let origin = Origin::start(|exchange| {
        let fields = "Cache-Control: max-age=60\r\n";
        match exchange.target() {
            "/length" => {
                exchange.send(format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 100\r\n\r\nhalf"))
            }
            _ => exchange.send(format!(
                "HTTP/1.1 200 OK\r\n{fields}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
            )),
        };
        false
    });
    let stage = stage("", origin);
    for path in ["/length", "/chunked"] {
        for _ in 0..2 {
            let mut wire = support::Wire::open(stage.server.port());
            wire.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            let answer = wire.answer();
            assert!(!answer.complete, "{path}");
            assert_eq!(answer.header("X-Cache"), Some("MISS"), "{path}");
        }
    }
    assert!(stage.files().is_empty());
}

/// What a request with a body has asked for is not asked again without.
#[test]
fn bodies_are_not_left_out() {
    let origin = Origin::start(|exchange| {
        let body = String::from_utf8(exchange.body()).expect("text");
        exchange.answer("200 OK", "Cache-Control: max-age=1\r\n", format!("for {body}"))
    });
    let stage = stage(
        "proxy_cache_methods POST; proxy_cache_key $uri$request_body; proxy_cache_use_stale updating;
         proxy_cache_background_update on;",
        origin,
    );
    for _ in 0..2 {
        assert_eq!(stage.told(&["-d", "me"], "/").1, "for me");
        let mut outcome = String::new();
        stage.server.wait_for("its end", || {
            let told = stage.told(&["-d", "me"], "/");
            assert_eq!(told.1, "for me");
            outcome = told.0;
            outcome != "HIT"
        });
        assert_eq!(outcome, "EXPIRED");
    }
}
