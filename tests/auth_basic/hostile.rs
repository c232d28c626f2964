//! Who would get in without a password, or keep others out.

use std::time::Duration;

use support::{http, start, wait_for};

use crate::{as_user, ask, base64};

const SLOW: &str = "$6$rounds=200000$salt$";

fn made(password: &str, salt: &str) -> String {
    let script = format!("print crypt('{password}', '{salt}')");
    let made = support::process::run(std::process::Command::new("perl").arg("-e").arg(script));
    String::from_utf8(made.stdout).expect("a text")
}

#[test]
fn a_variable_leads_to_no_other_file() {
    let server = start!(http(
        "server { listen 127.0.0.1:{port}; root html;
           location / { auth_basic x; auth_basic_user_file {dir}/users/$arg_of; try_files /a =404; } }"
    ));
    server.file("html/a", "");
    server.file("users/site", "a:{PLAIN}b\n");
    server.file("html/upload", "evil:{PLAIN}evil\n");
    assert_eq!(as_user(server.port(), "/?of=site", "a", "b"), 200);
    for path in ["/?of=../html/upload", "/?of=./../html/upload", "/?of=..", "/?of=none", "/?of=/"] {
        let status = as_user(server.port(), path, "evil", "evil");
        assert!(status == 403 || status == 500, "{path}: {status}");
    }
}

#[test]
fn odd_files_let_nobody_in_and_stop_nobody() {
    let server = start!(http(
        "server { listen 127.0.0.1:{port}; root html;
           location / { auth_basic x; auth_basic_user_file {dir}/users; try_files /a =404; auth_basic_user_file_size 1k; }
           location /free { alias html/a; } }"
    ));
    server.file("html/a", "");
    let path = server.path("users");
    let fifo = support::process::run(std::process::Command::new("mkfifo").arg(&path));
    assert!(fifo.status.success());
    assert_eq!(as_user(server.port(), "/", "a", "b"), 500);
    std::fs::remove_file(&path).expect("removed");
    server.file("users", "a:{PLAIN}b\n".repeat(200));
    assert_eq!(as_user(server.port(), "/", "a", "b"), 500);
    assert!(server.error_log().contains("it has more than 1024 bytes"), "{}", server.error_log());
    for text in ["", "\0\0\0", "a", "a:", "a:$6$", "a:$y$j9T$x$", "a:{SHA}", "\u{feff}a:{PLAIN}b\n"]
    {
        server.file("users", text);
        assert_eq!(as_user(server.port(), "/", "a", "b"), 401, "{text:?}");
        assert_eq!(as_user(server.port(), "/", "a", ""), 401, "{text:?}");
    }
    assert_eq!(ask(server.port(), "GET", "/free", "").status, 200);
}

#[test]
fn a_flood_of_passwords_stops_nobody_else() {
    let conf = "server { listen 127.0.0.1:{port}; root html;
           location / { auth_basic x; auth_basic_user_file {dir}/users; auth_basic_waiting 4; try_files /a =404; }
           location /free { alias html/a; } }";
    let server = start!(http(conf));
    server.file("html/a", "");
    server.file("users", format!("a:{}\nquick:{{PLAIN}}q\n", made("secret", SLOW)));
    assert_eq!(as_user(server.port(), "/", "a", "secret"), 200);
    let port = server.port();
    let guess = |n: usize| {
        let said = base64(format!("a:guess{n}").as_bytes());
        format!("GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {said}\r\n\r\n")
    };
    let mut wires: Vec<_> = (0..32).map(|_| server.wire()).collect();
    for (n, wire) in wires.iter_mut().enumerate() {
        assert!(wire.send(guess(n)));
    }
    // Those who need no turn are served meanwhile, those who are remembered too.
    assert_eq!(ask(port, "GET", "/free", "").status, 200);
    assert_eq!(as_user(port, "/", "quick", "q"), 200);
    assert_eq!(as_user(port, "/", "a", "secret"), 200);
    let statuses: Vec<u16> = wires.iter_mut().map(|wire| wire.answer().status).collect();
    assert!(statuses.iter().all(|status| matches!(status, 401 | 503)), "{statuses:?}");
    assert!(statuses.contains(&503) && statuses.contains(&401), "{statuses:?}");
    // Those who ask and go leave no turn taken.
    for n in 0..16 {
        let mut wire = server.wire();
        wire.send(guess(100 + n));
        drop(wire);
    }
    server.wait_for("turns again", || as_user(port, "/", "a", "other") == 401);
}

#[test]
fn the_time_does_not_tell_who_is_a_user() {
    let server = start!(http(
        "server { listen 127.0.0.1:{port}; root html;
           location / { auth_basic x; auth_basic_user_file {dir}/users; try_files /a =404; } }"
    ));
    server.file("html/a", "");
    server.file("users", format!("a:{}\n", made("secret", SLOW)));
    // What it costs is told by the processor's time of the worker, which others do not change.
    let process = server.workers().first().copied().unwrap_or_else(|| server.pid());
    let spent = || {
        let threads =
            std::fs::read_dir(format!("/proc/{process}/task")).expect("threads").flatten();
        let ids = threads.filter_map(|thread| thread.file_name().to_string_lossy().parse().ok());
        ids.map(support::proc::cpu_ms).sum::<u64>()
    };
    let cost = |user: &str| {
        let before = spent();
        for n in 0..4 {
            assert_eq!(as_user(server.port(), "/", user, &format!("wrong{n}")), 401);
        }
        Duration::from_millis(spent() - before)
    };
    let (known, unknown) = (cost("a"), cost("nobody"));
    assert!(known > Duration::from_millis(50), "{known:?}");
    assert!(unknown * 2 > known, "{known:?} and {unknown:?}");
    wait_for("its line", || server.error_log().contains("user \"nobody\" was not found in"));
}
