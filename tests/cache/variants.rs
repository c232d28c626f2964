//! Answers with one key that differ by fields of the request.

use crate::origin::Origin;
use crate::stage;

/// An answer for each value of a field, numbered.
fn by(name: &'static str, vary: &'static str) -> Origin {
    Origin::start(move |exchange| {
        let value = exchange.field(name).unwrap_or("none").to_owned();
        let fields = format!("Cache-Control: max-age=60\r\nVary: {vary}\r\n");
        exchange.answer("200 OK", &fields, format!("for {value}"))
    })
}

#[test]
fn each_has_its_own() {
    let stage = stage("", by("X-Who", "X-Who"));
    for (who, outcome) in
        [("a", "MISS"), ("b", "MISS"), ("a", "HIT"), ("b", "HIT"), ("c", "MISS"), ("a", "HIT")]
    {
        let told = stage.told(&["-H", &format!("X-Who: {who}")], "/");
        assert_eq!(told, (outcome.into(), format!("for {who}")));
    }
    assert_eq!(stage.get("/"), ("MISS".into(), "for none".into()));
    assert_eq!(stage.get("/").0, "HIT");
    assert_eq!(stage.files().len(), 4);
}

#[test]
fn lists_that_mean_the_same_are_the_same() {
    let stage = stage("", by("Accept-Encoding", "Accept-Encoding"));
    let told = |list: &str| stage.told(&["-H", &format!("Accept-Encoding: {list}")], "/").0;
    assert_eq!(told("gzip, br"), "MISS");
    assert_eq!(told("gzip,br"), "HIT");
    assert_eq!(told("gzip"), "MISS");
    assert_eq!(told("gzip"), "HIT");
}

#[test]
fn what_varies_with_everything_is_not_kept() {
    for vary in ["*", "Cookie, *", &"x".repeat(200)[..]] {
        let vary: &'static str = vary.to_owned().leak();
        let stage = stage("", by("X-Who", vary));
        assert_eq!((stage.get("/").0, stage.get("/").0), ("MISS".into(), "MISS".into()), "{vary}");
    }
    let heedless = stage("proxy_ignore_headers Vary;", by("X-Who", "*"));
    assert_eq!((heedless.get("/").0, heedless.get("/").0), ("MISS".into(), "HIT".into()));
}

/// `gzip` on both sides: what the origin has compressed goes to those who take it, as it is.
#[test]
fn nothing_is_compressed_twice() {
    let origin = Origin::start(|exchange| {
        let takes = exchange.field("Accept-Encoding").is_some_and(|list| list.contains("gzip"));
        let fields =
            "Cache-Control: max-age=60\r\nVary: Accept-Encoding\r\nContent-Type: text/html\r\n";
        match takes {
            true => {
                let mut shell = std::process::Command::new("sh");
                shell.args(["-c", "head -c 5000 /dev/zero | tr '\\0' x | gzip"]);
                let body = shell.output().expect("gzip").stdout;
                exchange.answer("200 OK", &format!("{fields}Content-Encoding: gzip\r\n"), body)
            }
            false => exchange.answer("200 OK", fields, "x".repeat(5000)),
        }
    });
    let stage = stage(
        "gzip on; gzip_proxied any; proxy_set_header Accept-Encoding $http_accept_encoding;",
        origin,
    );
    for args in [&["--compressed"][..], &[], &["--compressed"], &[]] {
        assert_eq!(stage.told(args, "/").1, "x".repeat(5000), "{args:?}");
    }
    assert_eq!(stage.origin.count(), 2);
}
