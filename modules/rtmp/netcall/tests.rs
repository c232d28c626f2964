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
    assert!(Url::parse("https://127.0.0.1/").is_err());
    assert!(Url::parse("http://no.such.host.invalid/").is_err());
}

#[test]
fn answers() {
    assert_eq!(parse(b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\nbody"), Answer::Status(204));
    let redirect = b"HTTP/1.0 302 Found\r\nA: b\r\nlocation:  other \r\n\r\n";
    assert_eq!(parse(redirect), Answer::Redirect(b"other".to_vec()));
    assert_eq!(parse(b"HTTP/1.0 302 Found\r\n\r\n"), Answer::Status(302));
    for whole in ["HTTP/1.1 200\n\n", "HTTP/1.0 200 OK\nA: b\r\n\n", "HTTP/1.1 200 \r\n\r\n"] {
        assert_eq!(parse(whole.as_bytes()), Answer::Status(200), "{whole:?}");
    }
    let twice = b"HTTP/1.0 302 Found\r\nLocation: a\r\nlocation: a\r\n\r\n";
    assert_eq!(parse(twice), Answer::Redirect(b"a".to_vec()));
}

/// RFC 9112, section 4: `HTTP-version SP 3DIGIT SP [ reason-phrase ]`; section 8: a head without its end is incomplete.
#[test]
fn broken_answers() {
    let why = |answer: &str| match parse(answer.as_bytes()) {
        Answer::Failed(why) => why,
        answer => panic!("{answer:?}"),
    };
    assert_eq!(why(""), "closed without an answer");
    for cut in [
        "hello",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\n\r",
        "HTTP/1.1 200 OK\r\nX-Part",
        "HTTP/1.1 302 Found\r\nLocation: pub",
        "HTTP/1.1 302 Found\r\nLocation: pub\r\n",
    ] {
        assert_eq!(why(cut), "closed before the end of the answer's head", "{cut:?}");
    }
    let endless = format!("HTTP/1.1 200 {}", "x".repeat(LONGEST));
    assert_eq!(why(&endless), "the answer's head is longer than 65536 bytes");
    for line in [
        "HTTP/garbage 200 x",
        "HTTP/ 200",
        "HTTP/2 200",
        "HTTP/2.0 200 OK",
        "http/1.1 200 OK",
        " HTTP/1.1 200 OK",
        "HTTP/1.1  200 OK",
        "HTTP/1.1\t200 OK",
        "HTTP/1.10 200 OK",
        "HTTP/1.1 +200 OK",
        "HTTP/1.1 000200 OK",
        "HTTP/1.1 2000",
        "HTTP/1.1 200OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 000 OK",
        "HTTP/1.1 600 OK",
        "HTTP/1.1 abc",
        "HTTP/1.0",
        "",
    ] {
        assert_eq!(why(&format!("{line}\r\n\r\n")), "the answer is no HTTP", "{line:?}");
    }
    let redirect = |fields: &str| why(&format!("HTTP/1.1 302 Found\r\n{fields}\r\n\r\n"));
    assert_eq!(redirect("Location: a\r\nLocation: b"), "the answer has two Locations");
    assert_eq!(redirect("Location:\r\nLocation: b"), "the answer has two Locations");
    let folded = redirect("Location: a\r\n b");
    assert_eq!(folded, "the answer's Location goes on in another line");
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
        let mut room = [0; 1024];
        let count = stream.read(&mut room).expect("a request");
        assert!(room[..count].starts_with(b"POST /x HTTP/1.0\r\n"));
        stream.write_all(b"HTTP/1.0 204 No Content\r\n\r\n").expect("an answer");
    });
    rt::create(rt::Config { slots: 8, multi_accept: false }).expect("a loop");
    let ask = |addresses: Vec<SocketAddr>| {
        let url = Rc::new(Url { addresses, host: "x".to_owned(), path: "/x".to_owned() });
        begin(&url, Method::Post, b"a=b", 5_000)
    };
    // TCP to a multicast address fails with ENETUNREACH before a packet leaves (connect(2)), as without a route.
    let unreachable: SocketAddr = "224.0.0.1:80".parse().expect("an address");
    let (found, lost) = (ask(vec![unreachable, gone, there]), ask(vec![unreachable, gone]));
    let (nowhere, at_last) = (ask(vec![unreachable]), ask(vec![gone, unreachable]));
    let answers = Rc::new(RefCell::new(Vec::new()));
    let theirs = answers.clone();
    rt::spawn(async move {
        for shared in [found, lost, nowhere, at_last] {
            let answer = poll_fn(|context| poll(&shared, context)).await;
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
