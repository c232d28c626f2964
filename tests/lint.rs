//! `rserve -t --lint`.

use std::process::Command;

use support::{Dir, process};

/// Writes the page instead of comparing it.
const WRITE: &str = "RSERVE_WRITE_LINT";

#[test]
fn the_page_is_what_the_checks_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/lint.md");
    let wanted = lint::page();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(path, &wanted).expect("docs/lint.md is written");
    }
    let page = std::fs::read_to_string(path).unwrap_or_default();
    assert!(page == wanted, "{path} is out of date: run this test with {WRITE}=1");
}

/// The exit status, and what is said of a configuration in two files.
fn look(options: &[&str], site: &str) -> (Option<i32>, String) {
    let dir = Dir::new();
    dir.file("site.conf", site);
    let conf =
        dir.file("rserve.conf", "events {}\nhttp { include site.conf; include site.conf; }\n");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rserve"));
    command.arg("-p").arg(dir.path("")).arg("-c").arg(conf).args(options);
    let output = process::run(&mut command);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

const SITE: &str = "server {\n    location /i { alias /srv/images/; }\n}\n";

#[test]
fn a_trap_is_told_once_with_place_and_remedy() {
    let (status, said) = look(&["-t", "--lint"], SITE);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(said.matches("[lint] alias_traversal: ").count(), 1, "{said}");
    for part in ["site.conf:2\n", "^^^^^^^^^^^^\nend both with a slash", "test is successful"] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert!(!look(&["-t"], SITE).1.contains("[lint]"));
}

#[test]
fn what_is_not_served_is_looked_at_and_the_status_is_that_of_the_test() {
    let site = SITE.replace("alias /srv", "perl_set $a b; alias /srv");
    let (status, said) = look(&["-t", "-q", "--lint"], &site);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("[emerg]") && said.contains("[lint] alias_traversal"), "{said}");
}

#[test]
fn it_goes_with_a_test_only() {
    let (status, said) = look(&["--lint"], SITE);
    assert_eq!((status, said.contains("--lint")), (Some(1), true), "{said}");
}
