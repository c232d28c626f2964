//! Each target over its corpus, and over the same mutations of it each time.

use fuzz_targets::{TARGETS, Target, mutate::mutate};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let entries = std::fs::read_dir(&dir).unwrap_or_else(|error| panic!("{dir:?}: {error}"));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    // The order of a directory is not the same everywhere, and seeds depend on it.
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Runs a target, and says on which input it failed.
fn run(name: &str, target: Target, input: &[u8], origin: &str) {
    let result = catch_unwind(AssertUnwindSafe(|| target(input)));
    assert!(result.is_ok(), "{name} failed on {origin}: b\"{}\"", input.escape_ascii());
}

#[test]
fn the_corpus() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        assert!(corpus.len() >= 15, "{name} has {} entries", corpus.len());
        for (path, input) in corpus {
            run(name, target, &input, &path.display().to_string());
        }
    }
}

/// So many mutations, the same each time; `RSERVE_FUZZ_TIMES=10` as many more.
fn mutations(name: &str, rounds: u64) {
    let (_, target) = TARGETS.into_iter().find(|(known, _)| *known == name).expect("a target");
    let times = std::env::var("RSERVE_FUZZ_TIMES").ok().and_then(|text| text.parse().ok());
    let corpus: Vec<_> = corpus(name).into_iter().map(|(_, input)| input).collect();
    for seed in 0..rounds * times.unwrap_or(1) {
        run(name, target, &mutate(&corpus, seed), &format!("seed {seed}"));
    }
}

/// A test for each target, with its rounds: all together take some ten seconds.
macro_rules! mutations {
    ($($name:ident $rounds:literal)*) => {
        mod mutated {
            $(#[test] fn $name() { super::mutations(stringify!($name), $rounds); })*
        }

        #[test]
        fn each_target_is_mutated() {
            let names = [$(stringify!($name)),*];
            assert_eq!(TARGETS.map(|(name, _)| name), names);
        }
    };
}

mutations! {
    conf 100_000
    request 87_500
    range 125_000
    chunked 125_000
    sse 50_000
    rtmp_handshake 1250
    rtmp_chunk 50_000
    amf 100_000
    flv 50_000
    websocket 25_000
    query 37_500
    response 37_500
    proxy_protocol 50_000
    client_hello 3750
    http2 7500
    ticket 25_000
    mp4 1250
    ssi 5000
    jwt 7500
    htpasswd 250
    ts 1000
    fmp4 2500
    flv_recording 2500
    hls_arguments 25_000
    scte35 25_000
    hls_playlist 5000
    response_head 25_000
    cgi_head 25_000
    fastcgi 25_000
    cached 25_000
    memcached 25_000
    dns 10_000
}
