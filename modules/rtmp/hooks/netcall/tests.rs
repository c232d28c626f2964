use std::cell::RefCell;

use super::*;

#[test]
fn requests() {
    let url = Url::parse("http://127.0.0.1:8080/auth?x=1").expect("a url");
    let text = String::from_utf8(url.request(Method::Get, b"call=play")).expect("text");
    assert!(text.starts_with("GET /auth?x=1&call=play HTTP/1.0\r\nHost: 127.0.0.1:8080\r\n"));
    let url = Url::parse("http://127.0.0.1").expect("a url");
    let text = String::from_utf8(url.request(Method::Post, b"call=play")).expect("text");
    assert!(text.starts_with("POST / HTTP/1.0\r\nHost: 127.0.0.1\r\n"));
    assert!(text.ends_with("Content-Length: 9\r\n\r\ncall=play"));
    let url = Url::parse("https://[::1]:8443/x").expect("a url");
    assert_eq!((url.name(), url.is_secure(), url.addresses[0].port()), ("[::1]", true, 8443));
    assert_eq!(Url::parse("https://127.0.0.1/").expect("a url").addresses[0].port(), 443);
    assert!(Url::parse("http://no.such.host.invalid/").is_err());
}

fn answer_of(bytes: &str) -> Answer {
    let parsed = proto::http1::parse_response(bytes.as_bytes());
    answer(&parsed.expect("HTTP").expect("all of it").0)
}

#[test]
fn answers() {
    assert_eq!(answer_of("HTTP/1.1 204 No Content\r\nA: b\r\n\r\nbody"), Answer::Status(204));
    let redirect = "HTTP/1.0 302 Found\r\nA: b\r\nlocation:  other \r\n\r\n";
    assert_eq!(answer_of(redirect), Answer::Redirect(b"other".to_vec()));
    assert_eq!(answer_of("HTTP/1.0 302 Found\r\n\r\n"), Answer::Status(302));
    let twice = "HTTP/1.0 302 Found\r\nLocation: a\r\nlocation: a\r\n\r\n";
    assert_eq!(answer_of(twice), Answer::Redirect(b"a".to_vec()));
}

#[test]
fn broken_redirections() {
    let why = |fields: &str| match answer_of(&format!("HTTP/1.1 302 Found\r\n{fields}\r\n\r\n")) {
        Answer::Failed(why) => why,
        answer => panic!("{answer:?}"),
    };
    assert_eq!(why("Location: a\r\nLocation: b"), "the answer has two Locations");
    assert_eq!(why("Location:\r\nLocation: b"), "the answer has two Locations");
    assert_eq!(why("Location: a\r\n b"), "the answer's Location goes on in another line");
}

/// `localhost` is ::1 first, and programs often listen on 127.0.0.1 alone.
#[test]
fn a_program_is_looked_for_at_all_addresses_of_its_name() {
    use std::io::{Read, Write};
    let free = || std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let gone = free().local_addr().expect("an address");
    let program = free();
    let there = program.local_addr().expect("an address");
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = program.accept().expect("a connection");
        let mut buffer = [0; 1024];
        let count = stream.read(&mut buffer).expect("a request");
        assert!(buffer[..count].starts_with(b"POST /x HTTP/1.0\r\n"));
        stream.write_all(b"HTTP/1.0 204 No Content\r\n\r\n").expect("an answer");
    });
    rt::create(rt::Config { slots: 8, multi_accept: false }).expect("a loop");
    // TCP to a multicast address fails with ENETUNREACH before a packet leaves (connect(2)), as without a route.
    let unreachable: SocketAddr = "224.0.0.1:80".parse().expect("an address");
    let answers = Rc::new(RefCell::new(Vec::new()));
    let theirs = answers.clone();
    let all = [
        vec![unreachable, gone, there],
        vec![unreachable, gone],
        vec![unreachable],
        vec![gone, unreachable],
    ];
    rt::spawn(async move {
        for addresses in all {
            let url = Url { addresses, ..Url::parse("http://127.0.0.1/x").expect("a URL") };
            let answer = call_alone(&url, Method::Post, b"a=b", 5_000).await;
            theirs.borrow_mut().push(answer);
        }
        rt::stop();
    });
    rt::run().expect("the loop runs");
    thread.join().expect("the program was asked");
    let why = format!("connect({gone}) failed (111: Connection refused)");
    let no_route = "connect(224.0.0.1:80) failed (101: Network is unreachable)".to_owned();
    let (refused, no_route) = (Answer::Failed(why), Answer::Failed(no_route));
    assert_eq!(*answers.borrow(), [Answer::Status(204), refused, no_route.clone(), no_route]);
}
