//! How long certificates last yet.

use support::certificates::{Authority, Validity};
use support::{Start, wait_for};

use crate::{SITE, ask, leaf, put, up, with};

const DAY: u64 = 86_400;

fn lasting(days: u64) -> Validity {
    // A little more than that: the day is not over when the test is.
    Validity::Within(0, days * DAY + 3600)
}

fn start(words: &str, days: u64) -> (Start, Authority) {
    let authority = Authority::new("tests");
    let conf = SITE.replace("http {", &format!("http {{ {words}"));
    let start = with(&conf, "server", &leaf(&authority, "one", lasting(days)));
    (start, authority)
}

#[test]
fn its_end_is_told_in_time() {
    for (words, days, told) in [
        ("", 13, true),
        ("", 20, false),
        ("ssl_certificate_warn 30d;", 20, true),
        ("ssl_certificate_warn 10d 2d;", 13, false),
        ("ssl_certificate_warn off;", 1, false),
        ("ssl_certificate_watch off;", 13, true),
    ] {
        let (start, _) = start(words, days);
        let server = up(start);
        let end = format!("server.pem\" ends in {days} days, ");
        let says = || server.error_log().matches(&end).count();
        if told {
            server.wait_for("the log", || says() == 1);
        }
        // The master looks at its files once more, and has nothing new to say.
        assert_eq!(ask(&server, "certificates").0, Some(0));
        assert_eq!(says(), usize::from(told), "{words} {days}");
    }
}

#[test]
fn a_renewed_one_is_judged_by_itself() {
    let (start, authority) = start("", 5);
    let server = up(start);
    server.wait_for("the log", || server.error_log().contains("ends in 5 days"));
    put(&server, "server", &leaf(&authority, "two", lasting(4)));
    assert_eq!(ask(&server, "certificates").0, Some(0));
    server.wait_for("the log", || server.error_log().contains("ends in 4 days"));
}

#[test]
fn times_are_times() {
    let (start, _) = start("ssl_certificate_warn soon;", 20);
    let (code, said) = start.fail();
    assert!(code == 1 && said.contains("ssl_certificate_warn"), "{said}");
}

/// For whoever watches servers: on a plain port as well, and of the certificate of now.
#[test]
fn how_long_it_lasts_is_a_variable() {
    let authority = Authority::new("tests");
    let conf = "http { access_log off; ssl_certificate server.pem; ssl_certificate_key server.key;
        server { listen 127.0.0.1:{port2} ssl; listen 127.0.0.1:{port};
            return 200 \"$ssl_server_v_remain|$ssl_server_v_end\"; } }";
    let server = up(with(conf, "server", &leaf(&authority, "one", lasting(40))));
    let said = || server.get("/").text();
    let (days, end) =
        said().split_once('|').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("two");
    assert_eq!(days, "40");
    assert!(end.ends_with(" GMT"), "as $ssl_client_v_end of nginx: {end}");
    put(&server, "server", &leaf(&authority, "two", Validity::Now));
    wait_for("the other one", || said().ends_with("|Jan  1 00:00:00 2099 GMT"));
}
