//! The pages say what is true: every configuration in them starts when it is copied, every program in them
//! does what it is said to do.
//!
//! The word behind ```` ```nginx ```` says where a block stands that is not whole: `http`, `server`,
//! `location`, `application` (of `rtmp`); `twin` is for nginx itself, `hello` for the example of a module, whose own tests read it.
//! The path behind ```` ```rust ```` is that of the file that the block is a part of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use support::certificates::Authority;
use support::{Dir, Server, Start, free_port, process, wait_for};

const BINARY: &str = env!("CARGO_BIN_EXE_rserve");

/// A block of a page.
struct Block {
    page: String,
    line: usize,
    /// What stands behind the backquotes.
    kind: String,
    text: String,
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    let docs = fs::read_dir(root.join("docs")).expect("docs/").flatten();
    pages.extend(docs.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "md")));
    pages.sort();
    pages
}

fn blocks() -> Vec<Block> {
    let mut found = Vec::new();
    for path in pages() {
        let text = fs::read_to_string(&path).expect("a page");
        let page = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let mut lines = text.lines().enumerate();
        while let Some((at, line)) = lines.next() {
            let Some(kind) = line.trim_start().strip_prefix("```") else { continue };
            let inside = lines.by_ref().map(|(_, line)| line);
            let text: Vec<&str> = inside.take_while(|line| line.trim() != "```").collect();
            let page = page.clone().unwrap_or_default();
            found.push(Block { page, line: at + 1, kind: kind.into(), text: text.join("\n") });
        }
    }
    found
}

/// The text with ports that are free here, and those.
fn with_free_ports(text: &str) -> (String, u16) {
    let (web, live) = (free_port(), free_port());
    // A port may have another's digits in it: all of those that are written go first.
    let text = text.replace("1935", "{live}").replace("8080", "{web}");
    let text = text.replace("8443", "{tls}").replace("1936", "{lives}").replace("4433", "{stream}");
    let text = text.replace("{web}", &web.to_string());
    let text = text.replace("{tls}", &free_port().to_string());
    let text = text.replace("{stream}", &free_port().to_string());
    let text = text.replace("{lives}", &free_port().to_string());
    (text.replace("{live}", &live.to_string()), web)
}

fn whole(kind: &str, text: &str) -> String {
    let server = |text: &str| format!("server {{ listen 8080;\n{text}\n}}");
    let http = |text: &str| format!("events {{}} http {{ sse_zone events 1m;\n{text}\n}}");
    match kind {
        "nginx" => text.to_owned(),
        "nginx http" => http(text),
        "nginx server" => http(&server(text)),
        "nginx location" => http(&server(&format!("location / {{\n{text}\n}}"))),
        "nginx application" => {
            let live = format!("application live {{ live on;\n{text}\n}}");
            format!("rtmp {{ server {{ listen 1935; {live} }} }}\n{}", http(&server("")))
        }
        other => panic!("a block of the kind {other:?}: see the head of this file"),
    }
}

#[test]
fn every_configuration_starts() {
    let mut count = 0;
    for block in blocks() {
        let what = format!("{}:{}", block.page, block.line);
        match block.kind.as_str() {
            "nginx hello" => {}
            "nginx twin" => loads_in_nginx(&what, &block.text),
            kind if kind.starts_with("nginx") => {
                starts(&what, &whole(kind, &block.text));
                count += 1;
            }
            _ => {}
        }
    }
    assert!(count >= 3, "the blocks are not where this test looks");
}

fn starts(what: &str, text: &str) {
    let (text, port) = with_free_ports(text);
    let start = Start::new(BINARY);
    let dir = start.dir();
    let conf = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf");
    for name in ["mime.types", "fastcgi.conf", "fastcgi_params", "scgi_params", "uwsgi_params"] {
        fs::copy(conf.join(name), dir.path(name)).expect("a copy");
    }
    let site = Authority::new("tests").server(&["localhost"]);
    dir.file("site.pem", site.chain);
    dir.file("site.key", site.key);
    // As it is written: but for what the harness must know.
    dir.file("page.conf", &text);
    let daemon = if text.contains("daemon") { "" } else { "daemon off;" };
    let mut child = Command::new(BINARY)
        .arg("-p")
        .arg(dir.path(""))
        .args(["-c", "page.conf", "-g", daemon])
        .stderr(fs::File::create(dir.path("logs/stderr")).expect("a file"))
        .spawn()
        .expect("the server");
    let mut ended = false;
    wait_for(&format!("the configuration of {what} to serve"), || {
        ended = child.try_wait().expect("wait").is_some();
        ended || support::is_listening(port)
    });
    assert!(!ended, "{what} does not start: {}\n{text}", dir.text("logs/stderr"));
    process::signal(child.id(), "TERM");
    assert!(child.wait().expect("wait").success(), "{what}");
}

