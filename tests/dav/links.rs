//! Symbolic links: where they lead is not the client's to change.

use std::fs;
use std::os::unix::fs::symlink;

use crate::{ask, server, tree};

/// nginx goes where a link in a tree leads, and fails where it leads nowhere.
#[test]
fn links_in_a_tree_are_not_followed() {
    let server = server();
    let html = server.path("html");
    symlink("nowhere", html.join("dir/dangling")).expect("a link");
    symlink("../other.txt", html.join("dir/outside")).expect("a link");
    symlink("../deep", html.join("dir/tree")).expect("a link");
    assert_eq!(ask(server.port(), "COPY /dir/", "Destination: /copy/\r\n", "").status, 201);
    assert_eq!(tree(&html.join("copy")), ["one: one", "sub/", "sub/two: two"]);
    assert_eq!(ask(server.port(), "MOVE /dir/", "Destination: /moved/\r\n", "").status, 201);
    assert!(html.join("moved/tree").is_symlink());
    // nginx copies as many bytes as the link's own text has.
    assert_eq!(ask(server.port(), "COPY /link", "Destination: /file\r\n", "").status, 204);
    assert_eq!(fs::read_to_string(html.join("file")).expect("a copy"), "0123456789");
    assert_eq!(ask(server.port(), "DELETE /moved/", "", "").status, 204);
    assert_eq!(ask(server.port(), "DELETE /dirlink/", "", "").status, 409);
    assert!(html.join("other.txt").exists() && html.join("deep/a/b/c").exists());
}
