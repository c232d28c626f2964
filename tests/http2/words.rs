//! The directives.

use support::{Start, site, start};

fn says(conf: &str) -> String {
    let start = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf);
    let dir = start.dir();
    let server = start.start();
    drop(server);
    dir.text("logs/stderr") + &dir.text("logs/error.log")
}

#[test]
fn an_old_way_to_write_it() {
    let listen = "http { server { listen 127.0.0.1:{port} http2; return 200 $http2; } }";
    let said = says(listen);
    let words =
        "the \"listen ... http2\" directive is deprecated, use the \"http2\" directive instead";
    assert!(said.contains(words), "{said}");
    assert_eq!(crate::curl(&start!(listen), &[], "/").text(), "h2c");
}

#[test]
fn words_that_are_read() {
    let server = start!(site(
        "http2 on; http2_max_concurrent_streams 7; http2_chunk_size 1k; http2_body_preread_size 10k;
         http2_recv_buffer_size 1m; return 200 x;"
            .replace("http2_recv_buffer_size 1m;", "")
            .as_str()
    ));
    crate::python(&server, "words", "settings", &["7", "10240"]);
}

#[test]
fn words_of_old_have_no_effect() {
    let said = says(&site(
        "http2 on; http2_idle_timeout 3m; http2_max_field_size 4k; http2_push_preload on; http2_pool_size 4k;",
    ));
    for word in
        ["http2_idle_timeout", "http2_max_field_size", "http2_push_preload", "http2_pool_size"]
    {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn words_that_are_wrong() {
    for (words, why) in [
        ("http2_max_concurrent_streams 0;", "value must be between"),
        ("http2_body_preread_size 3g;", "the maximum body preread buffer size is 2147483647"),
        ("http2 maybe;", "invalid value \"maybe\""),
    ] {
        let (_, said) = Start::new(env!("CARGO_BIN_EXE_rserve")).conf(site(words)).fail();
        assert!(said.contains(why), "{said}");
    }
}
