//! The search among configurations: directives with all sorts of arguments, in all contexts, written
//! in all sorts of ways; and what `-t` says.

use support::Random;

use crate::pair::{Check, Verdicts};
use crate::places::one;
use crate::rounds::Rounds;
use crate::shrink::{smallest, smallest_text};
use crate::site;
use crate::tree::{Node, render};

/// Attempts to make a configuration smaller.
const TRIES: usize = 300;

/// Directives that both have, and arguments that one of them at least takes.
#[rustfmt::skip]
const DIRECTIVES: &[(&str, &[&str])] = &[
    ("listen", &["127.0.0.1:{port}", "{port}", "*:{port}", "[::1]:{port}", "localhost:{port}", "unix:s", "default_server", "backlog=1", "reuseport", "deferred", "so_keepalive=on", "rcvbuf=1k", "ipv6only=on", "fastopen=3", "bind", "sndbuf=x", "backlog=0", "so_keepalive=1m:1:", "setfib=1"]),
    ("server_name", &["a", "*.a", "a.*", ".a", "~^a$", "~[", "a*", "*", "", "*.a.*", "a..b", "~", "$hostname", "a b"]),
    ("root", &["html", "/x", "html/$uri", "$document_root", "$none", "${uri}x", "${uri"]),
    ("alias", &["html", "html/", "$1", "$document_root"]),
    ("internal", &[]),
    ("default_type", &["text/x", "$uri", ""]),
    ("client_max_body_size", SIZES),
    ("client_body_timeout", TIMES), ("keepalive_timeout", TIMES), ("keepalive_requests", NUMBERS),
    ("keepalive_time", TIMES), ("send_timeout", TIMES), ("lingering_close", &["on", "off", "always", "x"]),
    ("lingering_time", TIMES), ("lingering_timeout", TIMES), ("reset_timedout_connection", FLAGS),
    ("sendfile", FLAGS), ("sendfile_max_chunk", SIZES), ("aio", &["on", "off", "threads", "x", "threads=default"]),
    ("output_buffers", &["1", "32k", "0", "2", "x"]), ("server_tokens", &["on", "off", "build", "x", "$uri"]),
    ("error_page", &["404", "500", "=", "=200", "/x", "@x", "http://x/", "299", "300", "599", "600", "=x", "$uri", "499", "=-1", "=1000"]),
    ("recursive_error_pages", FLAGS), ("log_not_found", FLAGS), ("absolute_redirect", FLAGS),
    ("port_in_redirect", FLAGS), ("server_name_in_redirect", FLAGS), ("satisfy", &["any", "all", "x"]),
    ("error_log", &["logs/e", "stderr", "debug", "info", "warn", "x", "crit", "emerg", "notice", "debug_http"]),
    ("client_header_timeout", TIMES), ("client_header_buffer_size", SIZES),
    ("large_client_header_buffers", &["4", "8k", "0", "1", "x", "1m"]),
    ("ignore_invalid_headers", FLAGS), ("underscores_in_headers", FLAGS), ("merge_slashes", FLAGS),
    ("tcp_nodelay", FLAGS), ("tcp_nopush", FLAGS),
    ("log_format", &["a", "$uri", "combined", "escape=json", "escape=x", "'$request $status'", "$none", "escape=none", "text"]),
    ("access_log", &["off", "logs/a", "combined", "none", "buffer=4k", "flush=1s", "gzip", "if=$uri", "buffer=x", "logs/$host", "buffer=0", "flush=0"]),
    ("return", &["200", "404", "301", "/x", "http://x/", "text", "$uri", "-1", "999", "1000", "x", "444", "https://", "$scheme://x", "0", "99"]),
    ("allow", ADDRESSES), ("deny", ADDRESSES),
    ("try_files", &["$uri", "$uri/", "=404", "@x", "/x", "=", "=x", "=1000", "", "=-1", "=0"]),
    ("add_header", &["X-A", "a", "$uri", "always", "", "never", "$none"]),
    ("index", &["index.html", "/x", "$uri", "", "a/b", "$none"]),
    ("max_ranges", NUMBERS), ("etag", FLAGS), ("if_modified_since", &["off", "exact", "before", "x"]),
    ("disable_symlinks", &["on", "off", "if_not_owner", "from=$document_root", "from=/x", "x", "from=", "from=$none"]),
    ("include", &["html/included.conf", "html/none.conf", "html/none*.conf", "html/*.conf", "html", ""]),
    ("gzip", FLAGS), ("worker_processes", &["1", "auto", "0", "x"]), ("worker_connections", NUMBERS),
    ("pid", &["logs/p"]), ("user", &["root", "nobody", "nosuchuser", "root nogroup"]), ("daemon", FLAGS),
    ("master_process", FLAGS), ("worker_rlimit_nofile", NUMBERS),
    ("worker_priority", &["0", "-1", "20", "-21", "x"]), ("worker_shutdown_timeout", TIMES),
    ("timer_resolution", TIMES), ("working_directory", &["/tmp"]), ("env", &["A", "A=b", "=", ""]),
    ("use", &["epoll", "poll", "x", "select"]), ("multi_accept", FLAGS), ("accept_mutex", FLAGS),
    ("accept_mutex_delay", TIMES), ("worker_cpu_affinity", &["auto", "01", "1", "x", "auto 01"]),
    ("debug_connection", ADDRESSES), ("lock_file", &["logs/l"]), ("thread_pool", &["a", "threads=1", "max_queue=1", "threads=0", "default"]),
    ("limit_req_zone", &["$uri", "zone=a:1m", "rate=1r/s", "rate=30r/m", "zone=a:32k", "zone=b:1m", "rate=0r/s", "rate=x", "zone=a", "zone=:1m", "zone=a:1", "rate=5", "$none", "x"]),
    ("limit_req", &["zone=a", "burst=5", "nodelay", "delay=3", "zone=b", "burst=0", "delay=x", "zone=", "zone=a:1m", "x", "burst=-1"]),
    ("limit_conn_zone", &["$uri", "zone=c:1m", "zone=c:32k", "zone=c", "zone=:1m", "zone=d:9", "$none", "c:1m"]),
    ("limit_conn", &["c", "1", "0", "65535", "65536", "d", "x", "-1"]),
    ("limit_req_status", NUMBERS), ("limit_req_status", &["399", "400", "429", "599", "600"]), ("limit_conn_status", &["399", "400", "429", "599", "600", "x"]),
    ("limit_req_log_level", &["info", "notice", "warn", "error", "crit", "x", "INFO"]), ("limit_conn_log_level", &["info", "error", "debug", ""]),
    ("limit_req_dry_run", FLAGS), ("limit_conn_dry_run", FLAGS),
    ("types", &[]), ("server", &[]), ("location", &["/", "=", "~", "~*", "^~", "@a", "/a", "x", "(", "=/a", "~x", "", "@"]),
    ("events", &[]), ("http", &[]), ("nosuchdirective", &["x"]),
];
#[rustfmt::skip]
const SIZES: &[&str] = &["0", "1", "1k", "1K", "1m", "1M", "1g", "1G", "-1", "x", "", "1kk", "1.5m", "9223372036854775807", "9223372036854775808", "9007199254740992k", "k", "01", "+1", "8192", "100"];
#[rustfmt::skip]
const TIMES: &[&str] = &["0", "1", "1s", "1ms", "10ms", "1m", "1h", "1d", "1w", "1h30m", "1h 30m", "30m1h", "x", "-1", "", "1S", "1.5s", "99999999999999999999", "1s1s", "ms", "1m1ms", "off"];
const NUMBERS: &[&str] =
    &["0", "1", "100", "-1", "x", "", "1k", "01", "99999999999999999999", "+1", "1 "];
