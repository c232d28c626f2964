//! The command line, and what is said of configurations that are wrong.

mod first_minutes;

use std::path::Path;
use std::process::Output;

use support::{Dir, Start, rserve, site, start};

const BINARY: &str = env!("CARGO_BIN_EXE_rserve");

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// `rserve -t` of this text: the exit code and what it said.
fn test(text: impl AsRef<[u8]>) -> (i32, String) {
    let dir = Dir::new();
    dir.file("conf", text);
    let prefix = dir.path("");
    let output = rserve!(["-t", "-p", prefix.to_str().expect("a name"), "-c", "conf"]);
    let said = said(&output).replace(&format!("{}/", prefix.display()), "");
    assert!(!said.contains("panicked"), "{said}");
    (output.status.code().expect("no crash"), said)
}

/// What is said first of a configuration that is wrong.
#[track_caller]
fn fault(text: &str) -> String {
    let (code, said) = test(text);
    assert_eq!(code, 1, "{said}");
    assert!(said.ends_with("rserve: configuration file conf test failed\n"), "{said}");
    let fault = said.lines().find_map(|line| line.strip_prefix("rserve: [emerg] "));
    fault.unwrap_or_else(|| panic!("no fault in {said}")).to_owned()
}

#[test]
fn what_it_says_of_itself() {
    let version = concat!("rserve version: rserve/", env!("CARGO_PKG_VERSION"), "\n");
    let short = rserve!(["-v"]);
    assert_eq!((short.status.code(), said(&short).as_str()), (Some(0), version));
    let long = rserve!(["-V"]);
    assert!(said(&long).starts_with(version) && said(&long).contains("modules: "));
    assert_eq!(said(&rserve!(["--version"])), version);
    for letter in ["-h", "-?", "--help"] {
        let help = rserve!([letter]);
        assert_eq!(help.status.code(), Some(0));
        for option in [
            "-t",
            "-T",
            "-q",
            "-s signal",
            "-p prefix",
            "-e filename",
            "-c filename",
            "-g directives",
        ] {
            assert!(said(&help).contains(&format!("  {option}")), "{option}");
        }
    }
}

