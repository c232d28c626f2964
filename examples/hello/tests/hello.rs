//! The module in a running server: its directive, its variable, its waiting for a body.

use support::{Server, Start};

fn start(body: &str) -> Server {
    Start::new(env!("CARGO_BIN_EXE_rserve-hello")).conf(support::site(body)).start()
}

#[test]
fn a_greeting_with_a_variable_of_its_own() {
    let server = start("location /hi { hello $hello_name; }");
    assert_eq!(server.get("/hi/Ada").text(), "hello, Ada\n");
    assert_eq!(server.curl(&["-I"], "/hi/Ada").header("content-length"), Some("11"));
    assert_eq!(server.curl(&["-X", "PUT"], "/hi/Ada").status, 405);
}

#[test]
fn a_posted_name_is_waited_for() {
    let server = start("location / { hello nobody; }");
    let mut client = server.wire();
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGr");
    client.send("ace");
    assert_eq!(client.answer().text(), "hello, Grace\n");
    // The connection goes on behind the body, and takes one in chunks.
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nAla\r\n1\r\nn\r\n0\r\n\r\n");
    assert_eq!(client.answer().text(), "hello, Alan\n");
}

#[test]
fn curl_is_told_to_go_on_and_a_long_body_is_refused() {
    let server = start("location / { hello nobody; }");
    let answer = server.curl(&["-H", "Expect: 100-continue", "-d", "Edsger"], "/");
    assert_eq!(answer.text(), "hello, Edsger\n");
    let long = "x".repeat(2000);
    assert_eq!(server.curl(&["-d", &long], "/").status, 413);
}

#[test]
fn a_missing_argument_is_explained() {
    let conf = support::site("location / { hello; }");
    let (code, message) = Start::new(env!("CARGO_BIN_EXE_rserve-hello")).conf(conf).fail();
    assert_eq!(code, 1);
    assert!(message.contains("invalid number of arguments in \"hello\" directive"), "{message}");
}

/// The block of `docs/own-module.md`.
#[test]
fn the_configuration_of_the_page() {
    let page = include_str!("../../../docs/own-module.md");
    let block = page.split("```nginx hello\n").nth(1).and_then(|rest| rest.split("```").next());
    let server = start(block.expect("a block in docs/own-module.md"));
    assert_eq!(server.get("/hi/Ada").text(), "hello, Ada\n");
}

#[test]
fn the_binary_names_its_module() {
    let run = |option: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rserve-hello"));
        let output = support::process::run(command.arg(option));
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let version = run("-V");
    assert!(version.contains("log hello static"), "{version}");
    let reference = run("--directives");
    for row in ["## hello", "| `hello` |", "| `$hello_name` | the last part of the path |"] {
        assert!(reference.contains(row), "no {row} in {reference}");
    }
}