const FLAGS: &[&str] = &["on", "off", "ON", "Off", "1", "", "yes", "o", "onn"];
#[rustfmt::skip]
const ADDRESSES: &[&str] = &["all", "127.0.0.1", "127.0.0.1/8", "127.0.0.0/33", "127.0.0", "::1", "::/0", "::1/129", "x", "", "unix:", "0.0.0.0/0", "10.0.0.0/8", "10.0.0.1/255.0.0.0", "127.0.0.1:80", "[::1]", "localhost", "All", "::ffff:1.2.3.4", "10.1.2.3/", "/8", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "10.0.0.0/08", "10.0.0.0/-1"];

/// Searches for so many rounds.
pub fn search(rounds: u64) {
    let (mut rounds, check) = (Rounds::new(rounds), Check::new());
    while let Some(seed) = rounds.next() {
        let mut random = Random::new(seed, 2);
        let (main, http) = generate(&mut random);
        if verdicts(&check, main.as_bytes(), &http).differ() {
            report(&mut rounds, &check, &main, &http);
        }
    }
    rounds.end();
}

/// Behind it stands a server that uses it all: templates are compiled where they are used.
fn verdicts(check: &Check, main: &[u8], http: &[u8]) -> Verdicts {
    let server = b"\nserver { listen 127.0.0.1:{port}; location /last/ {} }";
    check.verdicts(main, &[http, server].concat())
}

