//! What nginx does is the measure, but where it does harm.

use std::fs;

use support::Twin;

use crate::{ask, conf, fill, server, tree};

/// Lines, fields and bodies for which nginx's answer, and what it does to the files, is the measure.
const AS_NGINX: &[(&str, &str, &str)] = &[
    ("PUT /new", "Content-Length: 3\r\n", "abc"),
    ("PUT /new%20name%C3%A4", "Content-Length: 3\r\n", "abc"),
    ("PUT /file.txt", "Content-Length: 3\r\n", "abc"),
    ("PUT /empty-file", "Content-Length: 0\r\n", ""),
    ("PUT /chunked", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"),
    ("PUT /dir", "Content-Length: 3\r\n", "abc"),
    ("PUT /dir/", "Content-Length: 3\r\n", "abc"),
    ("PUT /new/", "Content-Length: 3\r\n", "abc"),
    ("PUT /new", "Content-Length: 3\r\nContent-Range: bytes 0-2/3\r\n", "abc"),
    ("PUT /link", "Content-Length: 3\r\n", "abc"),
    ("PUT /made/a/b/c", "Content-Length: 3\r\n", "abc"),
    ("PUT /get/x", "Content-Length: 3\r\n", "abc"),
    ("PUT /put/../new", "Content-Length: 3\r\n", "abc"),
    ("PUT /alias/three", "Content-Length: 3\r\n", "abc"),
    ("PUT /large", "Content-Length: 2000000\r\n", ""),
    ("DELETE /file.txt", "", ""),
    ("DELETE /file.txt", "Depth: 0\r\n", ""),
    ("DELETE /file.txt", "Depth: 1\r\n", ""),
    ("DELETE /file.txt", "Depth: infinity\r\n", ""),
    ("DELETE /file.txt", "Depth: x\r\n", ""),
    ("DELETE /file.txt", "Content-Length: 3\r\n", "abc"),
    ("DELETE /file.txt/", "", ""),
    ("DELETE /none", "", ""),
    ("DELETE /none/none", "", ""),
    ("DELETE /dir", "", ""),
    ("DELETE /dir/", "", ""),
    ("DELETE /dir/", "Depth: 0\r\n", ""),
    ("DELETE /empty/", "", ""),
    ("DELETE /link", "", ""),
    ("DELETE /dirlink", "", ""),
    ("DELETE /put/x", "", ""),
    ("DELETE /deep/d", "", ""),
    ("DELETE /deep/a/b/c", "", ""),
    ("DELETE /deep/a/", "", ""),
    ("DELETE /deep/a/b/", "", ""),
    ("DELETE /page/none", "", ""),
    ("MKCOL /new/", "", ""),
    ("MKCOL /new", "", ""),
    ("MKCOL /dir/", "", ""),
    ("MKCOL /file.txt/", "", ""),
    ("MKCOL /none/none/", "", ""),
    ("MKCOL /new/", "Content-Length: 3\r\n", "abc"),
    ("COPY /file.txt", "", ""),
    ("COPY /file.txt", "Destination: /new\r\n", ""),
    ("COPY /file.txt", "Destination: http://localhost:{port}/new\r\n", ""),
    ("COPY /file.txt", "Destination: http://localhost/new\r\n", ""),
    ("COPY /file.txt", "Destination: http://elsewhere/new\r\n", ""),
    ("COPY /file.txt", "Destination: ftp://localhost/new\r\n", ""),
    ("COPY /file.txt", "Destination: new\r\n", ""),
    ("COPY /file.txt", "Destination: http://localhost\r\n", ""),
    ("COPY /file.txt", "Destination: /../new\r\n", ""),
    ("COPY /file.txt", "Destination: /dir/%2e%2e/new\r\n", ""),
    ("COPY /file.txt", "Destination: /new%00\r\n", ""),
    ("COPY /file.txt", "Destination: /new%20name\r\n", ""),
    ("COPY /file.txt", "Destination: /new/\r\n", ""),
    ("COPY /file.txt", "Destination: /other.txt\r\n", ""),
    ("COPY /file.txt", "Destination: /other.txt\r\nOverwrite: F\r\n", ""),
    ("COPY /file.txt", "Destination: /other.txt\r\nOverwrite: T\r\n", ""),
    ("COPY /file.txt", "Destination: /other.txt\r\nOverwrite: x\r\n", ""),
    ("COPY /file.txt", "Destination: /new\r\nOverwrite: F\r\n", ""),
    ("COPY /file.txt", "Destination: /dir\r\n", ""),
    ("COPY /file.txt", "Destination: /dir/new\r\n", ""),
    ("COPY /file.txt", "Destination: /new\r\nDepth: 1\r\n", ""),
    ("COPY /file.txt", "Destination: /new\r\nDepth: 0\r\n", ""),
    ("COPY /file.txt", "Destination: /new\r\nContent-Length: 3\r\n", "abc"),
    ("COPY /none", "Destination: /new\r\n", ""),
    ("COPY /dir", "Destination: /new\r\n", ""),
    ("COPY /dir/", "Destination: /new\r\n", ""),
    ("COPY /dir/", "Destination: /new/\r\n", ""),
    ("COPY /dir/", "Destination: /empty/\r\n", ""),
    ("COPY /alias/one", "Destination: /alias/three\r\n", ""),
    ("COPY /put/x", "Destination: /new\r\n", ""),
    // Chunks are a body, also where there is nothing in them.
    ("DELETE /file.txt", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("MKCOL /new/", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("COPY /file.txt", "Destination: /new\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("MOVE /file.txt", "Destination: /new\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("DELETE /file.txt", "Content-Length: 0\r\n", ""),
    ("GET /file.txt", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ("MOVE /file.txt", "", ""),
    ("MOVE /file.txt", "Destination: /new\r\n", ""),
    ("MOVE /file.txt", "Destination: /other.txt\r\n", ""),
    ("MOVE /file.txt", "Destination: /other.txt\r\nOverwrite: F\r\n", ""),
    ("MOVE /file.txt", "Destination: /new\r\nDepth: 0\r\n", ""),
    ("MOVE /file.txt", "Destination: /new/\r\n", ""),
    ("MOVE /none", "Destination: /new\r\n", ""),
    ("MOVE /dir/", "Destination: /new/\r\n", ""),
    ("MOVE /dir/", "Destination: /empty/\r\n", ""),
    ("MOVE /link", "Destination: /new\r\n", ""),
    ("PROPFIND /", "", ""),
    ("GET /file.txt", "", ""),
];

#[test]
fn files_and_answers_are_as_nginx_leaves_them() {
    let server = server();
    let twin = Twin::start(conf(), &server);
    let html = server.path("html");
    let mut differ = Vec::new();
    for (line, fields, body) in AS_NGINX {
        let mut outcomes = Vec::new();
        for port in [server.port(), twin.port()] {
            fill(&html);
            let answer = ask(port, line, fields, body);
            let location =
                answer.header("Location").map(|to| to.replace(&port.to_string(), "PORT"));
            let length = answer.header("Content-Length").filter(|_| answer.status < 300);
            outcomes.push((answer.status, location, length.map(str::to_owned), tree(&html)));
        }
        if outcomes[0] != outcomes[1] {
            differ
                .push(format!("{line} {fields}: {:?}\n    nginx: {:?}", outcomes[0], outcomes[1]));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(AS_NGINX.len() > 80);
}

/// A client writes the scheme that it speaks, which is another than the server's where somebody in front of it ends TLS.
#[test]
fn a_destination_has_either_scheme() {
    let server = server();
    for scheme in ["http", "https", "HTTPS"] {
        for method in ["COPY", "MOVE"] {
            fill(&server.path("html"));
            let field = format!("Destination: {scheme}://localhost:{}/new\r\n", server.port());
            assert_eq!(
                ask(server.port(), &format!("{method} /file.txt"), &field, "").status,
                204,
                "{method} {scheme}"
            );
            assert_eq!(fs::read_to_string(server.path("html/new")).expect("a file"), "0123456789");
            assert_eq!(server.path("html/file.txt").exists(), method == "COPY");
        }
    }
}

/// Where nginx does harm, or answers what RFC 4918 does not.
#[test]
fn what_nginx_does_worse() {
    let server = server();
    let html = server.path("html");
    for (line, fields, status, why) in [
        // nginx: 500.
        ("PUT /none/none", "Content-Length: 3\r\n", 409, "RFC 4918 §9.7.1: no parent"),
        // nginx truncates the file.
        ("COPY /file.txt", "Destination: /file.txt\r\n", 403, "RFC 4918 §9.8.5: the same"),
        ("COPY /file.txt", "Destination: /link\r\n", 204, "a link is replaced, not followed"),
        ("MOVE /file.txt", "Destination: /file.txt\r\n", 403, "RFC 4918 §9.9.4: the same"),
        // nginx copies until the path is too long.
        ("COPY /dir/", "Destination: /dir/sub/new/\r\n", 403, "a tree into itself"),
        ("COPY /dir/", "Destination: /dirlink/sub/new/\r\n", 403, "the same through a link"),
        ("MOVE /dir/", "Destination: /dir/sub/new/\r\n", 403, "a tree into itself"),
        ("COPY /dir/sub/", "Destination: /dir/\r\n", 403, "a tree onto what it is in"),
        // nginx compares the beginning alone.
        ("COPY /file.txt", "Destination: http://localhost.example/new\r\n", 400, "another host"),
        (
            "COPY /alias/one",
            "Destination: /new\r\n",
            500,
            "nginx cuts the path at the alias's length",
        ),
        ("DELETE /", "", 403, "nginx empties the root"),
        ("COPY /file.txt", "Destination: /none/new\r\n", 409, "RFC 4918 §9.8.5: no parent"),
    ] {
        fill(&html);
        let before = tree(&html);
        let answer = ask(server.port(), line, fields, "abc");
        assert_eq!(answer.status, status, "{line} {fields}: {why}");
        if status >= 400 {
            assert_eq!(tree(&html), before, "{line} {fields}: {why}");
        }
    }
}
