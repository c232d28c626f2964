//! What is written wrong: the same words as nginx's, with the same line.

use std::process::Command;

use support::{Dir, process};

/// What `nginx -t` and `rserve -t` say of a configuration: `None`, or the first complaint without the path.
fn verdicts(lines: &str) -> (Option<String>, Option<String>) {
    let dir = Dir::new();
    let text = format!("events {{ }}\nhttp {{\n{lines}\n}}\n");
    let path = dir.file("x.conf", format!("pid {}/pid;{text}", dir.path("").display()));
    let told = |program: &str, more: &[&str]| {
        let mut command = Command::new(program);
        command.arg("-t").arg("-p").arg(dir.path("")).arg("-c").arg(&path).args(more);
        let output = process::run(&mut command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = said.lines().find_map(|line| line.split_once("[emerg] ").map(|(_, rest)| rest));
        assert_eq!(output.status.success(), line.is_none(), "{said}");
        line.map(|line| {
            // nginx tells its number.
            let line = line
                .split_once("#")
                .and_then(|(_, rest)| rest.split_once(": "))
                .map_or(line, |(_, rest)| rest);
            line.replace(&*path.to_string_lossy(), "x.conf")
        })
    };
    (told("/usr/sbin/nginx", &["-e", "stderr"]), told(env!("CARGO_BIN_EXE_rserve"), &[]))
}

#[test]
fn errors_are_worded_as_nginxs() {
    for lines in [
        "limit_req_zone $uri zone=a:1m rate=1r/s;\nserver { limit_req zone=a; }",
        "limit_req_zone $uri zone=a:32768 rate=30r/m;\nserver { limit_req zone=a burst=5 nodelay; }",
        "limit_req_zone $uri zone=a rate=1r/s;",
        "limit_req_zone $uri zone=a: rate=1r/s;",
        "limit_req_zone $uri zone=a:x rate=1r/s;",
        "limit_req_zone $uri zone=a:1x rate=1r/s;",
        "limit_req_zone $uri zone=a:-1 rate=1r/s;",
        "limit_req_zone $uri zone=a:1 rate=1r/s;",
        "limit_req_zone $uri zone=a:32767 rate=1r/s;",
        "limit_req_zone $uri zone=:1m rate=1r/s;",
        "limit_req_zone $uri zone=a:1m rate=0r/s;",
        "limit_req_zone $uri zone=a:1m rate=r/s;",
        "limit_req_zone $uri zone=a:1m rate=-1r/s;",
        "limit_req_zone $uri zone=a:1m rate=1r/h;",
        "limit_req_zone $uri zone=a:1m rate=;",
        "limit_req_zone $uri zone=a:1m burst=1;",
        "limit_req_zone $uri rate=1r/s rate=2r/s;",
        "limit_req_zone $uri zone=a:1m;",
        "limit_req_zone $uri zone=a:1m rate=1r/s;\nlimit_req_zone $args zone=a:1m rate=1r/s;",
        "limit_req_zone $uri zone=a:1m rate=1r/s;\nlimit_req_zone $uri zone=a:2m rate=1r/s;",
        "limit_req_zone $uri zone=a:1m rate=1r/s;\nserver {\nlimit_req burst=1; }",
        "limit_req_zone $uri zone=a:1m rate=1r/s;\nserver {\nlimit_req zone=a burst=0; }",
        "limit_req_zone $uri zone=a:1m rate=1r/s;\nserver {\nlimit_req zone=a burst=x; }",
        "limit_req_zone $uri zone=a:1m rate=1r/s;\nserver {\nlimit_req zone=a delay=0; }",
        "limit_req_zone $uri zone=a:1m rate=1r/s;\nserver {\nlimit_req zone=a delay=; }",
        "limit_req_zone $uri zone=a:1m rate=1r/s;\nserver {\nlimit_req zone=a no; }",
        "limit_req_zone $uri zone=a:1m rate=1r/s;\nserver {\nlimit_req a; }",
        "limit_req_zone $uri zone=a:1m rate=1r/s;\nserver { limit_req zone=a;\nlimit_req zone=a burst=2; }",
        "limit_req_status 399;",
        "limit_req_status 600;",
        "limit_req_status x;",
        "limit_req_status 429;\nlimit_req_status 429;",
        "limit_req_dry_run yes;",
        "limit_conn_zone $uri zone=a:1m;\nserver { limit_conn a 1; }",
        "limit_conn_zone $uri zone=a;",
        "limit_conn_zone $uri zone=a:9;",
        "limit_conn_zone $uri zone=:1m;",
        "limit_conn_zone $uri zone=a:1m more;",
        "limit_conn_zone $uri a:1m;",
        "limit_conn_zone $uri zone=a:1m;\nlimit_conn_zone $args zone=a:1m;",
        "limit_conn_zone $uri zone=a:1m;\nserver {\nlimit_conn a 0; }",
        "limit_conn_zone $uri zone=a:1m;\nserver {\nlimit_conn a x; }",
        "limit_conn_zone $uri zone=a:1m;\nserver {\nlimit_conn a 65535; }",
        "limit_conn_zone $uri zone=a:1m;\nserver {\nlimit_conn a 65536; }",
        "limit_conn_zone $uri zone=a:1m;\nserver {\nlimit_conn a 1;\nlimit_conn a 2; }",
        "limit_conn_zone $uri zone=a:1m;\nserver {\nlimit_conn a; }",
        "limit_conn_status 200;",
        "server { location / { limit_conn_zone $uri zone=a:1m; } }",
        "server { location / { limit_req_zone $uri zone=a:1m rate=1r/s; } }",
    ] {
        let (nginx, rserve) = verdicts(lines);
        assert_eq!(rserve, nginx, "{lines}");
    }
}

/// nginx says these without a line, or in the order of its modules.
#[test]
fn errors_with_more_than_nginx_tells() {
    for (lines, why) in [
        ("server {\nlimit_req zone=none; }", "zero size shared memory zone \"none\" in x.conf:4"),
        ("server {\nlimit_conn none 1; }", "zero size shared memory zone \"none\" in x.conf:4"),
        (
            "limit_conn_zone $uri zone=a:1m;\nserver {\nlimit_req zone=a; }",
            "zero size shared memory zone \"a\" in x.conf:5",
        ),
        (
            "limit_req_zone $uri zone=a:1m rate=1r/s;\nlimit_conn_zone $uri zone=a:1m;\nserver { }",
            "the shared memory zone \"a\" is already declared for a different use in x.conf:4",
        ),
        (
            "limit_req_zone $nothing zone=a:1m rate=1r/s;",
            "unknown \"nothing\" variable in x.conf:3",
        ),
        ("limit_conn_zone $nothing zone=a:1m;", "unknown \"nothing\" variable in x.conf:3"),
        ("limit_req_log_level crit;", "invalid value \"crit\" in x.conf:3"),
        ("limit_conn_log_level debug;", "invalid value \"debug\" in x.conf:3"),
        (
            "limit_req_zone $uri zone=a:1m rate=9223372036854775807r/s;",
            "invalid rate \"rate=9223372036854775807r/s\" in x.conf:3",
        ),
        (
            "limit_req_zone $uri zone=a:2000000g rate=1r/s;",
            "invalid zone size \"zone=a:2000000g\" in x.conf:3",
        ),
    ] {
        let (nginx, rserve) = verdicts(lines);
        assert_eq!(rserve.as_deref(), Some(why));
        // Numbers beyond all measure nginx takes, or wraps.
        assert!(nginx.is_some() || lines.contains("9223372036854775807"), "{lines}");
    }
    // Which nginx's commercial version has; here it is without effect.
    let (_, rserve) = verdicts("limit_req_zone $uri zone=a:1m rate=1r/s sync;");
    assert_eq!(rserve, None);
}