#[test]
fn options_that_are_wrong() {
    for (args, message) in [
        (&["-x"][..], "invalid option: \"x\""),
        (&["file"], "invalid option: \"file\""),
        (&["-"], "invalid option: \"-\""),
        (&["--nonsense"], "invalid option: \"-\""),
        (&["-tx"], "invalid option: \"x\""),
        (&["-c"], "option \"-c\" requires file name"),
        (&["-p"], "option \"-p\" requires directory name"),
        (&["-e"], "option \"-e\" requires file name"),
        (&["-g"], "option \"-g\" requires parameter"),
        (&["-s"], "option \"-s\" requires parameter"),
        (&["-s", "restart"], "invalid option: \"-s restart\""),
    ] {
        let output = rserve!(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert_eq!(said(&output), format!("rserve: {message}\n"), "{args:?}");
    }
}

#[test]
fn a_good_configuration() {
    let good = "events {}\nhttp { server { listen 8080; } }\n";
    assert_eq!(test(good), (0, "rserve: the configuration file conf syntax is ok\nrserve: configuration file conf test is successful\n".to_owned()));
    let dir = Dir::new();
    dir.file("conf", "events {}\ninclude more/*.conf;\n");
    dir.file("more/b.conf", "# b\n");
    dir.file("more/a.conf", "# a\n");
    let prefix = dir.path("");
    let prefix = prefix.to_str().expect("a name");
    let quiet = rserve!(["-tq", "-p", prefix, "-cconf"]);
    assert_eq!((quiet.status.code(), said(&quiet).as_str()), (Some(0), ""));
    let dump = rserve!(["-T", "-q", "-p", prefix, "-c", "conf"]);
    let text = String::from_utf8_lossy(&dump.stdout).replace(&format!("{prefix}/"), "");
    assert_eq!(
        text,
        "# configuration file conf:\nevents {}\ninclude more/*.conf;\n\n# configuration file more/a.conf:\n# a\n\n# configuration file more/b.conf:\n# b\n\n"
    );
}

#[test]
fn nothing_is_opened_by_a_test() {
    let dir = Dir::new();
    dir.file("conf", "events {} error_log none/error.log; http { access_log none/a.log; server { listen 127.0.0.1:1; } }");
    let prefix = dir.path("");
    let output = rserve!(["-t", "-p", prefix.to_str().expect("a name"), "-c", "conf"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(!dir.path("none").exists() && !dir.path("logs/rserve.pid").exists());
}

#[test]
fn faults_are_shown_where_they_are() {
    let (code, said) = test("events {}\nhttp {\n    server {\n        lisen 80;\n    }\n}\n");
    let wanted = "rserve: [emerg] unknown directive \"lisen\" in conf:4\n            lisen 80;\n            ^^^^^\ndid you mean \"listen\"?\nrserve: configuration file conf test failed\n";
    assert_eq!((code, said.as_str()), (1, wanted));
}

#[test]
fn faults_have_nginx_s_words() {
    for (text, message) in [
        ("root x;", "\"root\" directive is not allowed here in conf:1"),
        ("events {}\nevents {}", "\"events\" directive is duplicate in conf:2"),
        (
            "events {} http { sendfile maybe; }",
            "invalid value \"maybe\" in \"sendfile\" directive, it must be \"on\" or \"off\" in conf:1",
        ),
        ("events {} http { root; }", "invalid number of arguments in \"root\" directive in conf:1"),
        (
            "events {} http { root a b; }",
            "invalid number of arguments in \"root\" directive in conf:1",
        ),
        ("events {} http { root a }", "unexpected \"}\" in conf:1"),
        ("events {} http {", "unexpected end of file, expecting \"}\" in conf:1"),
        ("events {} http { root a", "unexpected end of file, expecting \";\" or \"}\" in conf:1"),
        ("events {} }", "unexpected \"}\" in conf:1"),
        ("events;", "directive \"events\" has no opening \"{\" in conf:1"),
        ("events {} http { root a {} }", "directive \"root\" is not terminated by \";\" in conf:1"),
        ("http {}", "no \"events\" section in configuration"),
        ("", "no \"events\" section in configuration"),
        ("include none;", "open() \"none\" failed (2: No such file or directory) in conf:1"),
        (
            "events {} http { server { location / { location /a/ {} location /a/ {} } } }",
            "duplicate location \"/a/\" in conf:1",
        ),
        (
            "events {} http { server { location /a/ { location /b/ {} } } }",
            "location \"/b/\" is outside location \"/a/\" in conf:1",
        ),
        (
            "events {} http { server { location ~ ( {} } }",
            "PCRE2: error compiling pattern at offset 1: missing closing parenthesis in conf:1",
        ),
        (
            "events {} http { log_format a b; log_format a c; }",
            "duplicate \"log_format\" name \"a\" in conf:1",
        ),
        (
            "events {} http { server { access_log a none; } }",
            "unknown log format \"none\" in conf:1",
        ),
        ("events {} http { server { return 200 $none; } }", "unknown \"none\" variable in conf:1"),
        (
            "events {} http { server { listen 99999; } }",
            "invalid port in \"99999\" of the \"listen\" directive in conf:1",
        ),
        (
            "events {} http { server { listen 80 default_server; } server { listen 80 default_server; } }",
            "a duplicate default server for 0.0.0.0:80 in conf:1",
        ),
    ] {
        assert_eq!(fault(text), message, "{text}");
    }
}

#[test]
fn hostile_configurations() {
    assert!(fault("include conf;").starts_with("include cycle: "));
    let deep = format!(
        "events {{}} http {{ server {{ {} {} }} }}",
        "location / { ".repeat(5000),
        "}".repeat(5000)
    );
    fault(&deep);
    fault(&"a {".repeat(100_000));
    fault(&"}".repeat(100_000));
    fault(&format!("events {{}} {}", "\"".repeat(10_001)));
    fault(&format!("events {{}} http {{ root {}; }}", "x".repeat(100_000)));
    fault(&format!("{};", "x ".repeat(100_000)));
    fault("events {} http { root \0; }");
    for bytes in [
        &b"events {} http { root \xff\xfe; }"[..],
        b"\xff",
        b"\0",
        b"\xef\xbb\xbfevents {}",
        b"events {}\r\nhttp {}\r\n",
        b"events {} http { root \"a\\\0b\"; }",
    ] {
        test(bytes);
    }
    let (code, _) =
        test(format!("events {{}}\n{}", "# a comment of some length\n".repeat(100_000)));
    assert_eq!(code, 0, "long, but right");
    let (code, said) = test(format!(
        "events {{}} http {{ {} }}",
        "server { listen 8080; location / { root html; } }\n".repeat(3000)
    ));
    assert_eq!(code, 0, "{}", said.lines().next().unwrap_or_default());
    for cut in 0..400 {
        let whole =
            site("root html; location ~ \"^/(a|b){2}$\" { return 200 \"a $uri\\n\"; } # end");
        let whole = format!("events {{}} {}", whole.replace("{port}", "8080"));
        test(&whole.as_bytes()[..cut.min(whole.len())]);
    }
}

#[test]
fn every_name_that_nginx_knows_is_known() {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/conf/known.tsv");
    let table = std::fs::read_to_string(table).expect("the table of names");
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [name, _, _, contexts, arguments, ..] = columns[..] else { panic!("{row}") };
        let Some(wrap) = contexts.split(',').find_map(around) else { continue };
        let count = arguments
            .trim_start_matches("block")
            .trim()
            .chars()
            .next()
            .and_then(|c| c.to_digit(10));
        let args = match arguments {
            "flag" => " on".to_owned(),
            _ => " 1".repeat(count.unwrap_or(0) as usize),
        };
        let end = if arguments.starts_with("block") { " {}" } else { ";" };
        let (_, said) = test(wrap.replace("HERE", &format!("{name}{args}{end}")));
        assert!(!said.contains("unknown directive"), "{row}\n{said}");
    }
}

/// A configuration around a directive of this context.
fn around(context: &str) -> Option<&'static str> {
    Some(match context {
        "main" => "HERE",
        "events" => "events { HERE }",
        "http" => "events {} http { HERE }",
        "server" => "events {} http { server { HERE } }",
        "location" => "events {} http { server { location / { HERE } } }",
        _ => return None,
    })
}

#[test]
fn the_shipped_configuration_is_right() {
    let output = rserve!(["-t", "-p", env!("CARGO_MANIFEST_DIR")]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(!said(&output).contains("[warn]"), "{}", said(&output));
}

#[test]
fn directives_of_the_command_line_go_first() {
    let dir = Dir::new();
    dir.file("conf", "events {}");
    let prefix = dir.path("");
    let prefix = prefix.to_str().expect("a name");
    let run = |globals: &str| rserve!(["-t", "-p", prefix, "-c", "conf", "-g", globals]);
    assert_eq!(run("daemon off; worker_processes 2;").status.code(), Some(0));
    assert!(said(&run("nonsense on;")).contains("unknown directive \"nonsense\" in command line"));
    assert!(said(&run("events {}")).contains("in command line"));
    assert!(said(&run("daemon off")).contains("in command line"));
    dir.file("conf", "events {} daemon on;");
    assert!(said(&run("daemon off;")).contains("\"daemon\" directive is duplicate in "));
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let server = start!(site("root html;"));
    let taken = site("root html;").replace("{port}", &server.port().to_string());
    let (code, said) = Start::new(BINARY).conf(taken).fail();
    assert_eq!(code, 1);
    assert!(
        said.contains(&format!(
            "bind() to 127.0.0.1:{} failed (98: Address already in use)",
            server.port()
        )),
        "{said}"
    );
    let (code, said) = Start::new(BINARY)
        .conf("error_log logs; http { server { listen 127.0.0.1:{port}; } }")
        .fail();
    assert_eq!(code, 1);
    assert!(said.contains("logs\" failed (21: Is a directory)"), "{said}");
    // A second one with the same pid file does not come up beside the first.
    let second = server.command(&[]);
    assert_eq!(second.status.code(), Some(1));
}

#[test]
fn the_error_log_of_the_command_line() {
    let dir = Dir::new();
    dir.file("conf", "events {} nonsense;");
    let prefix = dir.path("");
    let output =
        rserve!(["-p", prefix.to_str().expect("a name"), "-c", "conf", "-e", "logs/early.log"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("unknown directive \"nonsense\""));
}

#[test]
fn signals_by_name() {
    let mut server = start!(site("root html;"));
    server.file("html/a", "hello");
    assert_eq!(server.command(&["-s", "reload"]).status.code(), Some(0));
    assert_eq!(server.get("/a").text(), "hello");
    assert_eq!(server.command(&["-s", "reopen"]).status.code(), Some(0));
    server.set_conf("http { nonsense; }");
    let refused = server.command(&["-s", "reload"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("unknown directive \"nonsense\""), "{}", said(&refused));
    assert_eq!(server.get("/a").text(), "hello", "the old one stays");
    assert_eq!(server.command(&["-s", "quit"]).status.code(), Some(0));
    assert_eq!(server.wait_for_exit(), Some(0));
    assert!(!server.path("logs/rserve.pid").exists());
    let nobody = server.command(&["-s", "stop"]);
    assert_eq!(nobody.status.code(), Some(1));
}
