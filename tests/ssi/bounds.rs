//! Pages that want too much.

use std::io::{Read, Write};

use support::{Server, raw};

use crate::{ask, both, connect};

fn memory(server: &Server) -> u64 {
    let worker = server.workers()[0];
    let status = std::fs::read_to_string(format!("/proc/{worker}/status")).expect("a worker");
    let line = status.lines().find(|line| line.starts_with("RssAnon")).expect("a line");
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
}

#[test]
fn a_command_that_never_ends_costs_no_memory() {
    let mut endless = b"a<!--#set ".to_vec();
    endless.resize(40 << 20, b'x');
    let mut values = b"a<!--#set ".to_vec();
    while values.len() < 40 << 20 {
        values.extend_from_slice(b"a='b' ");
    }
    let (server, _twin) = both(&[("endless.html", &endless), ("values.html", &values)]);
    let before = memory(&server);
    for page in ["/endless.html", "/values.html"] {
        assert_eq!(ask(server.port(), page, "").text(), "a", "{page}");
        assert!(memory(&server) < before + 8192, "{page}");
    }
}

#[test]
fn a_hundred_thousand_commands_are_carried_out() {
    let echoes = b"<!--#echo var='arg_x'-->".repeat(100_000);
    let includes = b"<!--#include virtual='/part.txt'-->".repeat(100_000);
    let sets = (0..100_000).map(|n| format!("<!--#set var='v{n}' value='{n}'-->"));
    let sets = sets.collect::<String>() + "<!--#echo var='v1'-->";
    let files: [(&str, &[u8]); 4] = [
        ("echoes.html", &echoes),
        ("includes.html", &includes),
        ("sets.html", sets.as_bytes()),
        ("part.txt", b"p"),
    ];
    let (server, _twin) = both(&files);
    let before = memory(&server);
    assert_eq!(ask(server.port(), "/echoes.html?x=1", "").text(), "1".repeat(100_000));
    // As many as nginx would count.
    let body = ask(server.port(), "/includes.html", "").text();
    assert_eq!(body.matches('p').count() - body.matches("[an").count(), 65535 - 1000);
    assert!(server.error_log().contains("request reference counter overflow"));
    let body = ask(server.port(), "/sets.html", "").text();
    assert!(body.ends_with('1') && body.contains("an error occurred"));
    assert!(server.error_log().contains("variables and blocks take more than ssi_max_memory"));
    assert!(memory(&server) < before + 16_384);
}

#[test]
fn what_doubles_does_not_grow_for_ever() {
    let doubling = b"<!--#set var='x' value='aaaaaaaaaaaaaaaa'-->".to_vec();
    let page = [doubling, b"<!--#set var='x' value='$x$x'-->".repeat(64)].concat();
    let blocks =
        [b"<!--#block name='b'-->".to_vec(), vec![b'b'; 4 << 20], b"<!--#endblock-->".to_vec()];
    let (server, _twin) = both(&[("page.html", &page), ("blocks.html", &blocks.concat())]);
    let before = memory(&server);
    assert!(ask(server.port(), "/page.html", "").text().contains("an error occurred"));
    let broken = raw(server.port(), b"GET /blocks.html HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(!broken.ends_with(b"0\r\n\r\n"), "it is not taken for complete");
    assert!(memory(&server) < before + 8192);
}

#[test]
fn a_page_that_includes_itself_twice_holds_nobody_up() {
    let page = b"<!--#include virtual='/page.html'-->.<!--#include virtual='/page.html'-->";
    let (server, _twin) = both(&[("page.html", page), ("part.txt", b"part")]);
    let mut greedy = connect(&server);
    greedy.write_all(b"GET /page.html HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    let mut first = [0; 256];
    greedy.read_exact(&mut first).expect("it begins");
    let before = memory(&server);
    for _ in 0..20 {
        assert_eq!(ask(server.port(), "/part.txt", "").text(), "part");
    }
    assert!(memory(&server) < before + 32_768);
    drop(greedy);
    assert_eq!(ask(server.port(), "/part.txt", "").text(), "part");
}
