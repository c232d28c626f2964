//! What a variable brings is no syntax: not of lists, not of patterns.

use support::{Server, Start, http, start};

use crate::client::{publish, subscribe};
use crate::up;

/// Tenants that must not see each other; lists where they are wanted.
fn tenants() -> Server {
    start!(http(
        "sse_zone z 4m; sse_figures all;
         server { listen 127.0.0.1:{port};
             location ~ ^/tenant/(?<t>\\w+)/(?<c>.+)$ { sse_subscribe $t.$c; sse_publish $t.$c; }
             location = /arg { sse_subscribe a.$arg_c; }
             location = /cookie { sse_subscribe a.$cookie_c; }
             location = /field { sse_subscribe a.$http_c; }
             location = /written { sse_subscribe a.one,a.$arg_c,b.*; }
             location = /below { sse_subscribe a.$arg_c.*; }
             location = /lists { sse_split on; sse_subscribe user.$arg_c.x; }
             location = /stars { sse_split on; sse_wildcards on; sse_subscribe user.$arg_c; } }"
    ))
}

#[test]
fn a_comma_in_a_value_opens_no_other_channel() {
    let server = tenants();
    let figures = "Accept: application/vnd.rserve.channel+json";
    for (field, path) in [
        ("X: y", "/tenant/a/x,b.secret"),
        ("X: y", "/tenant/a/x%2Cb.secret"),
        ("X: y", "/arg?c=x,b.secret"),
        ("Cookie: c=x,b.secret", "/cookie"),
        ("C: x,b.secret", "/field"),
        ("X: y", "/written?c=x,b.secret"),
        ("X: y", "/tenant/a/,"),
    ] {
        assert_eq!(server.curl(&["-N", "-H", field], path).status, 400, "{path}");
        assert_eq!(server.curl(&["-H", figures, "-H", field], path).status, 400, "{path}");
    }
    assert_eq!(server.curl(&["-d", "x"], "/tenant/a/x,b.secret").status, 400);
    // Two fields are joined by a comma: that is a value, too.
    assert_eq!(server.curl(&["-N", "-H", "C: x", "-H", "C: b.secret"], "/field").status, 400);
    for path in ["/tenant/a/*", "/arg?c=*", "/arg?c=x*", "/tenant/a/x%2A", "/below?c=x*"] {
        assert_eq!(server.curl(&["-N"], path).status, 403, "{path}");
    }
}

#[test]
fn what_is_written_separates_and_stands_for_all_below() {
    let server = tenants();
    let mut wire = subscribe(&server, "/written?c=two", "");
    let mut below = subscribe(&server, "/below?c=two", "");
    for (path, data) in [("/tenant/a/one", "1"), ("/tenant/a/two", "2"), ("/tenant/b/any", "3")] {
        publish(&server, path, data);
        wire.until(&format!("data: {data}\n\n"));
    }
    publish(&server, "/tenant/a/two.deep", "4");
    assert!(!below.until("data: 4\n\n").contains("data: 2"));
}

#[test]
fn a_list_is_split_where_that_is_written_and_begins_as_it_is_written() {
    let server = start!(http(
        "sse_zone z 4m; sse_split on;
         server { listen 127.0.0.1:{port};
             location = /lists { sse_subscribe user.$arg_c.x; }
             location = /stars { sse_wildcards on; sse_subscribe user.$arg_c; }
             location ~ ^/on/(?<c>.+)$ { sse_publish $c; } }"
    ));
    let mut wire = subscribe(&server, "/lists?c=a,b", "");
    publish(&server, "/on/user.b", "no");
    publish(&server, "/on/b.x", "no");
    publish(&server, "/on/user.a.x", "1");
    publish(&server, "/on/user.b.x", "2");
    assert!(!wire.until("data: 2\n\n").contains("no"));
    for path in ["/lists", "/lists?c=", "/lists?c=a,", "/lists?c=,a", "/lists?c=a,,b"] {
        assert_eq!(server.curl(&["-N"], path).status, 400, "{path}");
    }
    assert_eq!(server.curl(&["-N"], "/lists?c=a,b*").status, 403);
    let mut wire = subscribe(&server, "/stars?c=a,b.*", "");
    publish(&server, "/on/other", "no");
    publish(&server, "/on/user.b.1", "1");
    assert!(!wire.until("data: 1\n\n").contains("no"));
}

#[test]
fn what_a_guard_has_not_seen_names_no_channel() {
    // `$` matches before a line break at the end, as in nginx: the guard sees another address.
    let server = start!(http(
        "sse_zone z 4m;
         server { listen 127.0.0.1:{port};
             location = /on/secret { deny all; }
             location ~ ^/on/(?<c>[\\w.]+)$ { sse_subscribe $c; sse_publish $c; } }"
    ));
    for path in ["/on/secret%0A", "/on/a%0a", "/on/a%0D", "/on/%01"] {
        let answer = server.curl(&["-N"], path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        assert_ne!(server.curl(&["-d", "x"], path).status, 202, "{path}");
    }
    assert_eq!(server.curl(&["-N"], "/on/secret%0A").status, 400);
}

#[test]
fn a_name_has_nothing_that_cannot_be_seen() {
    let server = up("");
    // U+0085, U+00A0, U+2028, U+202E: Cc, Zs, Zl, a control of direction.
    for name in ["a%C2%85b", "a%C2%A0b", "a%E2%80%A8b", "a%E2%80%AEb", "a%7Fb", "a%09b"] {
        assert_eq!(server.curl(&["-d", "x"], &format!("/events/{name}")).status, 400, "{name}");
    }
    // nginx does not unescape arguments: the name has the percent sign.
    publish(&server, "/events/a%252Cb", "x");
    let mut wire = subscribe(&server, "/some?c=a%2Cb", "");
    publish(&server, "/events/a%252Cb", "y");
    wire.until("data: y\n\n");
}

#[test]
fn what_can_never_be_a_name_is_refused_before_it_serves() {
    let fails = |directives: &str| {
        let conf = format!("sse_zone z 1m; server {{ location / {{ {directives} }} }}");
        Start::new(env!("CARGO_BIN_EXE_rserve")).conf(http(&conf)).fail().1
    };
    for (directives, why) in [
        ("sse_publish news*;", "a channel to publish to has no * in its name"),
        ("sse_publish a,b;", "no blanks, commas and control characters"),
        ("sse_publish $arg_c,b;", "no blanks, commas and control characters"),
        ("sse_subscribe \"\";", "a channel's name is empty"),
        ("sse_subscribe \"a b\";", "no blanks, commas and control characters"),
        ("sse_subscribe a,,b;", "a channel's name is empty"),
        ("sse_subscribe a,;", "a channel's name is empty"),
        ("sse_subscribe a.*.b;", "a * stands at the end"),
        ("sse_subscribe *$arg_c;", "a * stands at the end"),
        ("sse_subscribe a; sse_last_event_id from;", "\"from\" is no variable"),
        ("sse_subscribe a; sse_subscribe_by PUT;", "by GET or POST"),
        ("sse_subscribe a; sse_publish a; sse_subscribe_by POST;", "both publish and subscribe"),
        ("sse_subscribe a; sse_gap_event \"\";", "an event's type is one line"),
        ("sse_subscribe a; sse_heartbeat \"\" pong;", "a heartbeat is a text"),
        ("sse_subscribe a; sse_allow_headers \"x y\";", "no name of a header field"),
    ] {
        let said = fails(directives);
        assert!(said.contains(why) && said.contains(".conf:2"), "{directives}: {said}");
    }
}
