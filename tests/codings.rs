//! brotli and zstd, beside gzip: which of them an answer gets, and that it is what was to be sent.

use std::io::Read;

use support::{Answer, Server, site, start};

/// What curl makes of the answer: it has decoders of its own.
fn decoded(server: &Server, path: &str, accepts: &str) -> Vec<u8> {
    let accepts = format!("Accept-Encoding: {accepts}");
    server.curl(&["--compressed", "-H", &accepts], path).body
}

fn text(len: usize) -> String {
    let mut all = String::new();
    for number in 0_u32.. {
        if all.len() >= len {
            break;
        }
        all.push_str(&format!("line {} of {}\n", number % 97, number.wrapping_mul(2_654_435_761)));
    }
    all.truncate(len);
    all
}

const CONF: &str = r#"
    root html; default_type text/plain; gzip_vary on;
    access_log logs/ratios ratios;
    gzip on; gzip_types text/plain; brotli on; brotli_types text/plain; zstd on; zstd_types text/plain;
    location /hard/ { alias html/; brotli_comp_level 11; zstd_comp_level 22; gzip_comp_level 9; }
    location /light/ { alias html/; brotli_comp_level 0; zstd_comp_level 1; brotli_window 1k; }
    location /br/ { alias html/; gzip off; zstd off; }
    location /zstd/ { alias html/; gzip off; brotli off; }
    location /long/ { alias html/; brotli_min_length 3000; zstd_min_length 2000; gzip_min_length 100; }
    location /images/ { alias html/; default_type image/x; zstd_types image/x; }
"#;

fn server() -> Server {
    support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(site(CONF).replace(
            "http {",
            "http { log_format ratios \"$uri $gzip_ratio $brotli_ratio $zstd_ratio\";",
        ))
        .file("html/short", text(1000))
        .file("html/middle", text(2500))
        .file("html/large", text(700_000))
        .file("html/tiny", "tiny")
        .start()
}

fn ask(server: &Server, path: &str, accepts: &str) -> Answer {
    server.curl(&["-H", &format!("Accept-Encoding: {accepts}")], path)
}

#[track_caller]
fn coding(server: &Server, path: &str, accepts: &str) -> Option<String> {
    ask(server, path, accepts).header("content-encoding").map(str::to_owned)
}

#[test]
fn the_client_says_which_it_likes_best() {
    let server = server();
    for (accepts, wanted) in [
        ("gzip, deflate, br, zstd", Some("br")),
        ("gzip, zstd", Some("zstd")),
        ("gzip", Some("gzip")),
        ("br", Some("br")),
        ("identity", None),
        ("*", None),
        ("gzip, br;q=0.9", Some("gzip")),
        ("gzip;q=0.5, br;q=0.5, zstd;q=0.6", Some("zstd")),
        ("gzip;q=0.5, br;q=0.5, zstd;q=0.5", Some("br")),
        ("gzip;q=0.5, br;q=0, zstd;q=0.000", Some("gzip")),
        ("br;q=0", None),
        ("br;q=2, gzip;q=0.1", Some("gzip")),
    ] {
        assert_eq!(coding(&server, "/short", accepts).as_deref(), wanted, "{accepts}");
    }
    for (path, accepts, wanted) in [
        ("/br/short", "gzip, zstd", None),
        ("/zstd/short", "gzip, br, zstd;q=0.1", Some("zstd")),
        ("/tiny", "gzip, br, zstd", None),
        ("/long/short", "gzip, br, zstd", Some("gzip")),
        ("/long/middle", "gzip, br, zstd", Some("zstd")),
        ("/long/large", "gzip, br, zstd", Some("br")),
        ("/images/short", "gzip, br, zstd", Some("zstd")),
        ("/images/short", "gzip, br", None),
    ] {
        assert_eq!(coding(&server, path, accepts).as_deref(), wanted, "{path} {accepts}");
    }
}

#[test]
fn what_comes_is_what_was_to_be_sent() {
    let server = server();
    let files = [("short", text(1000)), ("middle", text(2500)), ("large", text(700_000))];
    for place in ["/", "/hard/", "/light/"] {
        for (name, text) in &files {
            for accepts in ["br", "zstd", "gzip"] {
                let path = format!("{place}{name}");
                let answer = ask(&server, &path, accepts);
                assert_eq!(answer.header("content-encoding"), Some(accepts), "{path}");
                assert_eq!(answer.header("vary"), Some("Accept-Encoding"));
                assert!(answer.header("etag").is_some_and(|tag| tag.starts_with("W/")));
                assert!(answer.header("accept-ranges").is_none());
                assert!(decoded(&server, &path, accepts) == text.as_bytes(), "{path} {accepts}");
                assert!(answer.body.len() < text.len());
            }
        }
    }
    let plain = ask(&server, "/short", "identity");
    assert_eq!(plain.header("vary"), Some("Accept-Encoding"));
    assert_eq!(plain.header("content-length"), Some("1000"));
    server.wait_for("the log", || {
        let log = std::fs::read_to_string(server.path("logs/ratios")).unwrap_or_default();
        let fields = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let lines: Vec<_> = log.lines().map(fields).collect();
        let is_ratio = |word: &str| word.parse::<f32>().is_ok_and(|ratio| ratio > 1.0);
        let one = |at: usize| {
            lines.iter().any(|line| {
                (1..4).all(|other| (other == at) == is_ratio(&line[other]))
                    && line[0] == "/hard/large"
            })
        };
        one(1) && one(2) && one(3) && lines.iter().any(|line| line[1..] == ["-", "-", "-"])
    });
}

