//! Configurations in the style of well-known stacks: what `rserve -t` says of each is written down beside it.
//!
//! ```text
//! tests/stacks/sites/NAME.conf          a site of Debian's kind: it stands in common/nginx.conf
//! tests/stacks/whole/NAME/nginx.conf    a main file, with what it includes
//! tests/stacks/common/                  what is beside them in /etc/nginx
//! ….said                                the exit status, and what it says
//! ```
//! They say `/etc/nginx`, `/var/log/nginx` and so on: each is copied into a directory that stands for `/`.
//! All of them are right: nginx takes them.
#![cfg(feature = "default")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::certificates::Authority;
use support::{Dir, process};

/// Writes what is said instead of comparing it.
const WRITE: &str = "RSERVE_WRITE_STACKS";

/// What a configuration names, and stands in the directory.
const ROOTS: [&str; 3] = ["/etc/", "/var/", "/run/"];

/// A configuration, and the file that has what is said of it.
struct Stack {
    conf: PathBuf,
    said: PathBuf,
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stacks").join(name)
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn stacks() -> Vec<Stack> {
    let is_conf = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "conf");
    let sites = list(&folder("sites")).into_iter().filter(is_conf);
    let sites = sites.map(|conf| Stack { said: conf.with_extension("said"), conf });
    let whole = list(&folder("whole")).into_iter().filter(|path| path.is_dir());
    let whole = whole.map(|conf| Stack { said: conf.with_extension("said"), conf });
    sites.chain(whole).collect()
}

/// The text, with what is meant to be under `/` under `root`.
fn below(root: &Path, text: &str) -> String {
    let mut text = text.to_owned();
    for top in ROOTS {
        for before in [" ", "unix:", "\""] {
            // A mark first: the directory may itself be under one of these.
            text = text.replace(&format!("{before}{top}"), &format!("{before}\0{top}"));
        }
    }
    text.replace('\0', &root.to_string_lossy())
}

/// Copies a folder, or a file into a folder.
fn copy(from: &Path, dir: &Dir, to: &str) {
    if !from.is_dir() {
        let text = fs::read_to_string(from).expect("a file");
        dir.file(to, below(&dir.path(""), &text));
        return;
    }
    for path in list(from) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        copy(&path, dir, &format!("{to}/{name}"));
    }
}

/// A directory that stands for `/`, with the configuration in it.
fn installed(stack: &Stack, authority: &Authority) -> Dir {
    let dir = Dir::new();
    for path in ["var/log/nginx", "var/cache/nginx", "var/run", "var/www", "run"] {
        fs::create_dir_all(dir.path(path)).expect("a directory");
    }
    let leaf = authority.server(&["example.org"]);
    dir.file("etc/letsencrypt/live/example.org/fullchain.pem", leaf.chain);
    let key = dir.file("etc/letsencrypt/live/example.org/privkey.pem", leaf.key);
    fs::set_permissions(key, Permissions::from_mode(0o600)).expect("chmod");
    copy(&folder("common"), &dir, "etc/nginx");
    copy(&folder("../../conf/mime.types"), &dir, "etc/nginx/mime.types");
    match stack.conf.is_dir() {
        true => copy(&stack.conf, &dir, "etc/nginx"),
        false => copy(&stack.conf, &dir, "etc/nginx/sites-enabled/site.conf"),
    }
    dir
}

/// The exit status of a server that looks at it, and what it says.
fn look(server: &str, more: &[&str], dir: &Dir) -> (Option<i32>, String) {
    let mut command = Command::new(server);
    command.arg("-c").arg(dir.path("etc/nginx/nginx.conf")).args(["-e", "stderr", "-t"]).args(more);
    let output = process::run(&mut command);
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.replace(&*dir.path("").to_string_lossy(), "");
    // Where the carets stand depends on the length of the directory's name.
    let lines = said.lines().map(|line| match line.trim_matches([' ', '\t', '^']) {
        "" => "    ^\n".to_owned(),
        _ => format!("{line}\n"),
    });
    (output.status.code(), lines.collect())
}

fn rserve(more: &[&str], dir: &Dir) -> (Option<i32>, String) {
    look(env!("CARGO_BIN_EXE_rserve"), more, dir)
}

#[test]
fn what_is_said_of_each_is_known() {
    let authority = Authority::new("stacks");
    let mut different = Vec::new();
    let stacks = stacks();
    assert!(stacks.len() >= 40, "the configurations are not where this test looks");
    for stack in stacks {
        let (status, said) = rserve(&[], &installed(&stack, &authority));
        let said = format!("exit {}\n{said}", status.unwrap_or(-1));
        if std::env::var_os(WRITE).is_some() {
            fs::write(&stack.said, &said).expect("what is said is written");
        }
        let known = fs::read_to_string(&stack.said).unwrap_or_default();
        if said != known {
            let lines = || said.lines().zip(known.lines().chain(std::iter::repeat("")));
            let first = lines().find(|(said, known)| said != known);
            different.push(format!("{}: {first:?}", stack.conf.display()));
        }
    }
    assert!(
        different.is_empty(),
        "run this test with {WRITE}=1, and look at the difference:\n{}",
        different.join("\n")
    );
}

#[test]
fn no_lint_is_a_false_alarm() {
    let authority = Authority::new("stacks");
    for stack in stacks() {
        let dir = installed(&stack, &authority);
        let ((status, said), plain) = (rserve(&["--lint"], &dir), rserve(&[], &dir));
        let lines = said.lines().filter(|line| line.contains("[lint]"));
        let lines: Vec<&str> = lines.collect();
        assert!(lines.is_empty(), "{}\n{}", stack.conf.display(), lines.join("\n"));
        assert_eq!((status, said), plain);
    }
}

#[test]
fn nginx_takes_them() {
    let authority = Authority::new("stacks");
    for stack in stacks() {
        let dir = installed(&stack, &authority);
        let (status, said) = look("/usr/sbin/nginx", &[], &dir);
        let log = dir.text("var/log/nginx/error.log");
        assert_eq!(status, Some(0), "{}\n{said}{log}", stack.conf.display());
    }
}
