//! The house style, as far as a machine can see it.

mod circles;
mod functions;

use std::fs;
use std::path::{Path, PathBuf};

/// Lines with code in them; what is longer has a reason.
const LONGEST: usize = 400;
const LONG: &[(&str, &str)] = &[];

/// The crates that may say `unsafe`: memory and system calls.
const UNSAFE: &[&str] = &["src/mem", "src/sys", "src/shm", "src/broadcast", "src/rt"];

/// The crates, from the bottom up: each sees only those before it, and of these not the ones that are named here. The SDK
/// and `server` are for binaries.
const LAYERS: &[(&str, &[&str])] = &[
    ("mem", &[]),
    ("sys", &["mem"]),
    ("shm", &["mem"]),
    ("wal", &["mem"]),
    ("broadcast", &[]),
    // Text and codecs: no I/O.
    ("conf", &["sys", "shm", "wal", "broadcast"]),
    ("proto", &["sys", "shm", "wal", "broadcast", "conf"]),
    ("rt", &["shm", "wal", "broadcast", "conf", "proto"]),
    ("resolver", &["mem", "wal", "broadcast", "proto"]),
    ("module", &["wal", "broadcast", "rt", "resolver"]),
    ("tls", &["wal", "broadcast"]),
    // A client's half of ACME: whoever uses it sends its requests.
    (
        "acme",
        &[
            "mem",
            "sys",
            "shm",
            "wal",
            "broadcast",
            "conf",
            "proto",
            "rt",
            "resolver",
            "module",
            "tls",
        ],
    ),
    ("http", &["wal", "broadcast"]),
    ("live", &["http"]),
    ("cache", &["wal", "broadcast", "resolver", "tls", "http", "live"]),
    ("upstream", &["wal", "broadcast", "live"]),
    ("stream", &["wal", "broadcast", "live", "upstream"]),
    // It reads what is written, whoever implements it.
    (
        "lint",
        &[
            "mem",
            "sys",
            "shm",
            "wal",
            "broadcast",
            "proto",
            "rt",
            "resolver",
            "module",
            "tls",
            "acme",
            "http",
            "live",
            "upstream",
            "stream",
        ],
    ),
    ("server", &["wal", "broadcast", "resolver", "http", "live", "upstream", "stream"]),
    ("sdk", &[]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The folders in `path`, by name.
fn folders(path: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(path)).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> =
        folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Every source file of the repository, with its text.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![root().to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                open.push(path);
            } else if name.ends_with(".rs") {
                let text = fs::read_to_string(&path).expect("text");
                let path = path.strip_prefix(root()).expect("a path in it");
                found.push((path.to_string_lossy().into_owned(), text));
            }
        }
    }
    assert!(found.len() > 50, "the sources are not where this test looks");
    found.sort();
    found
}

/// The lines that say something to the compiler, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    lines.filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with("//"))
}

fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn files_are_short() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let lines = code(&text).count();
        let excused = LONG.iter().any(|(long, _)| *long == path);
        if (lines > LONGEST) != excused {
            faults.push(format!("{path}: {lines} lines of code"));
        }
    }
    none(faults);
}

#[test]
fn functions_fit_a_screen() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        for (name, line, len) in functions::long(&text) {
            faults.push(format!("{path}:{line}: {name} has {len} lines"));
        }
    }
    none(faults);
}

#[test]
fn files_have_no_circles() {
    let sources = sources();
    let crates = ["src", "modules"]
        .into_iter()
        .flat_map(|parent| folders(parent).into_iter().map(move |name| format!("{parent}/{name}")));
    none(crates.flat_map(|folder| circles::find(&folder, &sources)).collect());
}

#[test]
fn unsafe_stays_where_memory_and_system_calls_are() {
    let word = concat!("un", "safe");
    let says = |line: &str| {
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.any(|found| found == word) && !line.contains('"')
    };
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let may = UNSAFE.iter().any(|folder| path.starts_with(folder));
        for (number, _) in code(&text).filter(|(_, line)| !may && says(line)) {
            faults.push(format!("{path}:{number}: {word}"));
        }
        let is_root = path == "src/main.rs" || path.ends_with("/lib.rs");
        let forbids = text.contains(&format!("#![forbid({word}_code)]"));
        if is_root && !may && !forbids {
            faults.push(format!("{path}: {word} code is not forbidden"));
        }
    }
    none(faults);
}

