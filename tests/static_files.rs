//! Files: GET and HEAD.

use support::{site, start};

#[test]
fn a_file_is_served() {
    let server = start!(site("location / {}"));
    server.file("html/a.txt", "hello");
    let answer = server.get("/a.txt");
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    assert_eq!(answer.header("Content-Length"), Some("5"));
    println!("{answer:?}\n{}", server.error_log());
}