fn loads_in_nginx(what: &str, text: &str) {
    let dir = Dir::new();
    let port = free_port();
    let main = "pid nginx.pid; error_log stderr; events {} http { access_log off;";
    let server = format!("{main} server {{ listen 127.0.0.1:{port};\n{text}\n}} }}");
    dir.file("nginx.conf", server);
    let mut command = Command::new("/usr/sbin/nginx");
    let output = process::run(command.arg("-p").arg(dir.path("")).args(["-t", "-c", "nginx.conf"]));
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A program of a page, run as it stands but for its ports.
struct Program {
    child: Child,
    said: PathBuf,
}

impl Program {
    fn run(kind: &str, text: &str, server: &Server) -> Program {
        let (program, file) = match kind.split(' ').next().unwrap_or_default() {
            "python" => ("python3", "program.py"),
            _ => ("node", "program.mjs"),
        };
        let path = server.file(file, text);
        let said = server.path("said");
        let child = Command::new(program)
            .arg(path)
            // Node 20 has WebSocket behind this flag, later ones have it anyway.
            .env("NODE_OPTIONS", "--experimental-websocket")
            .stdin(Stdio::null())
            .stdout(fs::File::create(&said).expect("a file"))
            .spawn()
            .unwrap_or_else(|e| panic!("{program}: {e} (Debian: nodejs, python3)"));
        Program { child, said }
    }

    fn says(&self, text: &str) {
        let said = || fs::read_to_string(&self.said).unwrap_or_default();
        wait_for(&format!("{} to say {text:?}", self.said.display()), || said().contains(text));
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn find<'a>(all: &'a [Block], page: &str, kind: &str) -> &'a str {
    let its = |block: &&Block| block.page == page && block.kind == kind;
    &all.iter().find(its).unwrap_or_else(|| panic!("no block {kind} in {page}")).text
}

/// The programs of `events.md` hear what is published, also after the stream broke off.
#[test]
fn the_programs_follow_a_channel() {
    let all = blocks();
    for kind in ["python", "js"] {
        let conf = find(&all, "events.md", "nginx").replace("8080", "127.0.0.1:{port}");
        let server = Start::new(BINARY).conf(conf).start();
        let text = find(&all, "events.md", kind).replace("8080", &server.port().to_string());
        let program = Program::run(kind, &text, &server);
        let publish = |text: &str| server.curl(&["-d", text], "/events/news").status;
        server.wait_for("the subscriber", || publish("first") == 201);
        program.says("first");
        // Its worker dies; what is published meanwhile comes when it is back.
        for worker in server.workers() {
            process::kill(&[worker]);
        }
        server.wait_for("a new worker", || matches!(publish("second"), 201 | 202));
        program.says("second");
    }
}

/// The producers of `events.md` publish everything, once; `tests/events/retries.rs` cuts such ones off.
#[test]
fn the_producers_lose_and_double_nothing() {
    let all = blocks();
    for (kind, count, last) in [("python producer", 100, "'offset': 100"), ("js producer", 3, "3 ")]
    {
        let conf = find(&all, "events.md", "nginx").replace("8080", "127.0.0.1:{port}");
        let server = Start::new(BINARY).conf(conf).start();
        let text = find(&all, "events.md", kind).replace("8080", &server.port().to_string());
        let program = Program::run(kind, &text, &server);
        program.says(last);
        let figures = ["-H", "Accept: application/vnd.rserve.channel+json"];
        let figures = server.curl(&figures, "/events/news").text();
        assert!(figures.contains(&format!("\"published\":{count},")), "{figures}");
    }
}

/// The programs of `live.md` let in who has the key, and nobody else.
#[test]
fn the_programs_decide_who_publishes() {
    let all = blocks();
    for kind in ["python", "js"] {
        let port = free_port();
        let with_port = |text: &str| text.replace("8000", &port.to_string());
        let hook = with_port(find(&all, "live.md", "nginx application"));
        let conf = find(&all, "live.md", "nginx").replace("8080", "127.0.0.1:{port}");
        let conf = conf.replace("1935", "127.0.0.1:{port2}");
        let conf = conf.replace("live on;", &format!("live on;\n{hook}"));
        let server = Start::new(BINARY).conf(conf).start();
        let program = Program::run(kind, &with_port(find(&all, "live.md", kind)), &server);
        wait_for("the program to listen", || support::is_listening(port));
        wait_for("RTMP", || support::is_listening(server.port2()));
        let ffmpeg = |key: &str| {
            let mut command = Command::new("ffmpeg");
            command.args(["-nostdin", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc"]);
            command.args(["-c:v", "flv", "-f", "flv"]);
            command.arg(format!("rtmp://127.0.0.1:{}/live/cam?key={key}", server.port2()));
            command.stderr(Stdio::null());
            command.spawn().expect("ffmpeg (Debian: apt install ffmpeg)")
        };
        let published = || server.get("/streams").text().contains("\"name\":\"cam\"");
        let mut wrong = ffmpeg("other");
        program.says("127.0.0.1 publish cam no");
        assert!(!wrong.wait().expect("wait").success(), "{kind}: it was let in");
        assert!(!published(), "{kind}: {}", server.get("/streams").text());
        let mut right = ffmpeg("secret");
        program.says("127.0.0.1 publish cam yes");
        wait_for("the stream", published);
        right.kill().expect("kill");
        right.wait().expect("wait");
    }
}

/// The mistake that the README shows, made in the configuration that is shipped, is told in these words.
#[test]
fn a_mistake_is_told_as_the_readme_says() {
    let all = blocks();
    let told = |block: &&Block| block.page == "README.md" && block.text.contains("[emerg]");
    let block = all.iter().find(told).expect("the block");
    let (_, wanted) = block.text.split_once('\n').expect("a command, and what it says");
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf");
    let read = |name: &str| fs::read_to_string(home.join(name)).expect("a file");
    let conf = read("rserve.conf").replace(" range       on;", " rang       on;");
    let dir = Dir::new();
    dir.file("conf/rserve.conf", conf);
    dir.file("conf/mime.types", read("mime.types"));
    let mut command = Command::new(BINARY);
    command.args(["-t", "-c", "conf/rserve.conf"]).current_dir(dir.path(""));
    let output = process::run(&mut command);
    assert!(!output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim_end(), wanted);
}

/// Lines without their common indentation.
fn flush_left(text: &str) -> String {
    let depth = |line: &&str| line.len() - line.trim_start().len();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let least = lines.map(|line| depth(&line)).min().unwrap_or_default();
    text.lines().map(|line| line.get(least..).unwrap_or_default().to_owned() + "\n").collect()
}

/// Whether a part of the file is this block, at whatever depth.
fn is_part(block: &str, file: &str) -> bool {
    let (block, lines) = (flush_left(block), file.lines().collect::<Vec<_>>());
    let length = block.lines().count();
    lines.windows(length).any(|part| flush_left(&part.join("\n")) == block)
}

/// The blocks of the examples are in the examples, which their own tests drive; and none of those is missing.
#[test]
fn what_is_shown_of_the_examples_is_in_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let all = blocks();
    let mut shown = Vec::new();
    for block in &all {
        let Some(path) = block.kind.strip_prefix("rust ") else { continue };
        let file = fs::read_to_string(root.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        let place = format!("{}:{}", block.page, block.line);
        assert!(is_part(&block.text, &file), "{place} is not in {path}:\n{}", block.text);
        shown.push(path.to_owned());
    }
    for entry in fs::read_dir(root.join("examples/doors")).expect("the examples").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("examples/doors/{name}");
        assert!(!name.ends_with(".rs") || shown.contains(&path), "no page shows {path}");
    }
}

/// What the tests are compiled with, so that packages which are there already are not compiled anew: the tables
/// `profile.ci` of a manifest.
fn profile(manifest: &str) -> String {
    let tables = manifest.split("\n[").filter(|table| table.starts_with("profile.ci"));
    tables.map(|table| format!("\n[{table}\n")).collect()
}

/// `own-module.md`, followed outside of the repository: its `Cargo.toml`, the two files that it says to copy.
#[test]
fn a_module_is_built_outside_of_the_repository() {
    let all = blocks();
    let toml = all.iter().find(|block| block.page == "own-module.md" && block.kind == "toml");
    let root = env!("CARGO_MANIFEST_DIR");
    let dir = Dir::new();
    let toml = toml.expect("a Cargo.toml").text.replace("../rserve", root);
    dir.file("Cargo.toml", toml + &profile(include_str!("../Cargo.toml")));
    for file in ["lib.rs", "main.rs"] {
        let path = Path::new(root).join("examples/hello").join(file);
        dir.file(file, fs::read(path).expect("the example"));
    }
    // The versions that are here already: nothing is fetched.
    dir.file("Cargo.lock", fs::read(Path::new(root).join("Cargo.lock")).expect("Cargo.lock"));
    let mut command = Command::new(env!("CARGO"));
    command.args(["check", "--offline", "--quiet", "--profile", "ci"]).current_dir(dir.path(""));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the build directory");
    command.env("CARGO_TARGET_DIR", target);
    let output = process::run(&mut command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
