//! `rserve -s upgrade`: the whole change in one command, with a verdict.

use support::{Start, process, site, start};

use crate::{BINARY, OLD, command, conf, stays};

#[test]
fn it_returns_when_the_new_binary_serves() {
    let server = start!(conf("one"));
    for word in ["two", "three"] {
        let old = server.pid();
        server.set_conf(conf(word));
        command(&server, &["-s", "upgrade"]);
        assert_ne!(server.pid(), old);
        process::wait_for_end(old);
        assert_eq!(server.get("/").text(), word);
        assert!(!server.path(OLD).exists());
    }
}

#[test]
fn it_fails_when_the_new_binary_does_not_serve() {
    let server = start!(conf("one"));
    let workers = server.workers();
    server.set_conf("http { nonsense; }");
    let output = server.command(&["-s", "upgrade"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("exited with code 1; why is in the error log"), "{said}");
    stays(&server, &workers);
}

#[test]
fn one_process_cannot_be_upgraded() {
    let conf = format!("master_process off; {}", site("return 200 one;"));
    let server = Start::new(BINARY).conf(conf).start();
    let output = server.command(&["-s", "upgrade"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("master_process off"), "{said}");
    assert_eq!(server.get("/").text(), "one");
}
