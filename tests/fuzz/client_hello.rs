//! A TLS client's first message, and the server that it chooses.

use http::Patterns;
use proto::tls::{Parsed, ja4, parse};

const WORDS: [&str; 3] = ["localhost", "example.com", "www.example.com"];
const SUFFIXES: [&str; 3] = ["com", "example.com", "b.example.com"];
const PREFIXES: [&str; 3] = ["www", "www.example", "local"];

thread_local! {
    static SERVERS: Patterns<&'static str> = {
        let mut servers = Patterns::default();
        let added = WORDS.map(|name| servers.add_word(name.as_bytes(), name));
        assert!(added.iter().chain(&SUFFIXES.map(|name| servers.add_suffix(name.as_bytes(), name)))
            .chain(&PREFIXES.map(|name| servers.add_prefix(name.as_bytes(), name))).all(Result::is_ok));
        servers
    };
}

/// Whatever comes, it is decided within the bound; what was decided stays so however much follows; a hello is one at its
/// last byte and not before; in records of another size it says the same; and the server is that of nginx's rules.
pub fn client_hello(data: &[u8]) {
    const MOST: usize = 4096;
    let whole = parse(data, MOST);
    let whole_at = match &whole {
        Parsed::Hello(hello) => hello.len,
        _ => MOST,
    };
    let mut decided = false;
    for cut in 0..=data.len().min(MOST) {
        let parsed = parse(&data[..cut], MOST);
        match decided {
            true => assert_eq!(parsed, whole),
            false => match parsed {
                Parsed::Incomplete { least } => {
                    assert!(cut < least && least <= whole_at, "{least} of {whole_at} at {cut}");
                }
                parsed => {
                    decided = true;
                    assert_eq!(parsed, whole);
                }
            },
        }
    }
    assert!(decided || data.len() < MOST);
    let Parsed::Hello(hello) = whole else { return };
    assert!(hello.len <= data.len() && hello.len <= MOST);
    let Parsed::Incomplete { least } = parse(&data[..hello.len - 1], MOST) else { panic!() };
    assert_eq!(least, hello.len, "of the last byte it is known that it comes");
    let print = ja4(&hello);
    assert_eq!(print.len(), 36);
    assert_eq!(hello.suites().count() > 0, !hello.suite_names().is_empty());
    assert_eq!(hello.groups().count() > 0, !hello.group_names().is_empty());
    assert!(hello.server_name().is_none() || hello.has_server_name());
    assert!(hello.alpn().all(|name| !name.is_empty()));
    if let Some(name) = hello.server_name().map(str::to_ascii_lowercase) {
        SERVERS.with(|servers| {
            assert_eq!(servers.find(name.as_bytes()).copied(), by_the_rules(&name), "{name}");
        });
    }
    for size in [1, 7, 1 << 14] {
        let again = in_records(&data[..hello.len], size);
        let Parsed::Hello(other) = parse(&again, again.len()) else { panic!("records of {size}") };
        assert_eq!(other.len, again.len());
        assert_eq!(ja4(&other), print);
        assert_eq!(other.server_name(), hello.server_name());
        assert!(other.alpn().eq(hello.alpn()) && other.key_shares().eq(hello.key_shares()));
        assert_eq!(other.session_id(), hello.session_id());
    }
}

/// The name itself, else the longest `*.example.com`, else the longest `www.example.*`.
fn by_the_rules(name: &str) -> Option<&'static str> {
    let ends = |end: &str| name.strip_suffix(end).is_some_and(|rest| rest.ends_with('.'));
    let begins = |start: &str| {
        name.strip_prefix(start).is_some_and(|rest| rest.len() > 1 && rest.starts_with('.'))
    };
    let longest = |fits: Vec<&'static str>| fits.into_iter().max_by_key(|name| name.len());
    let word = WORDS.into_iter().find(|word| *word == name);
    let suffix = || longest(SUFFIXES.into_iter().filter(|end| ends(end)).collect());
    let prefix = || longest(PREFIXES.into_iter().filter(|start| begins(start)).collect());
    word.or_else(suffix).or_else(prefix)
}

/// The same message in records of so many bytes.
fn in_records(mut records: &[u8], size: usize) -> Vec<u8> {
    let mut message = Vec::new();
    while let Some((&[_, _, _, high, low], rest)) = records.split_first_chunk() {
        let (fragment, rest) = rest.split_at(usize::from(u16::from_be_bytes([high, low])));
        message.extend_from_slice(fragment);
        records = rest;
    }
    let record = |fragment: &[u8]| {
        [&[22, 3, 3], &(fragment.len() as u16).to_be_bytes()[..], fragment].concat()
    };
    message.chunks(size).flat_map(record).collect()
}
