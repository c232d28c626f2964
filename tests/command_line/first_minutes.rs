//! What somebody meets who tries the server: what a start says, where it looks, what `-t` tells.

use support::{Dir, Start, site};

use crate::{BINARY, said, test};

/// In a terminal a start says what runs where; the error log names the addresses, too.
#[test]
fn a_start_in_a_terminal_says_what_runs() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let start = Start::new(BINARY).conf(site("listen 127.0.0.1:{port2}; return 200 ok;"));
    let dir = start.dir();
    let mut server = start.start();
    assert_eq!(server.stop(), Some(0));
    assert_eq!(dir.text("logs/stderr"), "", "nobody sits before a file");
    let (port, prefix) = (server.port(), dir.path(""));
    let listening = format!("listening on http://127.0.0.1:{port}/");
    assert!(server.error_log().contains(&listening), "{}", server.error_log());

    // `script` gives it a terminal.
    let command = format!("{BINARY} -p {} -c rserve.conf", prefix.display());
    let mut child = Command::new("script")
        .args(["-qefc", &command, "/dev/null"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script (Debian: bsdutils)");
    let mut said = String::new();
    let mut lines = BufReader::new(child.stdout.take().expect("its output"));
    while !said.contains("to stop it") && lines.read_line(&mut said).is_ok_and(|n| n > 0) {}
    for wanted in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{}/", server.port2()),
        format!("configuration   {}/rserve.conf", prefix.display()),
        format!("error log       {}/logs/error.log", prefix.display()),
        format!("{command} -s reload"),
        format!("{command} -s quit   (or Ctrl-C)"),
    ] {
        assert!(said.contains(&wanted), "no {wanted} in {said}");
    }
    assert!(server.command(&["-s", "quit"]).status.success());
    assert!(child.wait().expect("wait").success());
}

/// Once installed, the current directory does not matter; in a checkout its own file wins.
#[test]
fn where_the_configuration_is_looked_for() {
    let (installed, checkout, elsewhere) = (Dir::new(), Dir::new(), Dir::new());
    installed.file("conf/rserve.conf", "events {} # installed\n");
    checkout.file("conf/rserve.conf", "events {} # checkout\n");
    let dump = |dir: &Dir, args: &[&str]| {
        let mut command = std::process::Command::new(BINARY);
        command.args(["-T", "-q"]).args(args).current_dir(dir.path(""));
        let output = support::process::run(command.env("RSERVE_PREFIX", installed.path("")));
        String::from_utf8_lossy(&output.stdout).into_owned() + &said(&output)
    };
    assert!(dump(&elsewhere, &[]).contains("# installed"));
    assert!(dump(&checkout, &[]).contains("# checkout"));
    let prefix = checkout.path("").to_string_lossy().into_owned();
    assert!(dump(&elsewhere, &["-p", &prefix]).contains("# checkout"));
    let nothing = dump(&elsewhere, &["-c", "conf/other.conf"]);
    assert!(nothing.contains("conf/other.conf\" failed (2: No such file"), "{nothing}");
    assert!(nothing.contains("-c names another file"), "{nothing}");
}

/// A configuration of somebody who tries the server: everything that is not served, at once.
#[test]
fn every_refusal_is_told_in_one_run() {
    let (code, said) = test(
        "load_module modules/ngx_rtmp_module.so;
events { use poll; }
http {
    variables_hash_max_size 1024;
    http2_push off;
    http2_push_preload off;
    upstream app { server 127.0.0.1:3000; }
    server {
        listen 443 quic;
        location / { grpc_pass app; }
        location /a { grpc_pass app; rang on; }
        location /b { nchan_subscriber; set_md5 $a b; root; }
    }
}
",
    );
    assert_eq!(code, 1);
    for wanted in [
        "[warn] \"load_module\" directive has no effect (rserve has live video of its own",
        "[warn] no effect: as in nginx: nothing is pushed, clients have given that up\n\
         \x20   http2_push           conf:5\n\
         \x20   http2_push_preload   conf:6\n",
        "[emerg] invalid event type \"poll\"",
        "[emerg] not served: rserve does not proxy gRPC yet\n\
         \x20   grpc_pass   conf:10, 11\n",
        "[warn] \"listen ... quic\" has no effect: rserve does not speak HTTP/3 yet in conf:9",
        "[emerg] unknown directive \"rang\" in conf:11",
        "[emerg] \"nchan_subscriber\" directive is of the module nchan (rserve has event streams of its own",
        "[emerg] \"set_md5\" directive is of the module set-misc",
        "[emerg] invalid number of arguments in \"root\" directive in conf:12",
        "rserve: serves 13 of 20 directives; not yet: grpc_pass, nchan_subscriber, \
         set_md5; 3 mistakes\n\
         rserve: configuration file conf test failed\n",
    ] {
        assert!(said.contains(wanted), "no {wanted} in\n{said}");
    }
    // A start stops at the first, as nginx's does.
    let start = Start::new(BINARY).conf("rang on; roar on;");
    let (_, said) = start.fail();
    assert!(said.contains("\"rang\"") && !said.contains("\"roar\""), "{said}");
}

/// Whoever read what it says may be gone, or the disk full that takes it.
#[test]
fn nobody_has_to_read_what_it_says() {
    for (words, code) in [("-h", "0"), ("-V", "0"), ("-t -c missing.conf", "1"), ("-x", "1")] {
        let script = format!("{BINARY} {words} 2>/dev/full; echo $?");
        let output = support::process::run(std::process::Command::new("sh").args(["-c", &script]));
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), code, "{words}");
    }
}
