//! Includes, bounds and bad input, with real files where there must be files.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A directory for one test, removed afterwards.
struct Dir(PathBuf);

impl Dir {
    fn new(files: &[(&str, &str)]) -> Dir {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("conf-{}-{number}", std::process::id()));
        for (name, text) in files {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Dir(dir)
    }

    fn load(&self) -> Result<Tree, Error> {
        Tree::load(&self.0.join("main.conf"))
    }

    /// The error of loading `main.conf`, without the name of the directory.
    fn error(&self) -> String {
        self.load().unwrap_err().render().replace(&format!("{}/", self.0.display()), "")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn names(tree: &Tree) -> Vec<String> {
    tree.root.iter().map(ToString::to_string).collect()
}

#[test]
fn includes_are_sorted_and_relative_to_the_main_file() {
    let dir = Dir::new(&[
        ("main.conf", "include sub/*.conf; include none/*.conf; http { include types; }"),
        ("sub/b.conf", "b;"),
        ("sub/a.conf", "a; include sub/c.inc;"),
        ("sub/.hidden.conf", "hidden;"),
        ("sub/c.inc", "c;"),
        ("types", "d;"),
    ]);
    let tree = dir.load().unwrap();
    assert_eq!(names(&tree), ["a;", "c;", "b;", "http {\nd;\n}"]);
    assert_eq!(tree.dir, dir.0);
    let read: Vec<_> =
        tree.files.iter().map(|file| file.name.rsplit('/').next().unwrap()).collect();
    assert_eq!(read, ["main.conf", "a.conf", "c.inc", "b.conf", "types"]);
}

#[test]
fn a_dump_has_every_file_once() {
    let dir = Dir::new(&[("main.conf", "include a;\ninclude a;\n"), ("a", "# x")]);
    let tree = Tree::load_with(&dir.0.join("main.conf"), "user x;").unwrap();
    let mut dump = Vec::new();
    tree.files.dump(&mut dump).unwrap();
    let base = dir.0.display();
    let expected = format!(
        "# configuration file {base}/main.conf:\ninclude a;\ninclude a;\n\n\
         # configuration file {base}/a:\n# x\n"
    );
    assert_eq!(String::from_utf8(dump).unwrap(), expected);
}

#[test]
fn missing_files() {
    let dir = Dir::new(&[("main.conf", "a;\n  include 'x.conf';\n")]);
    let error = "open() \"x.conf\" failed (2: No such file or directory) in main.conf:2\n      \
                 include 'x.conf';\n              ^^^^^^^^";
    assert_eq!(dir.error(), error);
    let none = Tree::load(Path::new("/none/main.conf")).unwrap_err();
    let message = "open() \"/none/main.conf\" failed (2: No such file or directory)";
    assert_eq!(none.to_string(), message);
    let dir = Dir::new(&[("main.conf", "include sub;"), ("sub/a", "")]);
    assert!(dir.error().starts_with("read() \"sub\" failed (21: Is a directory) in main.conf:1"));
}

#[test]
fn cycles_are_named() {
    let dir = Dir::new(&[
        ("main.conf", "include a;"),
        ("a", "http {\n include b;}"),
        ("b", "include [a];"),
    ]);
    assert!(dir.error().starts_with("include cycle: a -> b -> a in b:1\n"));
    let dir = Dir::new(&[("main.conf", "include main.conf;")]);
    assert!(dir.error().starts_with("include cycle: main.conf -> main.conf in main.conf:1\n"));
}

#[test]
fn includes_are_bounded() {
    let files = |deepest: usize| {
        let mut files = vec![("main.conf".to_owned(), "include 1;".to_owned())];
        files.extend((1..deepest).map(|i| (i.to_string(), format!("include {};", i + 1))));
        files.push((deepest.to_string(), "end;".to_owned()));
        files
    };
    let load = |deepest| {
        let files = files(deepest);
        let files: Vec<_> = files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let dir = Dir::new(&files);
        dir.load().map(|tree| names(&tree)).map_err(|_| dir.error())
    };
    assert_eq!(load(16), Ok(vec!["end;".to_owned()]));
    assert!(load(17).unwrap_err().starts_with("files are included more than 16 deep in 16:1"));

    // Each level doubles what the next one is read; the sum ends it.
    let line = format!("{}\n", "# ".repeat(2000));
    let text =
        |next: &str| format!("{}{}", line.repeat(100), format!("include {next};").repeat(30));
    let (main, a, b) = (text("a"), text("b"), text("c"));
    let dir = Dir::new(&[("main.conf", &main), ("a", &a), ("b", &b), ("c", &line.repeat(10))]);
    let error = dir.error();
    assert!(error.starts_with("the configuration is longer than 268435456 bytes in "), "{error}");
}

#[test]
fn nesting_counts_across_files() {
    let half = "a {".repeat(40);
    let end = "}".repeat(40);
    let main = format!("{half} include b; {end}");
    let dir = Dir::new(&[("main.conf", &main), ("b", &format!("{half}{end}"))]);
    assert!(dir.error().starts_with("blocks are nested more than 64 deep in b:1"));
}

#[test]
fn includes_that_are_malformed() {
    let error = |text| Dir::new(&[("main.conf", text)]).error();
    let arguments = "invalid number of arguments in \"include\" directive in main.conf:1";
    assert!(error("include;").starts_with(arguments));
    assert!(error("include a b;").starts_with(arguments));
    let end = "directive \"include\" is not terminated by \";\" in main.conf:1";
    assert!(error("include a {}").starts_with(end));
    let error = Tree::parse("t", "include a;").unwrap_err().to_string();
    assert_eq!(error, "files cannot be included here in t:1");
}

#[test]
fn an_included_file_is_whole() {
    let dir = Dir::new(&[("main.conf", "http { include a;"), ("a", "}")]);
    assert_eq!(
        dir.error(),
        "unexpected end of file, expecting \"}\" in main.conf:1\n    http { include a;\n    \
                             \u{20}                ^\nthe \"{\" in main.conf:1 is not closed"
    );
    let dir = Dir::new(&[("main.conf", "http { include a; }"), ("a", "}")]);
    assert!(dir.error().starts_with("unexpected \"}\" in a:1"));
}

#[test]
fn globals_come_first() {
    let dir = Dir::new(&[("main.conf", "b;")]);
    let load = |globals| Tree::load_with(&dir.0.join("main.conf"), globals);
    assert_eq!(names(&load("a;").unwrap()), ["a;", "b;"]);
    let error = |globals| load(globals).unwrap_err().to_string();
    assert_eq!(error("a"), "unexpected end of parameter, expecting \";\" in command line");
    assert_eq!(error("}"), "unexpected \"}\" in command line");
    let blocks = "block directives are not supported in -g option in command line";
    assert_eq!(error("events {}"), blocks);
    let dir = Dir::new(&[("main.conf", "b;"), ("g", "events {}")]);
    let tree = Tree::load_with(&dir.0.join("main.conf"), "include g;").unwrap();
    assert_eq!(names(&tree), ["events {\n}", "b;"]);
}

#[test]
fn bytes_that_are_no_text() {
    let error = |bytes: &[u8]| Tree::parse("t", bytes).unwrap_err().to_string();
    let error_of = |bytes: &[u8]| Tree::parse("t", bytes).unwrap_err().render();
    assert_eq!(
        error_of(b"a;\n\xff\xfe }b"),
        "unexpected \"}\" in t:2\n    \u{fffd}\u{fffd} }b\n       ^"
    );
    assert_eq!(error(b"a;\n\xff\nb\0;\xff"), "unexpected NUL byte in t:3");
    assert_eq!(error(b"\xef\xbb\xbfa;"), "unexpected byte order mark in t:1");
    assert_eq!(error(&vec![b'a'; 129 << 20]), "\"t\" is longer than 134217728 bytes");
}

/// As nginx: a configuration is bytes.
#[test]
fn other_encodings() {
    let tree = Tree::parse("t", b"# M\xf6lln\nroot /srv/\xe9 \"\xe9 \xc3\xa9\";").expect("parses");
    let words: Vec<_> =
        tree.root[0].args.iter().map(|word| crate::text::bytes(&word.text)).collect();
    assert_eq!([&words[0][..], &words[1][..]], [&b"/srv/\xe9"[..], &b"\xe9 \xc3\xa9"[..]]);
    let mut dump = Vec::new();
    tree.files.dump(&mut dump).expect("written");
    assert!(dump.windows(7).any(|part| part == b"# M\xf6lln"));
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let error = Tree::load(Path::new("/dev/zero")).unwrap_err().to_string();
    assert_eq!(error, "\"/dev/zero\" is longer than 134217728 bytes");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_parsed_or_refused(bytes: Vec<u8>) {
        if let Err(error) = Tree::parse("t", &bytes) {
            proptest::prop_assert!(error.place().is_some());
            let _ = error.render();
        }
    }
}
