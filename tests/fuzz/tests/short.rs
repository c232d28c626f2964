//! Each target over its corpus, and over the same mutations of it each time.

use fuzz_targets::{TARGETS, Target, mutate::mutate};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// How many mutations each target gets; all together take some ten seconds in release.
const ROUNDS: [(&str, u64); 32] = [
    ("conf", 400_000),
    ("request", 350_000),
    ("range", 500_000),
    ("chunked", 500_000),
    ("sse", 200_000),
    ("rtmp_handshake", 5_000),
    ("rtmp_chunk", 200_000),
    ("amf", 400_000),
    ("flv", 200_000),
    ("websocket", 100_000),
    ("query", 150_000),
    ("response", 150_000),
    ("proxy_protocol", 200_000),
    ("client_hello", 15_000),
    ("http2", 30_000),
    ("ticket", 100_000),
    ("mp4", 5_000),
    ("ssi", 20_000),
    ("jwt", 30_000),
    ("htpasswd", 1_000),
    ("ts", 4_000),
    ("fmp4", 10_000),
    ("flv_recording", 10_000),
    ("hls_arguments", 100_000),
    ("scte35", 100_000),
    ("hls_playlist", 20_000),
    ("response_head", 100_000),
    ("cgi_head", 100_000),
    ("fastcgi", 100_000),
    ("cached", 100_000),
    ("memcached", 100_000),
    ("dns", 40_000),
];

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

#[test]
fn mutations() {
    for ((name, target), (same, rounds)) in TARGETS.into_iter().zip(ROUNDS) {
        assert_eq!(name, same);
        let corpus: Vec<_> = corpus(name).into_iter().map(|(_, input)| input).collect();
        for seed in 0..rounds {
            run(name, target, &mutate(&corpus, seed), &format!("seed {seed}"));
        }
    }
}