fn generate(random: &mut Random) -> (String, Vec<u8>) {
    let some = |random: &mut Random, most: usize| -> Vec<Node> {
        (0..1 + random.below(most)).map(|_| directive(random)).collect()
    };
    match random.below(12) {
        0 => (render(&some(random, 1), 0), b"".to_vec()),
        1..4 => (String::new(), render(&some(random, 2), 1).into_bytes()),
        4..6 => {
            let mut block = vec![Node::line("listen 127.0.0.1:{port}")];
            block.extend(some(random, 2));
            (String::new(), render(&[Node::block("server", block)], 1).into_bytes())
        }
        6..10 => {
            let inner = Node::block(one(random, LOCATIONS), some(random, 2));
            let block = vec![Node::line("listen 127.0.0.1:{port}"), inner];
            (String::new(), render(&[Node::block("server", block)], 1).into_bytes())
        }
        _ => {
            let mut text = render(&site::generate(random), 1).into_bytes();
            for _ in 0..1 + random.below(3) {
                bend(random, &mut text);
            }
            (String::new(), text)
        }
    }
}

const LOCATIONS: &[&str] =
    &["location /", "location = /x", r"location ~ ^/(x)$", "location @a", "location ^~ /y/"];

fn directive(random: &mut Random) -> Node {
    let (name, arguments) = DIRECTIVES[random.below(DIRECTIVES.len())];
    let usual = if arguments.is_empty() { 0 } else { 1 };
    let count = if random.one_in(3) { random.below(4) } else { usual };
    let mut text = name.to_owned();
    for _ in 0..count {
        let argument = if arguments.is_empty() { "x" } else { one(random, arguments) };
        text += " ";
        text += &written(random, argument);
    }
    let has_block = matches!(name, "types" | "server" | "location" | "events" | "http");
    match has_block != random.one_in(15) {
        true if name == "types" => Node::block(
            text,
            vec![Node::line(one(
                random,
                &["text/x x", "text/x", "text/x x x", "default x", "include html/none*.conf"],
            ))],
        ),
        true => Node::block(text, Vec::new()),
        false => Node::line(text),
    }
}

/// A word as it may be written.
fn written(random: &mut Random, word: &str) -> String {
    let plain = !word.is_empty() && !word.contains([' ', ';', '{']);
    match random.below(12) {
        0 => format!("\"{word}\""),
        1 => format!("'{word}'"),
        2 if plain => format!("# {word}\n    {word}"),
        3 if plain => format!("\\{word}"),
        4 => format!("\"{word}\"{}", one(random, &["x", "\"", "#", "\\", ")", ";"])),
        _ if plain || word.starts_with(['"', '\'']) || word.contains("{port}") => word.to_owned(),
        _ => format!("\"{word}\""),
    }
}

/// A byte or a few, in the grammar's own letters.
fn bend(random: &mut Random, text: &mut Vec<u8>) {
    let at = random.below(text.len());
    let part: &[u8] = match random.below(18) {
        0 => b"\"",
        1 => b"'",
        2 => b"\\",
        3 => b"{",
        4 => b"}",
        5 => b";",
        6 => b"#",
        7 => b"$",
        8 => b"${",
        9 => b" ",
        10 => b"\n",
        11 => b"\r\n",
        12 => b"\t",
        13 => b"\0",
        14 => b"\xff",
        15 => b"include html/included.conf;",
        16 => b"\\n",
        _ => b"()",
    };
    match random.below(4) {
        0 => drop(text.remove(at)),
        1 => drop(text.splice(at..=at, part.iter().copied())),
        _ => drop(text.splice(at..at, part.iter().copied())),
    }
}

fn report(rounds: &mut Rounds, check: &Check, main: &str, http: &[u8]) {
    let by_nginx = verdicts(check, main.as_bytes(), http).nginx;
    let shows = |main: &[u8], http: &[u8]| {
        let verdicts = verdicts(check, main, http);
        verdicts.differ() && verdicts.nginx == by_nginx
    };
    let lines: Vec<&str> = main.split_inclusive('\n').collect();
    let main =
        smallest(&lines, &mut { TRIES }, |part| shows(part.concat().as_bytes(), http)).concat();
    let http = smallest_text(http, &mut { TRIES }, |part| shows(main.as_bytes(), part));
    let said = verdicts(check, main.as_bytes(), &http).said;
    let text = String::from_utf8_lossy(&http).into_owned();
    let by = if by_nginx { "nginx" } else { "rserve" };
    let flat: Vec<_> = main.split_whitespace().chain(text.split_whitespace()).collect();
    let name = format!("search: taken by {by} alone: {}", flat.join(" "));
    let form: String = said.lines().filter(|line| line.contains('[')).map(without_names).collect();
    rounds.note(&name, &form, || format!("{main}http {{\n{text:?}\n}}\n{said}"));
}

/// A message without what it quotes, its numbers and its time: the same fault says it the same way.
fn without_names(line: &str) -> String {
    let line = line.split_once("[emerg]").map_or(line, |(_, rest)| rest);
    let outside = line.split('"').step_by(2).collect::<String>();
    outside.chars().filter(|c| !c.is_ascii_digit()).collect()
}
