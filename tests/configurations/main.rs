//! What `-t` says of a configuration: as nginx, of which many are copied.

mod rewriting;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use support::{Dir, Start, Twin, http, process, site, start};

/// Whether nginx takes it, whether rserve does, and what rserve says.
fn verdicts(main: &[u8], http: &[u8]) -> (bool, bool, String) {
    let dir = Dir::new();
    std::fs::create_dir_all(dir.path("temp")).expect("a directory");
    let text = |temporary: &str| {
        let mut text = b"pid logs/pid; error_log stderr; ".to_vec();
        text.extend_from_slice(main);
        text.extend_from_slice(b"\nevents {}\nhttp { access_log off; ");
        text.extend_from_slice(temporary.as_bytes());
        text.extend_from_slice(http);
        text.extend_from_slice(b"\n}\n");
        text
    };
    let temporary = "client_body_temp_path temp/a; proxy_temp_path temp/b; fastcgi_temp_path temp/c; \
        uwsgi_temp_path temp/d; scgi_temp_path temp/e; ";
    let (theirs, ours) =
        (dir.file("nginx.conf", text(temporary)), dir.file("rserve.conf", text("")));
    let run = |binary: &str, conf: &std::path::Path| {
        let mut command = Command::new(binary);
        command.arg("-t").arg("-p").arg(dir.path("")).arg("-c").arg(conf);
        process::run(&mut command)
    };
    let nginx = run("/usr/sbin/nginx", &theirs).status.success();
    let rserve = run(env!("CARGO_BIN_EXE_rserve"), &ours);
    let said = String::from_utf8_lossy(&rserve.stderr).into_owned();
    (nginx, rserve.status.success(), said)
}

#[track_caller]
fn same(http: impl AsRef<[u8]>) -> String {
    let http = http.as_ref();
    let (nginx, rserve, said) = verdicts(b"", http);
    let shown = String::from_utf8_lossy(http);
    assert_eq!(rserve, nginx, "nginx takes it: {nginx}\n{shown}\n{said}");
    said
}

#[test]
fn types_add_up() {
    for text in [
        "types { text/html html; } types { text/javascript mjs; }",
        "types { text/html html; } types { text/plain html; }",
        "types { text/html; }",
        "types { }",
        "server { types { text/html html; } types { text/plain txt; } }",
        "server { location / { types { text/html html; } types { text/plain txt; } } }",
        "types { text/html html htm; text/html html; }",
        "types { text/html { } }",
        "types { include /dev/null; text/html html; }",
    ] {
        same(text);
    }
    assert!(same("types { a/a x; } types { b/b x; }").contains("duplicate extension \"x\""));
}

#[test]
fn the_later_type_wins() {
    let server = start!(http(
        "types { text/html html; a/a x; } types { text/javascript mjs; b/b x; }
        server { listen 127.0.0.1:{port}; root html;
            location /own/ { alias html/; types { c/c x; } types { d/d y; } } }"
    ));
    for (name, wanted) in [
        ("a.html", "text/html"),
        ("a.mjs", "text/javascript"),
        ("a.x", "b/b"),
        ("own/a.x", "c/c"),
        ("own/a.y", "d/d"),
        ("own/a.html", "text/plain"),
    ] {
        server.file(&format!("html/{}", name.trim_start_matches("own/")), "");
        let answer = server.get(&format!("/{name}"));
        assert_eq!(answer.header("Content-Type"), Some(wanted), "{name}");
    }
}

#[test]
fn server_names() {
    for name in [
        "http://example.com",
        "https://example.com/",
        "example.com/",
        "a*b",
        "*.a.*",
        "w*w",
        "a..b",
        ".a.*",
        "*.*",
        "*.",
        "*",
        ".",
        "..",
        "*a.example",
        "a.*",
        ".*",
        "x",
        "\"\"",
        "~",
        "~^(",
        "~^a$",
        "a.*.b",
        "*.a*",
        "www.*.",
        "a:80",
        "a@b",
        "a_b",
        "-",
        "\u{e9}",
        "*.b..c",
    ] {
        let one = format!("server {{ listen 127.0.0.1:1234; server_name {name}; }}");
        let said = same(&one);
        if name.contains('/') {
            assert!(said.contains("has suspicious symbols"), "{said}");
        }
        // Servers of one address are told apart by their names.
        same(format!("{one} server {{ listen 127.0.0.1:1234; server_name other; }}"));
        same(format!("server {{ listen 127.0.0.1:1234; server_name other; }} {one}"));
        same(format!("{one} server {{ listen 127.0.0.2:1234; server_name other; }}"));
    }
}

