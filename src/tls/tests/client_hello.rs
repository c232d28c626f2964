//! Hellos as rustls takes them: what ours refuses, rustls does not accept, and where both accept, they read the same name.

use proto::tls::{Parsed, parse};
use rustls::server::Acceptor;

/// What rustls makes of it: the name, `None` if it waits for more; an error.
fn rustls(mut bytes: &[u8]) -> Result<Option<Option<String>>, rustls::Error> {
    let mut acceptor = Acceptor::default();
    while !bytes.is_empty() {
        match acceptor.read_tls(&mut bytes) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        if let Some(accepted) = acceptor.accept().map_err(|(error, _)| error)? {
            return Ok(Some(accepted.client_hello().server_name().map(str::to_owned)));
        }
    }
    Ok(None)
}

fn corpus() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fuzz/corpus/client_hello");
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a file")).collect()
}

fn compare(bytes: &[u8]) {
    match (parse(bytes, 1 << 16), rustls(bytes)) {
        (Parsed::Invalid(fault), Ok(Some(said))) => {
            panic!("ours: {fault}, rustls: {said:?}: {}", bytes.escape_ascii())
        }
        (Parsed::Incomplete { .. }, Ok(Some(_))) => {
            panic!("rustls is content: {}", bytes.escape_ascii())
        }
        (Parsed::Hello(_), Ok(None)) => panic!("rustls waits: {}", bytes.escape_ascii()),
        (Parsed::Hello(hello), Ok(Some(Some(name)))) => {
            let ours = hello.server_name().map(str::to_ascii_lowercase);
            assert_eq!(ours.as_deref(), Some(name.trim_end_matches('.')));
        }
        _ => {}
    }
}

#[test]
fn as_rustls() {
    let corpus = corpus();
    assert!(corpus.len() > 15);
    let mut seed = 99_u64;
    let mut next = move |below: usize| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as usize % below
    };
    for bytes in &corpus {
        compare(bytes);
        for _ in 0..3000 {
            let mut changed = bytes.clone();
            for _ in 0..1 + next(3) {
                let at = next(changed.len());
                match next(4) {
                    0 => changed[at] = [0, 1, 2, 3, 0x16, 0x40, 0x7f, 0x80, 0xff][next(9)],
                    1 => changed[at] = changed[at].wrapping_add(1),
                    2 => changed[at] = changed[at].wrapping_sub(1),
                    _ => changed[at] ^= 1 << next(8),
                }
            }
            compare(&changed);
        }
    }
}