#[test]
fn nothing_is_left_for_later() {
    let words = ["todo", "unimplemented", "dbg"].map(|name| format!("{name}!("));
    let ignored = format!("#[{}", "ignore");
    let mut faults = Vec::new();
    for (path, text) in sources() {
        for (number, line) in code(&text) {
            for word in words.iter().chain([&ignored]).filter(|word| line.contains(&***word)) {
                faults.push(format!("{path}:{number}: {word}"));
            }
        }
    }
    none(faults);
}

/// Code in comments would be compiled and run by nobody: no test runner of ours takes doc-tests.
#[test]
fn comments_have_text_alone() {
    let fence = "`".repeat(3);
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let comments = text.lines().enumerate().filter_map(|(at, line)| {
            let words = line.trim_start().strip_prefix("//")?.trim_start_matches(['/', '!']);
            Some((at + 1, words.trim().strip_prefix(&*fence)?))
        });
        // Every other one is an end.
        for (number, _) in comments.step_by(2).filter(|(_, kind)| *kind != "text") {
            faults.push(format!("{path}:{number}: a fence that does not say `text`"));
        }
    }
    none(faults);
}

#[test]
fn every_module_is_compiled_in_and_can_be_left_out() {
    let list = read("src/modules.rs");
    let manifest = read("Cargo.toml");
    let mut faults = Vec::new();
    for folder in folders("modules") {
        let its = read(&format!("modules/{folder}/Cargo.toml"));
        let name = library(&its).unwrap_or_else(|| panic!("modules/{folder}: no name"));
        let feature = format!("{folder} = [\"dep:{name}\"");
        let wanted = [
            ("src/modules.rs", &list, format!("#[cfg(feature = \"{folder}\")]")),
            ("src/modules.rs", &list, format!("<{name}::")),
            ("Cargo.toml", &manifest, feature),
            ("Cargo.toml", &manifest, format!("{name} = {{ workspace = true, optional = true }}")),
        ];
        for (file, _, line) in wanted.iter().filter(|(_, text, line)| !text.contains(line)) {
            faults.push(format!("{file} has no `{line}` for modules/{folder}"));
        }
    }
    none(faults);
}

/// A package has a name that is nobody else's, and that its folder tells; inside it goes by its library's.
#[test]
fn packages_are_named_after_their_folders() {
    let root = read("Cargo.toml");
    let mut faults = Vec::new();
    for parent in ["src", "modules"] {
        for folder in folders(parent) {
            let path = format!("{parent}/{folder}");
            let its = read(&format!("{path}/Cargo.toml"));
            let name = format!("rserve-{}", folder.replace('_', "-"));
            if value(&its, "name") != Some(&name) {
                faults.push(format!("{path} is not called {name}"));
            }
            // The SDK is for others: nothing here depends on it.
            let Some(library) = library(&its) else { continue };
            let line = format!("{library} = {{ path = \"{path}\", package = \"{name}\" }}");
            if !root.contains(&line) {
                faults.push(format!("Cargo.toml has no `{line}`"));
            }
        }
    }
    none(faults);
}

#[test]
fn layers_look_down() {
    let mut faults = Vec::new();
    let mut check = |folder: &str, unseen: &[&str]| {
        for name in dependencies(&read(&format!("{folder}/Cargo.toml"))) {
            if unseen.contains(&name) {
                faults.push(format!("{folder} must not depend on {name}"));
            }
        }
    };
    let names: Vec<&str> = LAYERS.iter().map(|(name, _)| *name).collect();
    for (at, (name, unseen)) in LAYERS.iter().enumerate() {
        check(&format!("src/{name}"), &[unseen, &names[at..]].concat());
    }
    for name in folders("modules") {
        check(&format!("modules/{name}"), &["server", "sdk"]);
    }
    let mut unknown = folders("src");
    unknown.retain(|name| !names.contains(&&name[..]));
    assert!(unknown.is_empty(), "which layer are these? {unknown:?}");
    none(faults);
}

/// The value of a line `key = "value"`.
fn value<'a>(manifest: &'a str, key: &str) -> Option<&'a str> {
    let line = manifest.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))?;
    Some(line.trim_matches('"'))
}

/// The name of the library, where it is not the package's.
fn library(manifest: &str) -> Option<&str> {
    let (_, section) = manifest.split_once("[lib]\n")?;
    value(section.split("\n[").next()?, "name")
}

/// The names in `[dependencies]`.
fn dependencies(manifest: &str) -> impl Iterator<Item = &str> {
    let section = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    section
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split([' ', '.', '=']).next().filter(|name| !name.is_empty()))
}