#[test]
fn addresses() {
    for text in [
        "127.0.0.1:18000-18003",
        "18000-18003",
        "*:18000-18003",
        "[::1]:18000-18003",
        "127.0.0.1:18003-18000",
        "127.0.0.1:18000-",
        "127.0.0.1:0-3",
        "127.0.0.1:18000-99999",
        "127.0.0.1:18000 accept_filter=httpready",
        "127.0.0.1:18000 accept_filter=dataready default_server",
        "[::1]:18000 ipv6only=on",
        "[::1]:18000 ipv6only=x",
        "[::1]:18000 multipat",
        "localhost:18000-18001",
    ] {
        same(format!("server {{ listen {text}; }}"));
    }
    // nginx 1.31 takes these, which are of no effect, or came after 1.22.
    for text in ["127.0.0.1:18000 ipv6only=on", "18000 ipv6only=off", "unix:{dir}/s ipv6only=on"] {
        let text = text.replace("{dir}", &Dir::new().path("").to_string_lossy());
        let (_, rserve, said) = verdicts(b"", format!("server {{ listen {text}; }}").as_bytes());
        assert!(rserve && said.contains("ipv6only has no effect"), "{text}: {said}");
    }
    let two = "server { listen 127.0.0.1:18000-18002; } server { listen 127.0.0.1:18001; server_name b; }";
    same(two);
    same("server { listen 127.0.0.1:18000-18002; listen 127.0.0.1:18001; }");
    same("server { listen 18000-18002 default_server; } server { listen 18001 default_server; }");
}

#[test]
fn a_range_of_ports_is_listened_on() {
    let from = (0..50).map(|_| support::free_port()).find(|port| {
        (0..3).all(|more| std::net::TcpListener::bind(("127.0.0.2", port + more)).is_ok())
    });
    let from = from.expect("three free ports in a row");
    let server = start!(http(&format!(
        "server {{ listen 127.0.0.1:{{port}}; listen 127.0.0.2:{from}-{}; return 200 $server_port; }}",
        from + 2
    )));
    for port in from..from + 3 {
        let url = format!("http://127.0.0.2:{port}/");
        let answer = process::run(Command::new("curl").args(["-s", "-m", "10", &url]));
        assert_eq!(String::from_utf8_lossy(&answer.stdout), port.to_string());
    }
    assert_eq!(server.get("/").text(), server.port().to_string());
}