#[test]
fn what_is_kept_compressed_is_sent_as_it_is() {
    let conf = site(
        "root html; default_type text/plain; gzip_vary on; brotli_static on; zstd_static on; gzip_static on;
         location /always/ { alias html/; brotli_static always; gzip_static off; zstd_static off; }
         location /both/ { alias html/; gzip on; gzip_types *; }
         location /made/ { alias html/; gzip on; gzip_types *; brotli on; brotli_types *; zstd on; zstd_types *; }
         location /quiet/ { alias html/; gzip_vary off; }",
    );
    let plain = text(5000);
    let server = support::Start::new(env!("CARGO_BIN_EXE_rserve"))
        .conf(&conf)
        .file("html/all", &plain)
        .file("html/some", &plain)
        .file("html/none", &plain)
        .start();
    for (accepts, suffix) in [("br", "br"), ("zstd", "zst"), ("gzip", "gz")] {
        let made = ask(&server, "/made/none", accepts);
        assert_eq!(made.header("content-encoding"), Some(accepts));
        server.file(&format!("html/all.{suffix}"), &made.body);
        match accepts {
            "br" => drop(server.file("html/only.br", &made.body)),
            "gzip" => drop(server.file("html/some.gz", &made.body)),
            _ => {}
        }
    }
    for (path, accepts, wanted, vary) in [
        ("/all", "gzip, br, zstd", Some("br"), true),
        ("/all", "gzip, br;q=0.5, zstd", Some("zstd"), true),
        ("/all", "gzip", Some("gzip"), true),
        ("/all", "identity", None, true),
        ("/some", "gzip, br, zstd", Some("gzip"), true),
        ("/some", "br, zstd", None, true),
        ("/none", "gzip, br, zstd", None, false),
        ("/always/all", "identity", Some("br"), false),
        ("/always/only", "gzip", Some("br"), false),
        ("/both/none", "gzip, br", Some("gzip"), true),
        ("/both/all", "gzip, br", Some("br"), true),
        ("/quiet/all", "gzip, br", Some("br"), false),
    ] {
        let answer = ask(&server, path, accepts);
        assert_eq!(answer.header("content-encoding"), wanted, "{path} {accepts}");
        assert_eq!(answer.header("vary").is_some(), vary, "{path} {accepts}");
        assert!(decoded(&server, path, accepts) == plain.as_bytes(), "{path} {accepts}");
        assert!(answer.header("accept-ranges").is_none() || wanted.is_none());
    }
}

#[test]
fn bodies_of_any_length_cost_no_memory() {
    let server =
        start!(site("brotli on; brotli_types *; zstd on; zstd_types *; zstd_comp_level 22;"));
    server.file("html/x", "");
    let file = std::fs::File::options().write(true).open(server.path("html/x")).expect("there");
    file.set_len(64 << 20).expect("longer");
    let memory = || -> u64 {
        let worker = server.workers()[0];
        let status = std::fs::read_to_string(format!("/proc/{worker}/status")).expect("a worker");
        let line = status.lines().find(|line| line.starts_with("RssAnon")).expect("a line");
        line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
    };
    server.wait_for("a worker", || server.workers().len() == 1);
    let before = memory();
    for (coding, most) in [("br", 24 << 10), ("zstd", 200 << 10)] {
        let mut wire = server.wire();
        wire.send(format!(
            "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: {coding}\r\n\r\n"
        ));
        wire.until("\r\n\r\n");
        let (mut highest, mut room) = (0, vec![0; 1 << 16]);
        while wire.stream().read(&mut room).expect("it comes") > 0 {
            highest = highest.max(memory());
        }
        assert!(highest < before + most, "{coding}: {before} {highest}");
    }
}

#[test]
fn faults_are_told() {
    for (directive, fault) in [
        ("brotli_comp_level 12;", "brotli_comp_level"),
        ("brotli_window 3k;", "must be 1k, 2k"),
        ("zstd_comp_level 0;", "zstd_comp_level"),
        ("brotli_static maybe;", "invalid value \"maybe\""),
        ("brotli x;", "brotli"),
    ] {
        let start = support::Start::new(env!("CARGO_BIN_EXE_rserve"));
        let (_, error) = start.conf(site(directive)).fail();
        assert!(error.contains(fault), "{directive} {error}");
    }
    let conf = "http { zstd_dict_file x; server { listen 127.0.0.1:{port}; } }";
    let (_, error) = support::Start::new(env!("CARGO_BIN_EXE_rserve")).conf(conf).fail();
    assert!(error.contains("\"zstd_dict_file\" is refused"), "{error}");
}