/// All ports, alone and with the wildcard that takes their connections. (nginx wants as many connections.)
#[test]
fn all_ports() {
    for (server, fault) in [
        ("listen 127.0.0.1:1-65535;", None),
        ("listen 1-65535; listen 127.0.0.1:1-65535; listen [::]:1-65535;", None),
        ("listen 127.0.0.1:1-65535; } server { listen 127.0.0.1:1-65535; server_name b;", None),
        (
            "listen 127.0.0.1:1-65535; listen 127.0.0.1:65535;",
            Some("duplicate listen 127.0.0.1:65535 in "),
        ),
    ] {
        let dir = Dir::new();
        let conf = dir.file("rserve.conf", format!("events {{}} http {{ server {{ {server} }} }}"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_rserve"));
        let said = process::run(command.arg("-t").arg("-p").arg(dir.path("")).arg("-c").arg(conf));
        let text = String::from_utf8_lossy(&said.stderr);
        assert_eq!(said.status.success(), fault.is_none(), "{server}: {text}");
        assert!(fault.is_none_or(|fault| text.contains(fault)), "{server}: {text}");
    }
}

/// Multipath TCP, where the kernel has it: ordinary clients are served as ever.
#[test]
fn multipath() {
    let start = Start::new(env!("CARGO_BIN_EXE_rserve"));
    let available = std::fs::read_to_string("/proc/sys/net/mptcp/enabled");
    let start = start.conf(http(
        "server { listen 127.0.0.1:{port} multipath deferred; return 200 $remote_addr; }",
    ));
    match available.is_ok_and(|enabled| enabled.trim() == "1") {
        true => assert_eq!(start.start().get("/").text(), "127.0.0.1"),
        false => assert!(start.fail().1.contains("socket() 127.0.0.1")),
    }
}

#[test]
fn levels_of_error_logs() {
    for level in [
        "debug",
        "debug_core",
        "debug_alloc",
        "debug_mutex",
        "debug_event",
        "debug_http",
        "debug_mail",
        "debug_stream",
        "debug_http debug_event",
        "debug_none",
        "info",
        "x",
    ] {
        same(format!("error_log stderr {level};"));
        let (nginx, rserve, said) = verdicts(format!("error_log stderr {level};").as_bytes(), b"");
        assert_eq!(rserve, nginx, "{level}: {said}");
    }
}

/// Latin-1 in a comment, in a text, in a path, in a name, in an expression.
#[test]
fn a_configuration_is_bytes() {
    for text in [
        &b"# M\xf6lln\n"[..],
        b"server { location / { return 200 \"\xe9\"; } }",
        b"server { location / { alias /srv/\xe9; } }",
        b"server { server_name \xe9; location /\xe9 { } location ~ \"^/[\xe8-\xea]\\xff\" { } }",
        b"server { add_header X \xff\xfe always; error_page 404 /\xe9; index \xe9; }",
        b"log_format x \"\xe9 $uri\"; include /nowhere/\xe9/*.conf;",
        b"\xe9;",
    ] {
        same(text);
    }
}

#[test]
fn bytes_come_out_as_they_went_in() {
    const BODY: &[u8] = b"types { text/x x; text/y \xe9; }
        location / { return 200 \"\xe9 $uri \xc3\xa9\"; }
        location /\xe9/ { alias html/\xe9/; index \xe9; }
        location ~ ^/x/[\xe8-\xea]+$ { return 200 regex; }
        location /try/ { try_files /none /\xe9/a.\xe9; }
        location /added { add_header X \xe9 always; return 200; }";
    let start = Start::new(env!("CARGO_BIN_EXE_rserve"));
    let server = start.file("body.conf", BODY).conf(site("include body.conf;")).start();
    let raw = |name: &[u8]| server.path("html").join(OsStr::from_bytes(name));
    std::fs::create_dir(raw(b"\xe9")).expect("a directory");
    std::fs::write(raw(b"\xe9/a.\xe9"), "file").expect("a file");
    std::fs::write(raw(b"\xe9/\xe9"), "index").expect("a file");
    let twin =
        Twin::start(site(&format!("include {};", server.path("body.conf").display())), &server);
    for (path, wanted) in [
        ("/%E9x", &b"\xe9 /\xe9x \xc3\xa9"[..]),
        ("/%E9/", b"index"),
        ("/%E9/a.%E9", b"file"),
        ("/x/%E9%E8", b"regex"),
        ("/x/%E7", b"\xe9 /x/\xe7 \xc3\xa9"),
        ("/try/", b"file"),
    ] {
        let request = format!("GET {path} HTTP/1.0\r\n\r\n");
        for port in [server.port(), twin.port()] {
            let answer = raw_answer(port, &request);
            assert!(answer.ends_with(wanted), "{path}: {}", String::from_utf8_lossy(&answer));
        }
    }
    let has = |answer: &[u8], part: &[u8]| answer.windows(part.len()).any(|found| found == part);
    assert!(has(&raw_answer(server.port(), "GET /added HTTP/1.0\r\n\r\n"), b"\r\nX: \xe9\r\n"));
    assert!(has(&raw_answer(server.port(), "GET /%E9/a.%E9 HTTP/1.0\r\n\r\n"), b"text/y"));
    let dump = server.command(&["-T"]).stdout;
    assert!(has(&dump, b"location /\xe9/ { alias html/\xe9/; index \xe9; }"));
}

fn raw_answer(port: u16, request: &str) -> Vec<u8> {
    support::raw(port, request.as_bytes())
}

#[test]
fn buffers_that_are_none() {
    for directive in ["output_buffers", "large_client_header_buffers"] {
        for value in ["0 1k", "1 0", "1 1k", "x 1k", "1 x", "1"] {
            same(format!("{directive} {value};"));
        }
    }
}

/// As nginx: a prefix inside of an expression is compared with its text, and no alias replaces a name.
#[test]
fn where_locations_and_aliases_may_stand() {
    for text in [
        r"location ~ \.txt$ { location /a {} }",
        r"location ~ \.txt$ { location = /a {} }",
        r"location ~ \.txt$ { location ^~ /a {} }",
        r"location ~ ^/a { location /a {} }",
        r"location ~ /a { location /a/b {} }",
        r"location ~ /a { location ~ b {} }",
        r"location /a { location ~ b { location /c {} } }",
        r"location @a { alias html; }",
        r"location @a { root html; }",
        r"location ~ ^/(.*) { alias html/$1; }",
        r"location '' {}",
        r"location '' /a {}",
    ] {
        same(format!("server {{ {text} }}"));
    }
}

/// As nginx: a group cannot have the name of a variable that cannot be set.
#[test]
fn groups_with_names_of_variables() {
    let names = "host uri remote_addr request_uri document_root status scheme HOST Uri http_host \
        sent_http_location request_id pipe tcpinfo_rtt args limit_rate http_x arg_x cookie_x own \
        http_ nginx_version time_local proxy_protocol_addr sent_http_etag query_string request_body";
    for name in names.split_whitespace() {
        let said = same(format!("server {{ location ~ ^/(?<{name}>.*)$ {{ }} }}"));
        same(format!("server {{ location ~* ^/(?P<{name}>.*)$ {{ }} }}"));
        same(format!("server {{ location /a {{ location ~ (?<{name}>.*) {{ }} }} }}"));
        same(format!("server {{ server_name x ~^(?<{name}>.*)$; }}"));
        if name == "host" {
            assert!(said.contains("the duplicate \"host\" variable in "), "{said}");
        }
    }
}

/// As nginx: what a group may have the name of is the group's from then on, and names are in any case.
#[test]
fn groups_in_the_place_of_variables() {
    const BODY: &str = r#"location ~ ^/a/(?<args>.*)$ { return 200 "$args $HOST"; }
        location ~ ^/b/(?<Ab>.*)$ { return 200 "$ab $AB ${aB} [$http_none]"; }
        location ~ ^/c/(?<http_host_x>.*)$ { return 200 "$http_host_x $http_host_y"; }
        location / { return 200 "[$args] [$http_host_x] [$query_string]"; }"#;
    let server = start!(site(BODY));
    let twin = Twin::start(site(BODY), &server);
    for (path, wanted) in
        [("/a/1?q", "1 h"), ("/b/2", "2 2 2 []"), ("/c/3", "3 y"), ("/z?q", "[] [] [q]")]
    {
        let head = "Host: h\r\nHost-X: x\r\nHost-Y: y";
        let request = format!("GET {path} HTTP/1.0\r\n{head}\r\n\r\n");
        for port in [twin.port(), server.port()] {
            let answer = raw_answer(port, &request);
            let answer = String::from_utf8_lossy(&answer);
            assert_eq!(answer.split("\r\n\r\n").nth(1), Some(wanted), "{path}: {answer}");
        }
    }
}

/// The bounds of a number are those that the message names: the loop has no slots for more.
#[test]
fn worker_connections_have_the_bounds_that_are_told() {
    let dir = Dir::new();
    for (count, is_taken) in [("0", false), ("1", true), ("8000000", true), ("8000001", false)] {
        let text =
            format!("pid logs/pid; error_log stderr; events {{ worker_connections {count}; }}");
        let conf = dir.file("rserve.conf", text);
        let mut command = Command::new(env!("CARGO_BIN_EXE_rserve"));
        command.arg("-t").arg("-p").arg(dir.path("")).arg("-c").arg(conf);
        let output = process::run(&mut command);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), is_taken, "{count}: {said}");
        let told = said.contains("worker_connections must be between 1 and 8000000");
        assert_eq!(told, !is_taken, "{count}: {said}");
    }
}
